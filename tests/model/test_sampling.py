"""The square against a written-out area average; the spread of frames against their numbers."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

from model.errors import InputError
from model.media.sampling import (
    FRAMES_PER_CLIP,
    NEAR,
    SIDE,
    select_frames,
    select_lazy_frames,
    square,
)
from tests.model.media import number_of, numbered


def _noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _overlaps(source: int, target: int) -> np.ndarray:  # (target, source), rows sum to 1
    """Which share of each output pixel every input pixel covers."""
    edges = np.arange(target + 1) * source / target
    low = np.maximum(edges[:-1, None], np.arange(source))
    high = np.minimum(edges[1:, None], np.arange(source) + 1)
    return np.maximum(high - low, 0) * target / source


@pytest.mark.parametrize(
    ("height", "width"), [(448, 448), (448, 672), (301, 500), (640, 225), (225, 640), (224, 900)]
)
def test_square_is_the_area_average_of_the_centre(height: int, width: int) -> None:
    frame = _noise(height, width)
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    centre = frame[top : top + short, left : left + short].astype(np.float64)
    weights = _overlaps(short, SIDE)
    expected = np.einsum("ij,jkc,lk->ilc", weights, centre, weights, optimize=True)

    got = square(frame)

    assert got.shape == (SIDE, SIDE, 3) and got.dtype == np.uint8
    assert np.abs(got - expected).max() <= 1


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (100, 223), (223, 4000)])
def test_square_of_a_small_frame_interpolates_linearly(height: int, width: int) -> None:
    frame = _noise(height, width)
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    centre = frame[top : top + short, left : left + short].astype(np.float64)
    at = (np.arange(SIDE) + 0.5) * short / SIDE - 0.5
    weights = np.stack([np.interp(at, np.arange(short), row) for row in np.eye(short)], axis=1)
    expected = np.einsum("ij,jkc,lk->ilc", weights, centre, weights, optimize=True)

    assert np.abs(square(frame) - expected).max() <= 1.5


def test_square_of_a_square_is_itself_and_a_view_is_as_good_as_a_copy() -> None:
    frame = _noise(SIDE, SIDE)
    assert np.array_equal(square(frame), frame)
    wide = _noise(300, 600)
    assert np.array_equal(square(wide[::-1, ::-1, ::-1]), square(wide[::-1, ::-1, ::-1].copy()))
    assert square(wide, 112).shape == (112, 112, 3)


@pytest.mark.parametrize("length", [1, 2, 19, 20, 21, 79, 80, 81, 100, 160, 161, 333, 900, 5000])
def test_select_frames_spreads_evenly_over_a_stream_of_any_length(length: int) -> None:
    chosen = [number_of(f) for f in select_frames(numbered(i, 56, 56) for i in range(length))]

    assert len(chosen) == min(length, FRAMES_PER_CLIP)
    assert chosen[0] == 0
    if length <= FRAMES_PER_CLIP:
        assert chosen == list(range(length))
    else:
        gaps = np.diff(chosen)
        even = length / FRAMES_PER_CLIP
        assert 0.5 * even <= gaps.min() and gaps.max() <= 2 * even
        assert length - 1 - chosen[-1] <= even


def test_select_frames_keeps_at_most_the_number_asked_for() -> None:
    assert [len(select_frames((numbered(i) for i in range(50)), count)) for count in (1, 2, 7)] == [
        1,
        2,
        7,
    ]


def test_select_frames_needs_the_memory_of_a_few_small_frames_however_long_the_stream() -> None:
    frames = [numbered(i, 640, 480) for i in range(64)]  # 0.9 MB each

    def endless(length: int) -> Iterator[np.ndarray]:
        return (frames[i % 64].copy() for i in range(length))

    tracemalloc.start()
    select_frames(endless(2000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < (4 * FRAMES_PER_CLIP + FRAMES_PER_CLIP + 5) * SIDE * SIDE * 3 + 4 * 480 * 640 * 3


def test_select_frames_is_deterministic() -> None:
    frames = [_noise(100, 120, seed) for seed in range(100)]
    assert np.array_equal(select_frames(frames), select_frames(iter(frames)))


def test_a_still_camera_on_a_still_thing_gives_one_frame_despite_sensor_noise() -> None:
    noise = np.random.default_rng(0)
    scene = _noise(240, 320).astype(float)
    frames = (
        np.clip(scene + noise.normal(0, 8, scene.shape), 0, 255).astype(np.uint8) for _ in range(90)
    )
    assert len(select_frames(frames)) == 1


def test_near_duplicates_do_not_take_the_place_of_different_frames() -> None:
    still = [numbered(0)] * 40
    chosen = [
        number_of(f) for f in select_frames([*still, *(numbered(i) for i in range(1, 41)), *still])
    ]
    assert len(chosen) == FRAMES_PER_CLIP and len(set(chosen)) == FRAMES_PER_CLIP
    assert chosen == sorted(chosen) and chosen[-1] >= 39


@pytest.mark.parametrize(("levels", "kept"), [(NEAR, 1), (NEAR + 1, 2)])
def test_one_cell_decides_whether_two_frames_differ(levels: int, kept: int) -> None:
    frame = np.full((SIDE, SIDE, 3), 100, np.uint8)
    other = frame.copy()
    other[28:42, 70:84, 1] += levels  # one of 16 x 16 cells, one colour
    assert len(select_frames([frame, other])) == kept


def test_frames_that_cannot_be_made_are_skipped_and_others_are_not_made_in_vain() -> None:
    made: list[int] = []

    def later(number: int) -> np.ndarray | None:
        made.append(number)
        return None if number % 3 == 1 else numbered(number)

    clip = select_lazy_frames(((lambda i=i: later(i)) for i in range(2000)), FRAMES_PER_CLIP)
    numbers = [number_of(frame) for frame in clip]

    assert len(numbers) == FRAMES_PER_CLIP and all(n % 3 != 1 for n in numbers)
    assert np.diff(numbers).max() <= 3 * 2000 / FRAMES_PER_CLIP
    assert len(made) < 500


def test_no_frames_cannot_be_asked_for() -> None:
    for count in (0, -1):
        with pytest.raises(ValueError, match=f"at least 1 frame must be selected; got {count}"):
            select_frames([numbered(0)], count)


def test_an_empty_recording_is_refused_in_words() -> None:
    with pytest.raises(
        InputError, match=r"^This recording holds no frame yet; record for a second"
    ):
        select_frames([])
