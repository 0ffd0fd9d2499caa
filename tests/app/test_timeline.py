"""When what was seen, in words and as curves."""

import numpy as np
import pytest

from app.naming.timeline import POINTS, most_seen, stretches, thinned


def test_what_was_seen_when() -> None:
    times = np.arange(5) / 2
    rows = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.6, 0.4], [0.8, 0.2]])
    seen = stretches(("mug", "keys"), times, rows, np.ones(5, bool))
    assert [(s.name, s.start_s, s.end_s) for s in seen] == [
        ("mug", 0, 0.5), ("keys", 1, 1), ("mug", 1.5, 2)
    ]  # fmt: skip
    assert seen[0].confidence == pytest.approx(0.8)
    nothing = stretches(("mug", "keys"), times, rows, np.array([True, False, False, True, True]))
    assert [(s.name, s.start_s) for s in nothing] == [("mug", 0), ("", 0.5), ("mug", 1.5)]


def test_a_colour_each_goes_to_the_likeliest_things_in_their_order() -> None:
    rows = np.array([[0.1, 0.5, 0.0, 0.4], [0.2, 0.1, 0.0, 0.7]])
    assert most_seen(rows, 2) == [1, 3] and most_seen(rows, 3) == [0, 1, 3]
    assert most_seen(rows, 9) == [0, 1, 2, 3]


def test_long_curves_are_thinned_by_averaging() -> None:
    times, rows = np.arange(10_000.0), np.random.default_rng(0).random((10_000, 3))
    few, means = thinned(times, rows)
    assert few.shape == (POINTS,) and means.shape == (POINTS, 3)
    np.testing.assert_allclose(means.mean(0), rows.mean(0))
    short, same = thinned(times[:3], rows[:3])
    assert (short == times[:3]).all() and (same == rows[:3]).all()
