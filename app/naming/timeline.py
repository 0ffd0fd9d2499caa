"""When what was seen: the stretches of one name, or of none, and curves thin enough to plot."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from app.naming.frames import cell

POINTS = 400  # of each curve, at most


@dataclass(frozen=True)
class Stretch:
    """A piece of a video in which one thing was named, or none of them."""

    start_s: float
    end_s: float
    name: str  # empty: none of the things
    confidence: float  # mean, of the likeliest thing


def stretches(
    names: tuple[str, ...], times: np.ndarray, probabilities: np.ndarray, named: np.ndarray
) -> tuple[Stretch, ...]:
    """From times (F,), probabilities (F, K) and which frames were named (F,): a stretch for each
    run of one name, or of none.
    """
    best = np.where(named, probabilities.argmax(1), -1)
    cuts = [0, *(np.flatnonzero(np.diff(best)) + 1), len(best)]
    return tuple(
        Stretch(
            float(times[a]),
            float(times[b - 1]),
            names[best[a]] if named[a] else "",
            float(probabilities[a:b].max(1).mean()),
        )
        for a, b in pairwise(cuts)
    )


def write_list(path: Path, seen: Sequence[Stretch]) -> None:
    """What was seen when, as a table: from_s, to_s, label (empty: none of the things), confidence.

    Raises OSError.
    """
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["from_s", "to_s", "label", "confidence"])
        for s in seen:
            sure = f"{s.confidence:.4f}" if s.name else ""
            table.writerow([f"{s.start_s:.3f}", f"{s.end_s:.3f}", cell(s.name), sure])


def most_seen(probabilities: np.ndarray, count: int) -> list[int]:
    """Of probabilities (F, K) the `count` things that were likeliest on average, in their order."""
    return sorted(np.argsort(-probabilities.mean(0), kind="stable")[:count].tolist())


def thinned(times: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most POINTS rows of times (F,) and probabilities (F, K), each the mean of a run."""
    runs = np.array_split(np.arange(len(times)), min(POINTS, len(times)))
    return (
        np.array([times[run].mean() for run in runs]),
        np.array([probabilities[run].mean(0) for run in runs]),
    )
