"""A page that needs no server, a bundle's or a site's: every file of it, and what keeps them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from app.words.language import in_english, language_files

HERE = Path(__file__).resolve().parent
PAGE, ROOT = HERE.parent / "page", HERE.parents[1]
LINKED = re.compile(r'(?:href|src)="page/([^"]+)"')
# Of the app's own scripts; those of the runtime end in .mjs.
IMPORTED = re.compile(r'(?:from |import |import\(|new URL\((?=[^)]+, import\.meta))"([^"]+\.js)"')


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
            waiting += [other.resolve().relative_to(PAGE).as_posix() for other in others]
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
