"""Naming the frames of a video, one row each: what the command line and the video tab share."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from app.naming.sight import Sight, Watch
from model import Adapted
from model.adapted import Answers
from model.frames import square, stream
from model.saving import atomic_write

BATCH = 8  # frames named together


Ask = Callable[[list[np.ndarray]], Answers]  # squares -> what the model says of them


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
    sight: Sight
    share: float | None = None  # as in `Seen`


def name_video(adapted: Adapted, path: str | Path) -> Iterator[NamedFrame]:
    """Every decoded frame of a video in order, a few at a time in memory; raises InputError."""
    frames = (Seen(time_s, square(frame), frame) for time_s, frame in stream(path))
    return name_frames(adapted.answers, frames)


def name_frames(ask: Ask, frames: Iterable[Seen]) -> Iterator[NamedFrame]:
    """The same frames with their names, BATCH of them predicted together."""
    watch, numbered = Watch(), enumerate(frames)
    while batch := list(islice(numbered, BATCH)):
        answers = ask([seen.square for _, seen in batch])
        for row, (index, seen) in enumerate(batch):
            sight = watch.see(seen.time_s, answers, row)
            yield NamedFrame(index, seen.time_s, seen.picture, sight, seen.share)


def write_csv(path: str | Path, names: Sequence[str], rows: Iterable[NamedFrame]) -> None:
    """Write frame, time_s, label, confidence, unknown and a column an object.

    The label is empty where none of the objects is seen; `unknown` is left out for a model that
    does not know. Raises InputError if it cannot be written.
    """
    with (
        atomic_write(path) as unfinished,
        open(unfinished, "w", newline="", encoding="utf-8") as file,
    ):
        table = csv.writer(file)
        for number, row in enumerate(rows):
            sight = row.sight
            unknown = [] if sight.unknown is None else [f"{sight.unknown:.4f}"]
            if number == 0:
                more = ["unknown"] * len(unknown)
                table.writerow(["frame", "time_s", "label", "confidence", *more, *map(cell, names)])
            label = cell(names[sight.best]) if sight.named else ""
            confidence = f"{sight.probabilities[sight.best]:.4f}"
            each = (f"{p:.4f}" for p in sight.probabilities)
            table.writerow([row.index, f"{row.time_s:.3f}", label, confidence, *unknown, *each])


def cell(name: str) -> str:
    """A name as a table cell, with an apostrophe where a spreadsheet would see a formula."""
    return "'" + name if name.lstrip().startswith(("=", "+", "-", "@")) else name
