"""Means with 95 % intervals, clustered by user.

Tasks of one user share objects, videos and rooms, so they are no independent draws; users are. A
user counts once, with the mean over their tasks; the interval is Student's over the users.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


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


def pooled(scores: Sequence[float]) -> Interval:
    """Mean and 95 % interval of scores as independent draws: what ORBIT's leaderboard prints."""
    return Interval(float(np.mean(scores)), 1.96 * float(np.std(scores)) / math.sqrt(len(scores)))


def percent(interval: Interval) -> str:
    """82.1 ± 3.0, in %; of a single user or data set there is no interval."""
    spread = f" ± {100 * interval.half:.1f}" if math.isfinite(interval.half) else ""
    return f"{100 * interval.mean:.1f}{spread}"


def student(probability: float, freedom: int) -> float:
    """Quantile of Student's t."""
    return float(stats.t.ppf(probability, freedom))
