"""The report card against a loop that fits every head anew, and the things that it must notice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model import load_model
from model.confidence.report import Report, report
from model.head import Head, fit, normalised
from tests.model.test_head import dense_distances
from tests.model.test_personaliser import clip
from tests.tiny import CALIBRATION, write_tiny

SCALE = 0.05


def features(
    rng: np.random.Generator, clips: list[list[int]], spread: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (N, 24), labels, clip numbers: a centre an object, near it one a clip, frames near."""
    rows, labels, numbers = [], [], []
    for k, own in enumerate(clips):
        centre = np.abs(rng.normal(size=24)) * 2
        for number, count in enumerate(own):
            place = centre + spread * rng.normal(size=24)
            rows += list(place + 0.3 * rng.normal(size=(count, 24)))
            labels, numbers = [*labels, *[k] * count], [*numbers, *[number] * count]
    return normalised(np.array(rows), "unit"), np.array(labels), np.array(numbers)


def card(clips: list[list[int]], seed: int = 0, spread: float = 1.0) -> Report:
    rows, labels, numbers = features(np.random.default_rng(seed), clips, spread)
    return report(tuple(map(str, range(len(clips)))), rows, labels, numbers, SCALE)


def test_each_clip_is_named_by_a_head_that_never_saw_it() -> None:
    clips = [[3, 4], [2, 5, 3], [6], [1]]
    rows, labels, numbers = features(np.random.default_rng(1), clips)
    numbers[labels == 2] = [0, 0, 0, 1, 1, 1]  # a single clip is left out by halves
    expected, alike = np.full((4, 4), np.nan), np.full((4, 4), np.nan)
    for k in range(3):
        found, sure = [], []
        for part in np.unique(numbers[labels == k]):
            out = (labels == k) & (numbers == part)
            for d2 in dense_distances(rows[~out], labels[~out], rows[out]):
                found.append(np.arange(4) == d2.argmin())
                e = np.exp(-0.1 * SCALE * (d2 - d2.min()))
                sure.append(e / e.sum())
        expected[k], alike[k] = np.mean(found, 0), np.mean(sure, 0)
    got = card(clips, seed=1)
    np.testing.assert_allclose(got.named, expected)
    np.testing.assert_allclose(got.alike, alike, rtol=1e-6)
    assert got.clips == (2, 3, 1, 1)
    assert got.accuracy == pytest.approx(np.nanmean(expected.diagonal()))


def test_the_order_of_frames_and_objects_does_not_matter() -> None:
    rows, labels, numbers = features(np.random.default_rng(2), [[4, 4], [5, 2], [3, 3]])
    order = np.random.default_rng(0).permutation(len(rows))
    got = report(tuple("abc"), rows[order], labels[order], numbers[order], SCALE)
    again = report(tuple("abc"), rows, labels, numbers, SCALE)
    np.testing.assert_allclose(got.alike, again.alike, rtol=1e-8)


def test_near_duplicates_are_the_pair() -> None:
    rows, labels, numbers = features(np.random.default_rng(3), [[6, 6]] * 4, 0.2)
    rows[labels == 3] = rows[labels == 1] + 0.05 * np.random.default_rng(0).normal(size=(12, 24))
    got = report(tuple("abcd"), rows, labels, numbers, SCALE)
    assert got.confused == (3, 1)


def test_a_clip_of_something_else_is_odd() -> None:
    clips, scale = [[6, 6, 6], [6, 6]], 0.3
    rows, labels, numbers = features(np.random.default_rng(4), clips, 0.1)
    assert report(tuple("ab"), rows, labels, numbers, scale).odd is None
    wrong = (labels == 0) & (numbers == 2)
    rows[wrong] = rows[(labels == 1) & (numbers == 1)] + 0.05
    assert report(tuple("ab"), rows, labels, numbers, scale).odd == (0, 2)
    numbers[labels == 0] = np.repeat([0, 0, 2], 6)
    assert report(tuple("ab"), rows, labels, numbers, scale).odd is None, "of two, which?"


def test_one_clip_under_two_names_is_noticed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    clips = {"a": [clip(rng, 4)], "b": [clip(rng, 4)]}
    personaliser = load_model(write_tiny(tmp_path / "tiny", calibration=CALIBRATION))
    seen = personaliser.see(clips | {"c": clips["a"]})
    assert personaliser.report(seen).same == ((0, 2),)
    assert personaliser.report(personaliser.see(clips)).same == ()


@pytest.mark.parametrize("clips", [[[1], [1]], [[1]], [[1]] * 50], ids=len)
def test_of_single_frames_nothing_is_claimed(clips: list[list[int]]) -> None:
    got = card(clips)
    assert np.isnan(got.accuracy) and np.isnan(got.certainty) and got.odd is None


def test_one_object_cannot_be_confused() -> None:
    assert card([[3, 3]]).confused is None and card([[3, 3]]).accuracy == 1.0


def test_many_long_clips_are_thinned() -> None:
    got = card([[100] * 4] * 12)
    assert got.clips == (4,) * 12 and np.isfinite(got.right).all()


def test_many_photos_are_left_out_together() -> None:
    """Each photo is a clip of its own: the number of heads and their size stay small."""
    fitted = []

    def counting(rows: np.ndarray, labels: np.ndarray) -> Head:
        fitted.append(len(rows))
        return fit(rows, labels)

    seen = features(np.random.default_rng(0), [[1] * 300] * 3 + [[1, 1]])
    got = report(tuple("abcd"), *seen, SCALE, counting)
    assert got.clips == (300, 300, 300, 2) and np.isfinite(got.right).all()
    assert len(fitted) <= 50 and max(fitted) <= 240


def test_one_untested_object_is_in_no_pair() -> None:
    assert card([[3, 3], [3, 3], [1]]).confused == (1, 0)
    assert card([[1], [1]]).confused is None
