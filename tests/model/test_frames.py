"""Clips and photos that are fine, in every container; PyAV and Pillow are the oracles."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from model.frames import FRAMES_PER_CLIP, SIDE, read_clip, square, stream
from model.media.video import risen
from tests.model.media import (
    claim_duration,
    decoded,
    number_of,
    numbered,
    open_files,
    turn,
    write_video,
)

HEVC = {"codec_options": {"x265-params": "log-level=none"}}
VIDEOS: dict[str, dict[str, Any]] = {
    "h264.mp4": {"codec": "libx264"},
    "fragmented.mp4": {
        "codec": "libx264",
        "container_options": {"movflags": "frag_keyframe+empty_moov"},
    },
    "h264.mov": {"codec": "libx264"},
    "h264.mkv": {"codec": "libx264"},
    "h264.3gp": {"codec": "libx264"},
    "hevc.mp4": {"codec": "libx265", **HEVC},
    "hevc10bit.mov": {"codec": "libx265", "pixels": "yuv420p10le", **HEVC},
    "vp8.webm": {"codec": "libvpx"},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "no_duration.webm": {"codec": "libvpx", "container_options": {"live": "1"}},
    "mjpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "mpeg4.avi": {"codec": "mpeg4"},
    "camcorder.mts": {"codec": "libx264"},
    "dvd.mpg": {"codec": "mpeg2video", "rate": 25},
    "animated.gif": {"codec": "gif", "pixels": "rgb8", "rate": 10},
    "varying.mp4": {"codec": "libx264", "times_ms": [10 * i * i for i in range(40)]},
    "varying.webm": {"codec": "libvpx", "times_ms": [10 * i * i for i in range(40)]},
    "starts_late.mkv": {"codec": "libx264", "times_ms": [5000 + 40 * i for i in range(40)]},
}


@pytest.mark.parametrize("name", VIDEOS)
def test_stream_and_read_clip_agree_with_pyav(name: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / name, frames=map(numbered, range(40)), **VIDEOS[name])
    expected_times, expected_frames = decoded(path)

    times, frames = zip(*stream(path), strict=True)

    assert [number_of(f) for f in frames] == list(range(40))
    assert np.allclose(times, expected_times, atol=1.1e-3)
    assert all(f.dtype == np.uint8 for f in frames)
    error = np.abs(np.array(frames, float) - np.array(expected_frames, float))
    assert error.mean() < 1.5  # two roundings from YUV to RGB

    clip = read_clip(path)
    assert clip.shape == (FRAMES_PER_CLIP, SIDE, SIDE, 3) and clip.dtype == np.uint8
    numbers = [number_of(f) for f in clip]
    assert numbers[0] == 0 and numbers[-1] == 39 and set(np.diff(numbers)) == {2, 3}
    assert np.array_equal(clip[-1], square(frames[-1]))
    assert len(read_clip(str(path), count=3)) == 3


@pytest.mark.parametrize(("width", "height"), [(161, 121), (17, 225), (1, 1), (2, 400)])
def test_odd_sizes(width: int, height: int, tmp_path: Path) -> None:
    frames = [np.full((height, width, 3), grey, np.uint8) for grey in (20, 120, 220)]
    path = write_video(tmp_path / "odd.webm", "libvpx", frames)
    assert [f.shape for _, f in stream(path)] == [(height, width, 3)] * 3
    assert np.allclose(read_clip(path).mean(axis=(1, 2, 3)), [20, 120, 220], atol=10)


@pytest.mark.parametrize(
    ("ending", "codec"), [("mp4", "libx264"), ("webm", "libvpx"), ("gif", "gif")]
)
def test_a_clip_of_one_frame_is_a_clip(ending: str, codec: str, tmp_path: Path) -> None:
    pixels = "rgb8" if codec == "gif" else "yuv420p"
    path = write_video(tmp_path / f"one.{ending}", codec, [numbered(5)], pixels=pixels)
    assert [number_of(f) for f in read_clip(path)] == [5]
    assert [t for t, _ in stream(path)] == [0]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_phone_held_otherwise_is_turned_upright(degrees: int, tmp_path: Path) -> None:
    frame = np.zeros((120, 160, 3), np.uint8)
    frame[:60, :80] = (250, 20, 20)  # the corner says how it was turned
    path = turn(write_video(tmp_path / "phone.mp4", "libx264", [frame]), degrees)
    upright = np.rot90(frame, -degrees // 90)

    ((_, got),) = stream(path)

    assert got.shape == upright.shape
    assert np.abs(got.astype(int) - upright).mean() < 6
    assert np.abs(read_clip(path)[0].astype(int) - square(upright)).mean() < 6


def test_what_a_file_is_decides_not_what_it_is_called(tmp_path: Path) -> None:
    video = write_video(tmp_path / "real.webm", "libvpx", map(numbered, range(5)))
    for name in ("webm_called.mp4", "video_called.jpg", "SHOUTING.MP4"):
        (tmp_path / name).write_bytes(video.read_bytes())
        assert [number_of(f) for f in read_clip(tmp_path / name)] == [0, 1, 2, 3, 4]
    Image.fromarray(numbered(9)).save(tmp_path / "photo.png")
    (tmp_path / "photo_called.mp4").write_bytes((tmp_path / "photo.png").read_bytes())
    assert [number_of(f) for f in read_clip(tmp_path / "photo_called.mp4")] == [9]


def test_names_in_any_script_and_names_that_look_like_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_video(tmp_path / "a.mp4", "libx264", [numbered(3)]).read_bytes()
    monkeypatch.chdir(tmp_path)
    odd = [
        "ключ ☕ 👩‍👧.mp4",
        "a\u202fb.mp4",
        "%03d.mp4",
        "a'\"b;c&d.mp4",
        "concat:a.mp4",
        "-i.mp4",
    ]
    for name in [*odd, "x" * 250 + ".mp4"]:
        Path(name).write_bytes(data)
        assert number_of(read_clip(name)[0]) == 3
        assert number_of(read_clip(tmp_path / name)[0]) == 3


def test_a_claimed_duration_is_not_believed_either_way(tmp_path: Path) -> None:
    for milliseconds in (3 * 3600e3, 1.0, 0.0, -5e9, 1e300, float("nan")):
        path = write_video(tmp_path / "claims.mkv", "libx264", map(numbered, range(40)))
        assert len(read_clip(claim_duration(path, milliseconds))) == FRAMES_PER_CLIP


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ((0, 0, 0, 0), (0, 0.04, 0.08, 0.12)),
        ((0, 0.040, 0.020, 0.900), (0, 0.04, 0.08, 0.9)),
        ((float("nan"), -0.007, 0.100), (0, 0.04, 0.1)),
        ((None, 0.5, None, None), (0, 0.5, 0.54, 0.58)),
    ],
)
def test_times_rise_whatever_the_file_says(
    told: tuple[float | None, ...], expected: tuple[float, ...]
) -> None:
    times, last = [], -0.04
    for time_s in told:
        last = risen(time_s, 0.0, last, 0.04)
        times.append(last)
    assert np.allclose(times, expected)


def test_stream_lets_go_of_the_file_when_it_is_closed_or_ends(tmp_path: Path) -> None:
    path = write_video(tmp_path / "held.mp4", "libx264", map(numbered, range(9)))
    frames: Any = stream(path)
    next(frames)
    assert str(path) in open_files()
    frames.close()
    assert str(path) not in open_files()
    for _ in stream(path):
        pass
    assert str(path) not in open_files()


def test_read_clip_can_be_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(read_clip)) is read_clip


def test_nothing_is_printed_and_importing_changes_nothing(tmp_path: Path) -> None:
    whole = write_video(
        tmp_path / "whole.mp4",
        "libx264",
        map(numbered, range(40)),
        container_options={"movflags": "+faststart"},
    ).read_bytes()
    (tmp_path / "half.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    (tmp_path / "torn.mp4").write_bytes(whole[:900] + bytes(200) + whole[1100:])
    (tmp_path / "stub.mp4").write_bytes(whole[:60])
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    script = """
import os, pathlib, sys, cv2, threadpoolctl
from model import InputError  # which switches telemetry off
before = dict(os.environ)
from model.frames import read_clip, stream
assert before == dict(os.environ)
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    for read in (read_clip, lambda p: list(stream(p))):
        try:
            read(path)
        except ValueError as error:
            assert path.name in str(error)
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
