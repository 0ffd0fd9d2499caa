"""Drawing: the video decodes again frame for frame, in true time, and shows what it should."""

from pathlib import Path

import numpy as np
import pytest

from app.overlay import (
    COLOURS,
    POINTS,
    VideoWriter,
    annotate,
    stretches,
    thinned,
    thumbnail,
)
from app.video import NamedFrame
from model.frames import stream

GREY = np.full((240, 320, 3), 128, np.uint8)


def bar(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    """Pixels of that colour."""
    return int((np.abs(picture.astype(int) - colour).max(2) < 3).sum())


def test_bars_are_as_long_as_the_probabilities() -> None:
    picture = annotate(GREY, ("mug", "keys", "pen"), np.array([0.6, 0.3, 0.1]))
    lengths = np.array([bar(picture, COLOURS[k]) for k in range(3)])
    np.testing.assert_allclose(lengths / lengths.sum(), [0.6, 0.3, 0.1], atol=0.03)
    assert (GREY == 128).all() and (picture[:100] == 128).all(), "only the foot is drawn on"


def test_a_thing_keeps_its_colour_whatever_its_place() -> None:
    picture = annotate(GREY, ("mug", "keys"), np.array([0.1, 0.9]))
    assert bar(picture, COLOURS[1]) > 5 * bar(picture, COLOURS[0])


@pytest.mark.parametrize("shape", [(64, 64), (240, 32), (48, 640), (1080, 1920)])
@pytest.mark.parametrize("name", ["a" * 100, "キー", "🔑", "", "<b>&amp;"])
def test_any_name_fits_any_frame(shape: tuple[int, int], name: str) -> None:
    frame = np.zeros((*shape, 3), np.uint8)
    assert annotate(frame, (name, "x"), np.array([0.5, 0.5])).shape == frame.shape


def write(path: Path, frames: list[NamedFrame], rate: float) -> list[tuple[float, np.ndarray]]:
    with VideoWriter(path, ("mug", "keys"), rate) as writer:
        for frame in frames:
            writer.add(frame)
    return list(stream(path))


def named(index: int, time_s: float, shade: int, size: tuple[int, int] = (240, 320)) -> NamedFrame:
    picture = np.full((*size, 3), shade, np.uint8)
    return NamedFrame(index, time_s, picture, np.array([0.8, 0.2]))


def test_the_video_has_every_frame_at_its_time(tmp_path: Path) -> None:
    frames = [named(i, i / 10, 10 * i) for i in range(20)]
    seen = write(tmp_path / "v.webm", frames, 10)
    assert (tmp_path / "v.webm").read_bytes()[:4] == b"\x1a\x45\xdf\xa3", "Matroska, as WebM is"
    assert [round(time_s, 2) for time_s, _ in seen] == [round(i / 10, 2) for i in range(20)]
    assert [abs(frame[20, 20, 0] - 10.0 * i) < 12 for i, (_, frame) in enumerate(seen)].count(
        False
    ) == 0


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    frames = [named(0, 0.0, 10), named(1, 0.1, 60), named(2, 1.0, 110), named(3, 1.9, 160)]
    seen = write(tmp_path / "v.webm", frames, 10)
    assert len(seen) == 20
    shades = [round(float(frame[20, 20, 0]) / 50) for _, frame in seen]
    assert shades[5] == 1 and shades[10] == 2 and shades[18] == 2 and shades[19] == 3


def test_large_and_odd_frames_shrink_to_even_sides(tmp_path: Path) -> None:
    frames = [named(i, i / 30, 90, (1081, 1921)) for i in range(3)]
    seen = write(tmp_path / "v.webm", frames, 30)
    assert seen[0][1].shape == (540, 960, 3)


def test_what_was_seen_when() -> None:
    times = np.arange(5) / 2
    rows = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.6, 0.4], [0.8, 0.2]])
    seen = stretches(("mug", "keys"), times, rows)
    assert [(s.name, s.start_s, s.end_s) for s in seen] == [
        ("mug", 0, 0.5), ("keys", 1, 1), ("mug", 1.5, 2)
    ]  # fmt: skip
    assert seen[0].confidence == pytest.approx(0.8)


def test_long_curves_are_thinned_by_averaging() -> None:
    times, rows = np.arange(10_000.0), np.random.default_rng(0).random((10_000, 3))
    few, means = thinned(times, rows)
    assert few.shape == (POINTS,) and means.shape == (POINTS, 3)
    np.testing.assert_allclose(means.mean(0), rows.mean(0))
    short, same = thinned(times[:3], rows[:3])
    assert (short == times[:3]).all() and (same == rows[:3]).all()


def test_thumbnails_are_small_pictures() -> None:
    url = thumbnail(np.full((224, 224, 3), 200, np.uint8))
    assert url.startswith("data:image/jpeg;base64,/9j/") and len(url) < 5000
