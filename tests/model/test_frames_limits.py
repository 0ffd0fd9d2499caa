"""Media that are too large or too long, or claim to be: refused in words, not decoded."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from model import frames
from model.errors import InputError
from model.frames import read_clip, stream
from tests.model.media import claim_duration, numbered, repeat_one_frame, write_video
from tests.model.reading import nothing_decodes, says


def test_an_8k_video(read: Callable[[Path], object], tmp_path: Path) -> None:
    eight_k = np.zeros((4320, 7680, 3), np.uint8)
    path = write_video(tmp_path / "mug.avi", "mjpeg", [eight_k], pixels="yuvj420p")
    sentence = (
        "mug.avi has frames of 7680 x 4320 pixels, more than the 16.8 million that can be read; "
        "save it at 1920 x 1080."
    )
    says(read, path, sentence)


def _misdescribed(path: Path, sizes: list[tuple[int, int]]) -> Path:
    """An AVI of JPEGs of these (height, width) whose header says 64 x 64."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("mjpeg", rate=30)
        video.width, video.height, video.pix_fmt = 64, 64, "yuvj420p"
        for number, size in enumerate(sizes):
            picture = np.full((*size, 3), 20 * number, np.uint8)
            packet = av.Packet(cv2.imencode(".jpg", picture)[1].tobytes())
            packet.stream, packet.time_base = video, Fraction(1, 30)
            packet.pts = packet.dts = number
            container.mux(packet)
    return path


def test_8k_frames_behind_a_header_that_says_64_pixels(
    read: Callable[[Path], object], tmp_path: Path
) -> None:
    path = _misdescribed(tmp_path / "mug.avi", [(4320, 7680)] * 2)
    with pytest.raises(InputError, match=r"^mug\.avi has frames of 7680 x 4320 pixels"):
        read(path)


def test_frames_that_change_their_size_on_the_way_keep_the_first(tmp_path: Path) -> None:
    path = _misdescribed(tmp_path / "mug.avi", [(64, 64), (64, 64), (48, 96), (128, 64)])
    assert [f.shape for _, f in stream(path)] == [(64, 64, 3)] * 4
    assert np.allclose(read_clip(path).mean(axis=(1, 2, 3)), [0, 20, 40, 60], atol=4)


def test_a_video_that_grows_past_the_limit_on_the_way_is_refused(
    read: Callable[[Path], object], tmp_path: Path
) -> None:
    path = _misdescribed(tmp_path / "mug.avi", [(64, 64), (64, 64), (48, 96), (4320, 7680)])
    with pytest.raises(InputError, match=r"^mug\.avi has frames of 7680 x 4320 pixels"):
        read(path)


def test_what_is_decoded_stays_within_the_budget(tmp_path: Path) -> None:
    path = write_video(tmp_path / "mug.mp4", "libx264", map(numbered, range(40)))
    pixels = 160 * 120
    assert len(read_clip(path, budget=40 * pixels)) == 20
    assert sum(1 for _ in stream(path, budget=40 * pixels)) == 40
    for read in (lambda: read_clip(path, budget=39 * pixels), lambda: [*stream(path, 5 * pixels)]):
        with pytest.raises(InputError, match=r"^mug\.mp4 has more than [\d,]+ pixels"):
            read()


@pytest.mark.parametrize("ending", ["png", "gif"])
def test_a_picture_that_claims_billions_of_pixels_is_not_decoded(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"mug.{ending}"
    Image.new("L", (8, 8)).save(path)
    data = bytearray(path.read_bytes())
    if ending == "png":
        data[16:24] = b"\0\0\xff\xff" * 2
        data[29:33] = zlib.crc32(data[12:29]).to_bytes(4)
    else:
        data[6:10] = b"\xff" * 4
    path.write_bytes(data)
    nothing_decodes(monkeypatch)
    with pytest.raises(InputError, match=r"^mug\.\w+ has .*65535 x 65535 pixels, more than the"):
        read_clip(path)


@pytest.mark.parametrize("start", [b"", b"\0\0\0\x18ftypisom", b"\x1a\x45\xdf\xa3"])
def test_a_sparse_file_of_2_gb(
    start: bytes,
    read: Callable[[Path], object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "mug.mp4"
    path.write_bytes(start)
    os.truncate(path, 2 * 2**30)
    nothing_decodes(monkeypatch)
    says(
        read,
        path,
        "mug.mp4 has 2,147 MB, more than the 1,074 MB that can be read; "
        "cut it shorter or save it smaller.",
    )


TOO_LONG = (
    "{} is longer than the 120 s (28,800 frames) of a clip to learn from; "
    "cut out the part that shows the object."
)


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_a_clip_of_three_hours_is_refused_without_decoding_it(name: str, tmp_path: Path) -> None:
    path = repeat_one_frame(tmp_path / name, numbered(7, 1280, 720), 3 * 3600)
    says(read_clip, path, TOO_LONG.format(name))
    frames_of_it = stream(path)  # naming has no such limit
    assert [next(frames_of_it)[0] for _ in range(3)] == [0, 1, 2]


def test_a_clip_of_three_hours_that_claims_none_or_one_second_is_refused(tmp_path: Path) -> None:
    silent = repeat_one_frame(tmp_path / "film.webm", numbered(7), 3 * 3600, claim=False)
    says(read_clip, silent, TOO_LONG.format("film.webm"))
    liar = repeat_one_frame(tmp_path / "film.mkv", numbered(7), 3 * 3600)
    says(read_clip, claim_duration(liar, 1000), TOO_LONG.format("film.mkv"))


def test_a_clip_of_too_many_frames_is_refused_whatever_its_times_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "mug.mp4", "libx264", map(numbered, range(40)))
    monkeypatch.setattr(frames, "MAX_CLIP_FRAMES", 39)
    with pytest.raises(InputError, match=r"^mug\.mp4 is longer than the 120 s \(39 frames\)"):
        read_clip(path)


@pytest.mark.slow
def test_naming_a_long_video_holds_one_frame_at_a_time(tmp_path: Path) -> None:
    path = repeat_one_frame(tmp_path / "film.mp4", numbered(7), 3 * 3600)
    assert sum(1 for _ in stream(path)) == 3 * 3600


def test_a_photo_of_too_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mug.jpg").write_bytes(b"\xff\xd8\xff")
    os.truncate(tmp_path / "mug.jpg", 200 * 10**6)
    nothing_decodes(monkeypatch)
    sentence = (
        "mug.jpg has 200 MB, more than the 134 MB that can be read; "
        "cut it shorter or save it smaller."
    )
    says(read_clip, tmp_path / "mug.jpg", sentence)
