"""Media that cannot be used: the sentence that a person gets, and that nothing else happens."""

from __future__ import annotations

import os
import random
import subprocess
import sys
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
from model.frames import FRAMES_PER_CLIP, read_clip, stream
from tests.model.media import claim_duration, numbered, open_files, repeat_one_frame, write_video

PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"


def _list(path: Path) -> None:
    for _ in stream(path):
        pass


@pytest.fixture(params=[read_clip, _list], ids=["read_clip", "stream"])
def read(request: pytest.FixtureRequest) -> Callable[[Path], object]:
    """Both ways in must answer alike."""
    return request.param


def _says(read: Callable[[Path], object], path: Path, sentence: str) -> None:
    """Reading `path` is refused with exactly this sentence, and the file is let go."""
    with pytest.raises(InputError) as refusal:
        read(path)
    assert str(refusal.value) == sentence
    assert str(path) not in open_files()
    assert "\n" not in sentence and str(path.parent) not in sentence


def _nothing_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("a decoder was given the file")

    monkeypatch.setattr(frames.cv2, "VideoCapture", opened)
    monkeypatch.setattr(frames.cv2, "imdecode", opened)


def test_an_empty_file(read: Callable[[Path], object], tmp_path: Path) -> None:
    (tmp_path / "mug.mp4").touch()
    _says(read, tmp_path / "mug.mp4", "mug.mp4 is empty (0 bytes); record it or copy it again.")


def test_a_file_that_is_not_there(read: Callable[[Path], object], tmp_path: Path) -> None:
    sentence = "mug.mp4 cannot be read (No such file or directory); check its path."
    _says(read, tmp_path / "mug.mp4", sentence)


def test_a_folder_and_a_pipe(read: Callable[[Path], object], tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")  # opening one would wait for a writer for ever
    for name in ("folder.mp4", "pipe.mp4"):
        _says(read, tmp_path / name, f"{name} is not a file; give one clip or photo.")


@pytest.mark.parametrize("name", ["list.mp4", "list.webm", "list.jpg", "list.avi", "list.gif"])
@pytest.mark.parametrize(
    "text",
    [
        "My mug, filmed on Sunday.",
        PLAYLIST,
        "ffconcat version 1.0\nfile '{}'\n",
        "v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
        '<?xml version="1.0"?><MPD><BaseURL>{}</BaseURL></MPD>',
        '<svg xmlns="http://www.w3.org/2000/svg"><image href="{}"/></svg>',
        "\0" * 4096,
    ],
)
def test_a_text_or_playlist_under_any_name_never_reaches_a_decoder(
    read: Callable[[Path], object],
    text: str,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = write_video(tmp_path / "secret.mp4", "mpeg4", [numbered(1)])
    (tmp_path / name).write_text(text.replace("{}", str(secret)))
    _nothing_decodes(monkeypatch)
    _says(
        read,
        tmp_path / name,
        f"{name} holds neither a video nor a photo, whatever its name says; give another file.",
    )


def test_a_playlist_under_its_own_name(
    read: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = write_video(tmp_path / "secret.mp4", "mpeg4", [numbered(1)])
    (tmp_path / "list.m3u8").write_text(PLAYLIST.format(secret))
    assert cv2.VideoCapture(str(tmp_path / "list.m3u8")).read()[0], "the danger is real"
    _nothing_decodes(monkeypatch)
    kinds = ".mp4, .m4v, .mov, .3gp, .webm, .mkv, .avi, .gif, .jpg, .jpeg, .png, .webp"
    _says(
        read,
        tmp_path / "list.m3u8",
        f"list.m3u8 is of a kind that cannot be read; save it as one of {kinds}.",
    )


def test_a_photo_that_a_phone_saved_as_heic(read: Callable[[Path], object], tmp_path: Path) -> None:
    for name in ("IMG_1.heic", "IMG_1.jpg"):
        (tmp_path / name).write_bytes(b"\0\0\0\x24ftypheic" + bytes(200))
        with pytest.raises(InputError, match=r"^IMG_1\.\w+ is of a kind that .* \.jpg, \.jpeg"):
            read(tmp_path / name)


def test_a_truncated_mp4(read: Callable[[Path], object], tmp_path: Path) -> None:
    path = write_video(tmp_path / "mug.mp4", "libx264", map(numbered, range(40)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])  # its index was at the end
    sentence = (
        "mug.mp4 cannot be opened as a video: it is damaged, cut off, or holds sound only; "
        "record or copy it again."
    )
    _says(read, path, sentence)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [("a.mp4", "libx264", {"movflags": "+faststart"}), ("a.webm", "libvpx", {})],
)
def test_a_truncated_clip_with_its_index_in_front_gives_the_frames_that_are_left(
    name: str, codec: str, options: dict[str, str], tmp_path: Path
) -> None:
    path = write_video(
        tmp_path / name,
        codec,
        map(numbered, range(40)),
        container_options=options,
        codec_options={"g": "1"},  # key frames only, so that half of the file is half of the clip
    )
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 10 <= sum(1 for _ in stream(path)) <= 30
    assert 10 <= len(read_clip(path)) <= FRAMES_PER_CLIP


def test_a_truncated_photo(tmp_path: Path) -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (99, 99, 3), np.uint8))
    for name in ("mug.jpg", "mug.png", "mug.webp"):
        picture.save(tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        for length in (20, 40, len(whole) // 2):
            (tmp_path / name).write_bytes(whole[:length])
            _says(
                read_clip,
                tmp_path / name,
                f"{name} is damaged or was cut off; take or copy the photo again.",
            )


def test_a_video_of_no_frame(read: Callable[[Path], object], tmp_path: Path) -> None:
    whole = write_video(
        tmp_path / "mug.mp4",
        "libx264",
        [numbered(0)],
        container_options={"movflags": "frag_keyframe+empty_moov"},
    ).read_bytes()
    (tmp_path / "mug.mp4").write_bytes(whole[: whole.index(b"moof") - 4])
    _says(
        read,
        tmp_path / "mug.mp4",
        "mug.mp4 holds no frame that can be decoded; record it again or save it as H.264.",
    )


@pytest.mark.parametrize("ending", ["mp4", "webm", "mkv"])
def test_av1(ending: str, read: Callable[[Path], object], tmp_path: Path) -> None:
    path = write_video(tmp_path / f"mug.{ending}", "libsvtav1", map(numbered, range(3)))
    _says(
        read,
        path,
        f"mug.{ending} is coded as AV1, which cannot be decoded here; save it as H.264 (the "
        "camera's setting may be called Most compatible).",
    )


def test_sound_only(read: Callable[[Path], object], tmp_path: Path) -> None:
    with av.open(str(tmp_path / "song.mp4"), "w") as container:
        sound: Any = container.add_stream("aac", rate=44100)
        beep = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.float32), "fltp", "mono")
        beep.rate = 44100
        container.mux(sound.encode(beep))
        container.mux(sound.encode())
    with pytest.raises(InputError, match=r"^song\.mp4 cannot be opened as a video: .* sound only"):
        read(tmp_path / "song.mp4")


def test_a_photo_is_no_video(tmp_path: Path) -> None:
    Image.fromarray(numbered(1)).save(tmp_path / "mug.png")
    _says(_list, tmp_path / "mug.png", "mug.png is a photo; give a video here.")


def test_an_8k_video(read: Callable[[Path], object], tmp_path: Path) -> None:
    eight_k = np.zeros((4320, 7680, 3), np.uint8)
    path = write_video(tmp_path / "mug.avi", "mjpeg", [eight_k], pixels="yuvj420p")
    sentence = (
        "mug.avi has frames of 7680 x 4320 pixels, more than the 16.8 million that can be read; "
        "save it at 1920 x 1080."
    )
    _says(read, path, sentence)


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
    path = _misdescribed(tmp_path / "mug.avi", [(64, 64), (64, 64), (48, 96), (4320, 7680)])
    assert [f.shape for _, f in stream(path)] == [(64, 64, 3)] * 4
    assert np.allclose(read_clip(path).mean(axis=(1, 2, 3)), [0, 20, 40, 60], atol=4)


@pytest.mark.parametrize("ending", ["png", "gif"])
def test_a_picture_that_claims_billions_of_pixels_is_not_decoded(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"mug.{ending}"
    Image.new("L", (8, 8)).save(path)
    data = bytearray(path.read_bytes())
    if ending == "png":
        data[16:24] = b"\0\0\xff\xff" * 2
    else:
        data[6:10] = b"\xff" * 4
    path.write_bytes(data)
    _nothing_decodes(monkeypatch)
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
    _nothing_decodes(monkeypatch)
    _says(
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
    _says(read_clip, path, TOO_LONG.format(name))
    frames_of_it = stream(path)  # naming has no such limit
    assert [next(frames_of_it)[0] for _ in range(3)] == [0, 1, 2]


def test_a_clip_of_three_hours_that_claims_none_or_one_second_is_refused(tmp_path: Path) -> None:
    silent = repeat_one_frame(tmp_path / "film.webm", numbered(7), 3 * 3600, claim=False)
    _says(read_clip, silent, TOO_LONG.format("film.webm"))
    liar = repeat_one_frame(tmp_path / "film.mkv", numbered(7), 3 * 3600)
    _says(read_clip, claim_duration(liar, 1000), TOO_LONG.format("film.mkv"))


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


@pytest.mark.parametrize("path", [Path("a\0b.mp4"), Path(os.fsdecode(b"caf\xe9.mp4"))])
def test_a_name_that_would_crash_the_decoder(path: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(InputError, match=r"^\S+\?\S*mp4 has a name or folder that cannot be read"):
        read(path)


def test_a_name_that_would_break_the_line_is_shown_without_it(tmp_path: Path) -> None:
    (tmp_path / "a\nb\x1b[31m.mp4").touch()
    sentence = "a?b?[31m.mp4 is empty (0 bytes); record it or copy it again."
    _says(read_clip, tmp_path / "a\nb\x1b[31m.mp4", sentence)


@pytest.mark.slow
def test_damaged_media_give_frames_or_a_sentence_and_never_a_crash(tmp_path: Path) -> None:
    seeds = tmp_path / "whole"
    seeds.mkdir()
    for name, codec, pixels in (
        ("a.mp4", "libx264", "yuv420p"),
        ("a.webm", "libvpx", "yuv420p"),
        ("a.mov", "libx265", "yuv420p"),
        ("a.mkv", "libvpx-vp9", "yuv420p"),
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.gif", "gif", "rgb8"),
    ):
        write_video(seeds / name, codec, map(numbered, range(12)), pixels=pixels)
    for name in ("a.jpg", "a.png", "a.webp"):
        Image.fromarray(numbered(1)).save(seeds / name)
    chance = random.Random(0)
    for number in range(300):
        whole = chance.choice(sorted(seeds.iterdir()))
        data = bytearray(whole.read_bytes())
        for _ in range(chance.choice([1, 5, 40])):
            at = chance.randrange(len(data) if chance.random() < 0.5 else min(len(data), 900))
            data[at : at + chance.randrange(9)] = chance.randbytes(chance.randrange(9))
        (tmp_path / f"{number}{whole.suffix}").write_bytes(data)
    script = """
import pathlib, sys
from model.errors import InputError
from model.frames import read_clip
outcomes = {"frames": 0, "sentence": 0}
for path in pathlib.Path(sys.argv[1]).glob("*.*"):
    try:
        assert read_clip(path).shape[1:] == (224, 224, 3)
        outcomes["frames"] += 1
    except InputError:
        outcomes["sentence"] += 1
print(sum(outcomes.values()), min(outcomes.values()) > 30)
"""
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (run.returncode, run.stdout) == (0, "300 True\n"), run.stderr[-2000:]


def test_a_photo_of_too_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mug.jpg").write_bytes(b"\xff\xd8\xff")
    os.truncate(tmp_path / "mug.jpg", 200 * 10**6)
    _nothing_decodes(monkeypatch)
    sentence = (
        "mug.jpg has 200 MB, more than the 134 MB that can be read; "
        "cut it shorter or save it smaller."
    )
    _says(read_clip, tmp_path / "mug.jpg", sentence)
