"""ORBIT's measures against written-out loops."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.intervals import pooled
from training.evaluation.orbit.metrics import MEASURES, Named, by


def brute(video: Named) -> tuple[float, float, float]:
    right = [g == video.label for g in video.given]
    first = next((i for i, ok in enumerate(right) if ok), len(right))
    counts = {label: video.given.count(label) for label in sorted(set(video.given))}
    most = max(counts, key=lambda label: counts[label])  # the first, lowest, of several
    return sum(right) / len(right), first / len(right), float(most == video.label)


def random_videos() -> list[Named]:
    rng = np.random.default_rng(0)
    shapes = [(u, t, o) for u in "AB" for t in range(3) for o in range(4)]
    return [
        Named(u, t, f"o{o}", f"v{o}{i}", o, tuple(rng.integers(0, 4, rng.integers(1, 9)).tolist()))
        for u, t, o in shapes
        for i in range(2)
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((1, 1, 0), (2 / 3, 0.0, 1.0)),
        ((0, 1, 0, 1), (0.5, 0.25, 0.0)),  # a tie: the lowest label is said
        ((2, 1, 2, 1), (0.5, 0.25, 1.0)),
        ((0, 2), (0.0, 1.0, 0.0)),  # never recognised
        ((1,), (1.0, 0.0, 1.0)),  # one frame
    ],
)
def test_the_measures_of_a_video(given: tuple[int, ...], expected: tuple[float, ...]) -> None:
    video = Named("P1", 0, "mug", "v", 1, given)
    assert tuple(video.scores().values()) == pytest.approx(expected)
    assert brute(video) == pytest.approx(expected)


def test_means_over_groups_equal_loops() -> None:
    videos = random_videos()
    for name, column in zip(MEASURES, range(3), strict=True):
        values = [brute(v)[column] for v in videos]
        found = pooled(values)
        assert found.mean == pytest.approx(sum(values) / len(values))
        spread = (sum((v - found.mean) ** 2 for v in values) / len(values)) ** 0.5
        assert found.half == pytest.approx(1.96 * spread / len(values) ** 0.5)
        for group, parts in (("user", "user"), ("task", "user task"), ("object", "user object")):
            rows = {}
            for v in videos:
                rows.setdefault(tuple(getattr(v, p) for p in parts.split()), []).append(v)
            means = []
            for own in rows.values():
                if column == 0:
                    frames = [g == v.label for v in own for g in v.given]
                    means.append(sum(frames) / len(frames))
                else:
                    means.append(sum(brute(v)[column] for v in own) / len(own))
            assert by(group, videos)[name] == pytest.approx(sum(means) / len(means)), (name, group)


# --- answering ---
