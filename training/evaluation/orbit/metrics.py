"""ORBIT's three measures of a video, and their means over everything, users, objects and tasks.

frame accuracy           share of its frames that are named right
frames to recognition    frames before the first right one, as a share of all; 1 where none is
video accuracy           1 if the name given most often is right (ties: the lowest label)

The leaderboard pools the scores of all videos of all tasks, and its interval takes them for
independent: 1.96 std / sqrt(n). They are not: the tasks of a user show the same videos. So there is
one clustered by user beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluation.intervals import clustered, pooled

MEASURES = ("frame accuracy", "frames to recognition", "video accuracy")


@dataclass(frozen=True)
class Named:
    """A query video, and the label that each of its frames was given."""

    user: str
    task: int  # of the user's
    object: str
    video: str
    label: int
    given: tuple[int, ...]

    def scores(self) -> dict[str, float]:
        """The three measures, by name."""
        right = np.asarray(self.given) == self.label
        first = int(right.argmax()) / len(right) if right.any() else 1.0
        most = int(np.bincount(self.given).argmax())
        values = (float(right.mean()), first, float(most == self.label))
        return dict(zip(MEASURES, values, strict=True))


GROUPS: dict[str, Callable[[Named], tuple[object, ...]]] = {
    "user": lambda v: (v.user,),
    "object": lambda v: (v.user, v.object),
    "video": lambda v: (v.user, v.video),
    "task": lambda v: (v.user, v.task),
}


def by(group: str, videos: Sequence[Named]) -> dict[str, float]:
    """Means over groups. Frame accuracy pools the frames of a group first, so that long videos
    weigh more; the other two are means over its videos.
    """
    groups: dict[tuple[object, ...], list[Named]] = {}
    for video in videos:
        groups.setdefault(GROUPS[group](video), []).append(video)
    rows = [_pooled(own) for own in groups.values()]
    return {name: float(np.mean([row[name] for row in rows])) for name in MEASURES}


def _pooled(videos: Sequence[Named]) -> dict[str, float]:
    scores = [video.scores() for video in videos]
    means = {name: float(np.mean([score[name] for score in scores])) for name in MEASURES}
    right = sum(sum(label == video.label for label in video.given) for video in videos)
    return means | {"frame accuracy": right / sum(len(video.given) for video in videos)}


def summary(videos: Sequence[Named]) -> dict[str, dict[str, float]]:
    """Measure -> pooled mean, both half-widths, and the means over each kind of group."""
    grouped = {group: by(group, videos) for group in GROUPS}
    found = {}
    for name in MEASURES:
        values = [video.scores()[name] for video in videos]
        every, people = pooled(values), clustered(values, [v.user for v in videos])
        found[name] = {"pooled": every.mean, "pooled, 95 %": every.half}
        found[name] |= {"users": people.mean, "users, 95 %": people.half}
        found[name] |= {f"by {group}": values[name] for group, values in grouped.items()}
    return found
