"""Naming the frames of a video, one row each: what the command line and the video tab share."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.smoothing import Smoother
from model import Adapted
from model.frames import square, stream
from model.saving import atomic_write

BATCH = 8  # frames named together


@dataclass(frozen=True)
class NamedFrame:
    """A decoded frame and what was seen in it."""

    index: int
    time_s: float
    frame: np.ndarray  # (H, W, 3) uint8 RGB
    probabilities: np.ndarray  # (K,) smoothed


def name_video(adapted: Adapted, path: str | Path) -> Iterator[NamedFrame]:
    """Every decoded frame of a video in order, a few at a time in memory; raises InputError."""
    smoother, waiting = Smoother(), []
    for index, (time_s, frame) in enumerate(stream(path)):
        waiting.append((index, time_s, frame))
        if len(waiting) == BATCH:
            yield from _name(adapted, waiting, smoother)
            waiting = []
    yield from _name(adapted, waiting, smoother)


def _name(
    adapted: Adapted, frames: Sequence[tuple[int, float, np.ndarray]], smoother: Smoother
) -> Iterator[NamedFrame]:
    rows = adapted.predict([square(frame) for _, _, frame in frames])
    for (index, time_s, frame), row in zip(frames, rows, strict=True):
        yield NamedFrame(index, time_s, frame, smoother.update(time_s, row))


def write_csv(path: str | Path, names: Sequence[str], rows: Iterable[NamedFrame]) -> None:
    """Write frame, time_s, label, confidence and a column an object; InputError if it cannot be."""
    with (
        atomic_write(path) as unfinished,
        open(unfinished, "w", newline="", encoding="utf-8") as file,
    ):
        table = csv.writer(file)
        table.writerow(["frame", "time_s", "label", "confidence", *map(cell, names)])
        for row in rows:
            best = int(row.probabilities.argmax())
            confidence, each = row.probabilities[best], row.probabilities
            start = [row.index, f"{row.time_s:.3f}", cell(names[best]), f"{confidence:.4f}"]
            table.writerow([*start, *(f"{p:.4f}" for p in each)])


def cell(name: str) -> str:
    """A name as a table cell, with an apostrophe where a spreadsheet would see a formula."""
    return "'" + name if name.lstrip().startswith(("=", "+", "-", "@")) else name
