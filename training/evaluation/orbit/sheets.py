"""The worst videos as one contact sheet: where to look first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from training.episodes.orbit import load_frame
from training.evaluation.orbit.metrics import Named
from training.evaluation.orbit.protocol import Asked, UserTask

VIDEOS, FRAMES = 8, 8
INCHES = 1.2  # a picture's side


def worst_videos(path: Path, tasks: Sequence[UserTask], named: Sequence[Sequence[Named]]) -> None:
    """Eight frames of each of the eight videos with the lowest frame accuracy; a video that was
    asked in several tasks stands there once.
    """
    found: dict[tuple[str, str], tuple[float, UserTask, Asked, Named]] = {}
    for task, own in zip(tasks, named, strict=True):
        for asked, video in zip(task.videos, own, strict=True):
            entry = (video.scores()["frame accuracy"], task, asked, video)
            key = (video.user, video.video)
            if key not in found or entry[0] < found[key][0]:
                found[key] = entry
    worst = sorted(found.values(), key=lambda entry: entry[0])[:VIDEOS]
    figure = Figure(figsize=(INCHES * FRAMES, 1.25 * INCHES * len(worst)), layout="constrained")
    rows = figure.subplots(len(worst), FRAMES, squeeze=False)
    for axes, (accuracy, task, asked, video) in zip(rows, worst, strict=True):
        names = Counter(task.objects[label] for label in video.given).most_common(2)
        said = ", ".join(f"{name} {count}x" for name, count in names)
        axes[0].set_title(
            f"{video.user}: {video.object}, {100 * accuracy:.0f} % right, named {said}",
            loc="left", fontsize=8,
        )  # fmt: skip
        for place in axes:
            place.axis("off")
        chosen = np.linspace(0, len(asked.frames) - 1, min(FRAMES, len(asked.frames))).astype(int)
        for place, i in zip(axes, chosen, strict=False):
            place.imshow(load_frame(asked.frames[i]))
    figure.savefig(path, dpi=100)
