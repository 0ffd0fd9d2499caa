"""Naming the frames of a video, one row each: what the command line and the video tab share."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from app.naming.smoothing import Smoother
from model import Adapted
from model.frames import square, stream
from model.saving import atomic_write

BATCH = 8  # frames named together


Predict = Callable[[list[np.ndarray]], np.ndarray]  # squares -> probabilities (B, K)


@dataclass(frozen=True)
class Seen:
    """A decoded frame, as the model sees it and as people do."""

    time_s: float
    square: np.ndarray  # (SIDE, SIDE, 3) uint8 RGB
    picture: np.ndarray  # (H, W, 3) uint8 RGB
    share: float | None = None  # of the video that lies behind, as far as its file says


@dataclass(frozen=True)
class NamedFrame:
    """A decoded frame and what was seen in it."""

    index: int
    time_s: float
    frame: np.ndarray  # (H, W, 3) uint8 RGB
    probabilities: np.ndarray  # (K,) smoothed
    share: float | None = None  # as in `Seen`


def name_video(adapted: Adapted, path: str | Path) -> Iterator[NamedFrame]:
    """Every decoded frame of a video in order, a few at a time in memory; raises InputError."""
    frames = (Seen(time_s, square(frame), frame) for time_s, frame in stream(path))
    return name_frames(adapted.predict, frames)


def name_frames(predict: Predict, frames: Iterable[Seen]) -> Iterator[NamedFrame]:
    """The same frames with their names, BATCH of them predicted together."""
    smoother, numbered = Smoother(), enumerate(frames)
    while batch := list(islice(numbered, BATCH)):
        rows = predict([seen.square for _, seen in batch])
        for (index, seen), row in zip(batch, rows, strict=True):
            smooth = smoother.update(seen.time_s, row)
            yield NamedFrame(index, seen.time_s, seen.picture, smooth, seen.share)


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
