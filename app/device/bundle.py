"""The bundle: a zip with the adapted model, a page that runs it offline, and the proof of both.

The page is made of the same files as the app's. Golden frames are some of those that were taught,
with the answers of the very file that lies beside them; `check.py` compares.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import onnxruntime

from app.device.runtime import runtime_files
from app.words.language import in_english, language_files
from model import Adapted
from model.adapted import Answers
from model.saving import atomic_write

Ask = Callable[[np.ndarray], Answers]

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "page"
ROOT = HERE.parents[1]
FOLDER = "my-things"  # in the zip
GOLDEN = 12  # frames
# What the page of a bundle is made of; a test follows the imports.
PARTS = (
    *("bars.js", "camera.js", "choose.js", "device.js", "find.js", "icon.svg", "inwords.js"),
    *("language.js", "layout.js", "make.js"),
    *("pace.js", "page.css", "rgb.js", "runtime.js", "sight.js", "square.js"),
    *("standalone.js", "tones.js", "voice.js", "watch.js", "words.js", "worker.js"),
)
NO_REPORT = "It was not tested."
MARKDOWN = re.compile(r"[\\`*_{}\[\]()<>#+\-.!|~&]")  # what means something there


def write_bundle(
    path: Path, adapted: Adapted, frames: np.ndarray, report: Sequence[str], ask: Ask | None = None
) -> None:
    """Write the zip; a file that was there stays whole until the new one is complete.

    frames: taught squares (N, S, S, 3) uint8, N >= 1; report: the report card, a sentence each;
    ask: in place of `adapted.answers`, for whoever must wait for a turn. Raises InputError where
    the runtime is not installed.
    """
    files = contents(adapted, frames, report, ask or adapted.answers)
    with atomic_write(path) as unfinished, ZipFile(unfinished, "w", ZIP_DEFLATED) as bundle:
        for name, content in files.items():
            bundle.writestr(f"{FOLDER}/{name}", content)


def contents(
    adapted: Adapted, frames: np.ndarray, report: Sequence[str], ask: Ask
) -> dict[str, bytes]:
    """{name in the bundle: content}."""
    golden = frames[np.linspace(0, len(frames) - 1, min(GOLDEN, len(frames))).round().astype(int)]
    files = {
        "index.html": in_english((PAGE / "standalone.html").read_text(encoding="utf-8")).encode(),
        **{f"page/{name}": (PAGE / name).read_bytes() for name in (*PARTS, *language_files())},
        **{f"runtime/{file.name}": file.read_bytes() for file in runtime_files()},
        "model.onnx": adapted.to_bytes(),
        "golden.npy": _npy(golden),
        "check.py": (HERE / "check.py").read_bytes(),
        "MODEL_CARD.md": _card(adapted, len(frames), len(golden), report).encode(),
        "LICENCES.md": (HERE / "LICENCES.md").read_bytes() + (ROOT / "LICENSE").read_bytes(),
        **runtime_licences(),
    }
    files, sums = with_service_worker(files)
    answers = ask(golden)._asdict()
    made = {
        "names": adapted.names,
        "sha256": sums,
        "expected": {
            name: values.astype(float).round(6).tolist()
            for name, values in answers.items()
            if values is not None
        },
    }
    return files | {"things.json": json.dumps(made, ensure_ascii=False, indent=1).encode()}


def with_service_worker(files: Mapping[str, bytes]) -> tuple[dict[str, bytes], dict[str, str]]:
    """The files with the service worker that keeps them, and the SHA-256 of each.

    It differs where one of them does, or a browser that has the old would not come for the new.
    """
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    whole = hashlib.sha256("".join(sums.values()).encode()).hexdigest()
    worker = (PAGE / "offline.js").read_bytes() + f"// It keeps {whole}.\n".encode()
    sums["offline.js"] = hashlib.sha256(worker).hexdigest()
    return {**files, "offline.js": worker}, sums


def _npy(frames: np.ndarray) -> bytes:
    buffer = BytesIO()
    np.save(buffer, frames)
    return buffer.getvalue()


def _card(adapted: Adapted, frames: int, golden: int, report: Sequence[str]) -> str:
    known = adapted.facts
    card = (HERE / "MODEL_CARD.md").read_text(encoding="utf-8")
    return card.format(
        names=", ".join(MARKDOWN.sub(r"\\\g<0>", name) for name in adapted.names),
        count=len(adapted.names),
        frames=frames,
        golden=golden,
        personaliser=known["personaliser"],
        sha256=known["personaliser_sha256"],
        report="\n".join(f"- {sentence}" for sentence in report or [NO_REPORT]),
    )


def runtime_licences() -> dict[str, bytes]:
    """Those of onnxruntime: its Python package has the notices that the one of npm lacks."""
    theirs = Path(onnxruntime.__file__).parent
    names = ("LICENSE", "ThirdPartyNotices.txt")
    return {f"runtime/{name}": (theirs / name).read_bytes() for name in names}
