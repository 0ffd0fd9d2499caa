"""A page that needs no server, a bundle's or a site's: every file of it, and what keeps them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import onnxruntime

from app.words.language import in_english, language_files

PAGE = Path(__file__).resolve().parents[1] / "page"
LINKED = re.compile(r'(?:href|src)="page/([^"]+)"')
# What is named from HOME, the service worker, lies beside the page and not among its scripts.
IMPORTED = re.compile(r'(?:from |import |import\(|new URL\()"(\.{0,2}[\w./]+\.js)"(?!, HOME)')


def page_files(name: str) -> dict[str, bytes]:
    """{path: content} of a page of `app/page/` as index.html, in English, with all that it needs.

    Found by its links and the imports of its scripts; and every language, which it asks for later.
    """
    html = in_english((PAGE / name).read_text(encoding="utf-8"))
    needed: set[str] = set()
    waiting = LINKED.findall(html)
    while waiting:
        if (part := waiting.pop()) in needed:
            continue
        needed.add(part)
        if part.endswith(".js"):
            code = (PAGE / part).read_text(encoding="utf-8")
            others = ((PAGE / part).parent.joinpath(other) for other in IMPORTED.findall(code))
            inside = (other.resolve() for other in others if other.resolve().is_relative_to(PAGE))
            waiting += [other.relative_to(PAGE).as_posix() for other in inside]
    parts = [*sorted(needed), *language_files()]
    return {"index.html": html.encode()} | {
        f"page/{part}": (PAGE / part).read_bytes() for part in parts
    }


def with_service_worker(files: Mapping[str, bytes]) -> tuple[dict[str, bytes], dict[str, str]]:
    """The files with the service worker that keeps them, and the SHA-256 of each.

    It differs where one of them does, or a browser that has the old would not come for the new.
    """
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    whole = hashlib.sha256("".join(sums.values()).encode()).hexdigest()
    worker = (PAGE / "offline.js").read_bytes() + f"// It keeps {whole}.\n".encode()
    sums["offline.js"] = hashlib.sha256(worker).hexdigest()
    return {**files, "offline.js": worker}, sums


def runtime_licences() -> dict[str, bytes]:
    """Those of onnxruntime: its Python package has the notices that the one of npm lacks."""
    theirs = Path(onnxruntime.__file__).parent
    names = ("LICENSE", "ThirdPartyNotices.txt")
    return {f"runtime/{name}": (theirs / name).read_bytes() for name in names}
