"""What the tests of decoding share, beside their fixtures."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def file(folder: Path, name: str, text: str = "") -> Path:
    path = folder / f"{name}.mp4"
    path.write_text(text)
    return path


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
