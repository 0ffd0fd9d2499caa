"""What every method scored on the same tasks: its table, and the same as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.evaluation.intervals import Interval, clustered


@dataclass(frozen=True)
class Scores:
    """What every method scored on every task."""

    users: tuple[str, ...]  # of the E tasks
    right: dict[str, list[float]]  # method -> E accuracies, ours first

    def of(self, method: str) -> Interval:
        return clustered(self.right[method], self.users)

    def lead(self, method: str) -> Interval:
        """How much better the first method is than this one, task by task."""
        ours = next(iter(self.right.values()))
        pairs = zip(ours, self.right[method], strict=True)
        return clustered([a - b for a, b in pairs], self.users)

    def best_frozen(self) -> str | None:
        """The best of the heads on the frozen backbone's features, if any was scored."""
        frozen = [name for name in self.right if name.startswith("frozen, ")]
        return max(frozen, key=lambda name: self.of(name).mean, default=None)


def accuracy(scores: np.ndarray, targets: np.ndarray) -> float:
    """Share of rows (M, K) whose largest score is the target's (M,)."""
    return float((scores.argmax(1) == targets).mean())


def table(scores: Scores, clusters: str = "users", tasks: str = "tasks") -> str:
    """One line a method: its accuracy, and how far the first is ahead of it, in points."""
    width = max(map(len, scores.right))
    lines = [f"{len(set(scores.users))} {clusters}, {len(scores.users)} {tasks}"]
    lines.append(f"{'':{width}}  accuracy, %       the first is ahead by")
    for i, name in enumerate(scores.right):
        ahead = f"    {_points(scores.lead(name), '+')}" if i else ""
        lines.append(f"{name:{width}}  {_points(scores.of(name))}{ahead}")
    if best := scores.best_frozen():
        lines.append(f"the best frozen head: {best}")
    return "\n".join(lines)


def _points(interval: Interval, sign: str = "") -> str:
    half = f"{100 * interval.half:4.1f}" if math.isfinite(interval.half) else "   ?"
    return f"{100 * interval.mean:{sign}6.1f} +- {half}"


def report(scores: Scores, settings: Mapping[str, object]) -> dict[str, object]:
    """The same as JSON, with every task's score."""

    def plain(interval: Interval) -> list[float | None]:
        return [interval.mean, interval.half if math.isfinite(interval.half) else None]

    methods = {
        name: {"accuracy": plain(scores.of(name)), "lead": plain(scores.lead(name)), "tasks": right}
        for name, right in scores.right.items()
    }
    return {"settings": dict(settings), "users": list(scores.users), "methods": methods}
