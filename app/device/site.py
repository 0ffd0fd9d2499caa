"""`python -m app static`: a folder that any static host serves, and that teaches and recognises
without a server.

The page is made of the app's own files. What Python knows of adapting goes along as graphs that
only want running, and pieces to put together (`model.graph.parts`); `page/adapt/` has the rest.
"""

from __future__ import annotations

import html
import json
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote

import onnx

from app.device.page import HERE, ROOT, page_files, with_service_worker
from app.device.runtime import learning_files, runtime_files, runtime_licences
from app.handlers import sample_clips
from model import InputError
from model.card import PARTS, read_card
from model.graph.parts import parts
from model.personaliser import DEFAULT

SAMPLES = ROOT / "assets" / "samples"
MANIFEST = "things.json"  # as in a bundle: what there is, for the service worker and the page


def write_site(out: Path, personaliser: Path | None = None) -> int:
    """Write the site as the folder `out`, new or empty; returns how many bytes it has.

    personaliser: its folder, by default the shipped one. Raises InputError, and then nothing is
    written; what is there is never overwritten.
    """
    out = out.resolve()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is there already; give the name of a new folder for the site.")
    if not out.parent.is_dir():
        raise InputError(f"There is no folder {out.parent} to write {out.name} to.")
    files = contents(personaliser or DEFAULT)
    unfinished = Path(tempfile.mkdtemp(".part", f".{out.name}-", out.parent))
    try:
        for name, content in files.items():
            (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
            (unfinished / name).write_bytes(content)
        unfinished.chmod(0o755)  # a web server is another user
        os.replace(unfinished, out)
    except OSError as error:
        raise InputError(f"{out.name} could not be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return sum(map(len, files.values()))


def contents(personaliser: Path) -> dict[str, bytes]:
    """{name in the site: content}."""
    card = read_card(personaliser)
    set_encoder, *rest = ((personaliser / part).read_bytes() for part in PARTS)
    generator, backbone = (onnx.load_model_from_string(part).graph for part in rest)
    model = parts(card, set_encoder, generator, backbone)
    if (told := personaliser / "MODEL_CARD.md").is_file():
        model["MODEL_CARD.md"] = told.read_bytes()
    taught, watched = (sample_clips(SAMPLES, kind) for kind in ("clean", "clutter"))
    page = page_files("site.html")
    played = [{"name": name, "url": _url(own[0])} for name, own in watched.items()]
    played_in_html = html.escape(json.dumps(played)).encode()
    files = {
        **page,
        "index.html": page["index.html"].replace(b"CLIPS", played_in_html),
        "README.md": (HERE / "SITE.md").read_bytes(),
        "LICENCES.md": (HERE / "SITE_LICENCES.md").read_bytes() + (ROOT / "LICENSE").read_bytes(),
        ".nojekyll": b"",  # GitHub Pages: these are the pages, do not build others
        **{f"runtime/{f.name}": f.read_bytes() for f in (*runtime_files(), *learning_files())},
        **runtime_licences(),
        **{f"model/{name}": part for name, part in model.items()},
    }
    clips = [clip for own in (*taught.values(), *(w[:1] for w in watched.values())) for clip in own]
    for path in (*clips, SAMPLES / "README.md"):
        files[f"samples/{path.relative_to(SAMPLES).as_posix()}"] = path.read_bytes()
    files, sums = with_service_worker(files)
    made = {
        "samples": {name: [_url(clip) for clip in own] for name, own in taught.items()},
        "sha256": sums,
    }
    return files | {MANIFEST: json.dumps(made, ensure_ascii=False, indent=1).encode()}


def _url(clip: Path) -> str:
    return "samples/" + quote(clip.relative_to(SAMPLES).as_posix())
