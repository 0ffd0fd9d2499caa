"""Means with 95 % intervals, clustered by user.

Tasks of one user share objects, videos and rooms, so they are no independent draws; users are. A
user counts once, with the mean over their tasks; the interval is Student's over the users.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Interval:
    """mean - half to mean + half."""

    mean: float
    half: float  # infinite where a single user cannot say


def clustered(scores: Sequence[float], users: Sequence[str]) -> Interval:
    """95 % interval of the mean score of a user; paired differences are scores too."""
    known = sorted(set(users))
    means = np.array(
        [np.mean([s for s, user in zip(scores, users, strict=True) if user == u]) for u in known]
    )
    if len(means) < 2:
        return Interval(float(means.mean()), math.inf)
    spread = float(means.std(ddof=1)) / math.sqrt(len(means))
    return Interval(float(means.mean()), student(0.975, len(means) - 1) * spread)


def student(probability: float, freedom: int) -> float:
    """Quantile of Student's t: with t = sqrt(f) tan(a), the density in a goes as cos(a)^(f - 1)."""
    angle = np.linspace(-math.pi / 2, math.pi / 2, 20_001)
    density = np.maximum(np.cos(angle), 0.0) ** (freedom - 1)
    below = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return math.sqrt(freedom) * math.tan(float(np.interp(probability, below / below[-1], angle)))
