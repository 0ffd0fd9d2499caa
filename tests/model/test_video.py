"""A video is shown as players show it: upright, de-interlaced, its pixels square, its colours true.

The files are made here by PyAV; what is right follows from how each was made.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from model.frames import read_clip, stream

SIZE = (96, 128)  # rows, columns


def scene(rows: int = SIZE[0], columns: int = SIZE[1]) -> np.ndarray:
    """A smooth picture (rows, columns, 3) without any symmetry."""
    down, across = np.mgrid[0 : 1 : rows * 1j, 0 : 1 : columns * 1j]
    red, green = 40 + 180 * across * down, 200 - 150 * down
    return np.stack([red, green, 60 + 120 * across], 2).astype(np.uint8)


def write(
    path: Path,
    codec: str,
    pixels: str = "yuv420p",
    shapes: list[np.ndarray] | None = None,
    change: Callable[[Any], None] = lambda _: None,
    options: dict[str, str] | None = None,
    **properties: Any,
) -> Path:
    """A video of these frames, RGB or RGBA; `properties` are of every frame and of the codec."""
    frames = shapes or [scene()] * 4
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream(codec, rate=25, options=options or {})
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = pixels
        change(video)
        for name, value in properties.items():
            setattr(video.codec_context, name, value)
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame, "rgba" if frame.shape[2] == 4 else "rgb24")
            picture = picture.reformat(
                format=pixels,
                dst_colorspace=properties.get("colorspace"),
                dst_color_range=properties.get("color_range"),
            )
            for name, value in properties.items():
                setattr(picture, name, value)
            container.mux(video.encode(picture))
        container.mux(video.encode())
    return path


def apart(path: Path, right: np.ndarray) -> float:
    """Mean distance, in grey levels, of all shown frames from the right picture."""
    shown = [frame for _, frame in stream(path)]
    assert {frame.shape for frame in shown} == {right.shape}
    return float(np.abs(np.array(shown, float) - right).mean())


TURNS = {  # (a, b, c, d) of the display matrix: where x and y of the coded frame go
    "as it is": ((1, 0, 0, 1), lambda f: f),
    "mirrored": ((-1, 0, 0, 1), lambda f: f[:, ::-1]),
    "upside down": ((1, 0, 0, -1), lambda f: f[::-1]),
    "half turn": ((-1, 0, 0, -1), lambda f: f[::-1, ::-1]),
    "clockwise": ((0, 1, -1, 0), lambda f: np.rot90(f, -1)),
    "anticlockwise": ((0, -1, 1, 0), lambda f: np.rot90(f)),
    "transposed": ((0, 1, 1, 0), lambda f: f.transpose(1, 0, 2)),
    "transversed": ((0, -1, -1, 0), lambda f: f[::-1, ::-1].transpose(1, 0, 2)),
}


@pytest.mark.parametrize("turn", TURNS)
def test_the_display_matrix_turns_and_mirrors(turn: str, tmp_path: Path) -> None:
    (a, b, c, d), shown = TURNS[turn]
    one, whole = 2**16, 2**30
    matrix = [a * one, b * one, 0, c * one, d * one, 0, 0, 0, whole]
    path = write(
        tmp_path / "a.mp4", "libx264", change=lambda video: video.set_display_matrix(matrix)
    )
    assert apart(path, shown(scene())) < 3


INTERLACED = {
    "h264, top field first": ("libx264", "yuv420p", {"x264-params": "tff=1"}),
    "h264, bottom field first": ("libx264", "yuv420p", {"x264-params": "bff=1"}),
    "h264, 4:2:2": ("libx264", "yuv422p", {"x264-params": "tff=1"}),
    "h264, 10 bit": ("libx264", "yuv420p10le", {"x264-params": "bff=1"}),
    "mpeg2": ("mpeg2video", "yuv420p", {"flags": "+ildct+ilme", "b": "4M"}),
    "mpeg4": ("mpeg4", "yuv420p", {"flags": "+ildct+ilme", "b": "4M"}),
}


@pytest.mark.parametrize("name", INTERLACED)
def test_interlaced_video_shows_its_picture_and_nobody_elses_memory(
    name: str, tmp_path: Path
) -> None:
    codec, pixels, options = INTERLACED[name]
    path = write(tmp_path / "a.mkv", codec, pixels, [scene()] * 6, options=options)
    with av.open(str(path)) as container:
        assert all(frame.interlaced_frame for frame in container.decode(video=0))
    assert apart(path, scene()) < 4
    times = [time for time, _ in stream(path)]
    assert np.allclose(times, np.arange(6) / 25, atol=2e-3)
    assert np.array_equal(read_clip(path), read_clip(path))


@pytest.mark.parametrize(("wide", "high"), [(4, 3), (12, 11), (1, 2), (16, 15)])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_pixels_that_are_not_square_become_so(
    ending: str, wide: int, high: int, tmp_path: Path
) -> None:
    def stretch(video: Any) -> None:
        video.codec_context.sample_aspect_ratio = Fraction(wide, high)

    path = write(tmp_path / f"a.{ending}", "libx264", change=stretch)
    columns = round(SIZE[1] * wide / high)
    assert apart(path, scene(columns=columns)) < 4


TRANSPARENT = {
    "vp8.webm": ("libvpx", "yuva420p", {"auto-alt-ref": "0"}),
    "vp9.webm": ("libvpx-vp9", "yuva420p", {}),
    "png.mov": ("png", "rgba", {}),
    "qtrle.mov": ("qtrle", "argb", {}),
    "prores.mov": ("prores_ks", "yuva444p10le", {}),
    "ffv1.mkv": ("ffv1", "bgra", {}),
}


@pytest.mark.parametrize("name", TRANSPARENT)
def test_white_shines_through_a_transparent_video(name: str, tmp_path: Path) -> None:
    codec, pixels, options = TRANSPARENT[name]
    frame = np.dstack([scene(), np.full(SIZE, 255, np.uint8)])
    frame[:, 64:, 3] = 0
    path = write(tmp_path / name, codec, pixels, [frame] * 3, options=options)
    right = scene()
    right[:, 64:] = 255
    shown = [picture for _, picture in stream(path)]
    assert len(shown) == 3
    for picture in shown:
        clear = np.abs(picture[:, 72:].astype(int) - 255)
        opaque = np.abs(picture[:, :56].astype(int) - right[:, :56])
        assert clear.max() <= 12 and opaque.mean() < 5


COLOURS: dict[str, dict[str, Any]] = {
    "601, limited": {"colorspace": 5, "color_range": 1},
    "709, limited": {"colorspace": 1, "color_range": 1},
    "709, full": {"colorspace": 1, "color_range": 2},
    "601, full": {"colorspace": 5, "color_range": 2},
}


@pytest.mark.parametrize("name", COLOURS)
def test_matrix_and_range_are_those_that_the_file_names(name: str, tmp_path: Path) -> None:
    assert apart(write(tmp_path / "a.mp4", "libx264", **COLOURS[name]), scene()) < 3


def test_high_dynamic_range_is_tone_mapped(tmp_path: Path) -> None:
    """In PQ the white of a page, 203 cd/m2, is coded as 58 % of the range (BT.2408)."""
    white = np.full((64, 64, 3), round(0.58 * 255), np.uint8)
    path = write(
        tmp_path / "a.mkv",
        "libx265",
        "yuv420p10le",
        [white] * 2,
        options={"x265-params": "log-level=none:bframes=0:colorprim=9:transfer=16:colormatrix=9"},
        colorspace=9,
        color_range=1,
        color_trc=16,
        color_primaries=9,
    )
    ((_, shown), *_) = stream(path)
    assert shown.min() > 0.68 * 255 and np.ptp(shown) <= 6


def test_the_default_track_is_shown_and_cover_art_never(tmp_path: Path) -> None:
    path = tmp_path / "tracks.mkv"
    with av.open(str(path), "w") as container:
        tracks: list[Any] = [container.add_stream("libx264", rate=25) for _ in range(3)]
        for track, grey in zip(tracks, (40, 120, 200), strict=True):
            track.width = track.height = 64
            track.pix_fmt = "yuv420p"
            track.disposition = Disposition.default if grey == 120 else Disposition(0)
        for track, grey in zip(tracks, (40, 120, 200), strict=True):
            picture = np.full((64, 64, 3), grey, np.uint8)
            for packet in track.encode(av.VideoFrame.from_ndarray(picture, "rgb24")):
                container.mux(packet)
            container.mux(track.encode())
    ((_, frame),) = stream(path)
    assert np.abs(frame.astype(int) - 120).max() <= 4


@pytest.mark.parametrize("codec", ["libsvtav1", "libvpx-vp9", "libx265", "ffv1", "mjpeg", "prores"])
def test_codecs_of_phones_and_of_their_owners(codec: str, tmp_path: Path) -> None:
    pixels = {"mjpeg": "yuvj420p", "prores": "yuv422p10le"}.get(codec, "yuv420p")
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    assert apart(write(tmp_path / "a.mkv", codec, pixels, options=options), scene()) < 4


def test_no_other_file_is_opened_however_a_video_asks(tmp_path: Path) -> None:
    """FFmpeg gets an open file: a name inside it, here a QuickTime alias, leads nowhere."""
    secret = write(tmp_path / "secret.mp4", "libx264")
    data = bytearray(write(tmp_path / "a.mov", "libx264").read_bytes())
    at = data.index(b"url \0\0\0\1")  # "the media is in this file" becomes "it is over there"
    data[at : at + 8] = b"alis\0\0\0\0"
    (tmp_path / "a.mov").write_bytes(data)
    code = """
import sys
from model.frames import read_clip
read_clip(sys.argv[2])
opened = set()
sys.addaudithook(lambda event, a: opened.add(str(a[0])) if event == "open" else None)
read_clip(sys.argv[1])
print(*opened)
"""
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.mov"), str(secret)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert run.stdout.strip() == str(tmp_path / "a.mov"), run.stderr
