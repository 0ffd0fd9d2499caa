"""The named video decodes again frame for frame, in true time, and shows what it should."""

from pathlib import Path

import numpy as np

from app.naming.annotated_video import VideoWriter
from app.naming.frames import NamedFrame
from app.naming.sight import Sight
from model.frames import stream


def write(path: Path, frames: list[NamedFrame], rate: float) -> list[tuple[float, np.ndarray]]:
    with VideoWriter(path, ("mug", "keys"), rate) as writer:
        for frame in frames:
            writer.add(frame)
    return list(stream(path))


def named(index: int, time_s: float, shade: int, size: tuple[int, int] = (240, 320)) -> NamedFrame:
    picture = np.full((*size, 3), shade, np.uint8)
    return NamedFrame(index, time_s, picture, Sight(np.array([0.8, 0.2])))


def test_the_video_has_every_frame_at_its_time(tmp_path: Path) -> None:
    frames = [named(i, i / 10, 10 * i) for i in range(20)]
    seen = write(tmp_path / "v.webm", frames, 10)
    assert (tmp_path / "v.webm").read_bytes()[:4] == b"\x1a\x45\xdf\xa3", "Matroska, as WebM is"
    assert [round(time_s, 2) for time_s, _ in seen] == [round(i / 10, 2) for i in range(20)]
    assert [abs(frame[-20, 20, 0] - 10.0 * i) < 12 for i, (_, frame) in enumerate(seen)].count(
        False
    ) == 0


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    frames = [named(0, 0.0, 10), named(1, 0.1, 60), named(2, 1.0, 110), named(3, 1.9, 160)]
    seen = write(tmp_path / "v.webm", frames, 10)
    assert len(seen) == 20
    shades = [round(float(frame[-20, 20, 0]) / 50) for _, frame in seen]
    assert shades[5] == 1 and shades[10] == 2 and shades[18] == 2 and shades[19] == 3


def test_large_and_odd_frames_shrink_to_even_sides(tmp_path: Path) -> None:
    frames = [named(i, i / 30, 90, (1081, 1921)) for i in range(3)]
    seen = write(tmp_path / "v.webm", frames, 30)
    assert seen[0][1].shape == (540, 960, 3)
