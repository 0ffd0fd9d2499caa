"""The bundle: a zip with the adapted model, a page that runs it offline, and the proof of both.

The page is made of the same files as the app's. Golden frames are some of those that were taught,
with the answers of the very file that lies beside them; `check.py` compares.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np

from app.device.page import HERE, ROOT, page_files, with_service_worker
from app.device.runtime import runtime_files, runtime_licences
from model import Adapted
from model.adapted import Answers
from model.saving import atomic_write

Ask = Callable[[np.ndarray], Answers]

FOLDER = "my-things"  # in the zip
GOLDEN = 12  # frames
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
        **page_files("standalone.html"),
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
