"""Media that cannot be used: the sentence that a person gets, and that nothing else happens."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from model.errors import InputError
from model.frames import FRAMES_PER_CLIP, read_clip, stream
from tests.model.media import numbered, write_video
from tests.model.reading import listed, nothing_decodes, says

PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"


def test_an_empty_file(read: Callable[[Path], object], tmp_path: Path) -> None:
    (tmp_path / "mug.mp4").touch()
    says(read, tmp_path / "mug.mp4", "mug.mp4 is empty (0 bytes); record it or copy it again.")


def test_a_file_that_is_not_there(read: Callable[[Path], object], tmp_path: Path) -> None:
    sentence = "mug.mp4 cannot be read (No such file or directory); check its path."
    says(read, tmp_path / "mug.mp4", sentence)


def test_a_folder_and_a_pipe(read: Callable[[Path], object], tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")  # opening one would wait for a writer for ever
    for name in ("folder.mp4", "pipe.mp4"):
        says(read, tmp_path / name, f"{name} is not a file; give one clip or photo.")


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
    nothing_decodes(monkeypatch)
    says(
        read,
        tmp_path / name,
        f"{name} holds neither a video nor a photo, whatever its name says; give another file.",
    )


def test_a_playlist_under_its_own_name(
    read: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = write_video(tmp_path / "secret.mp4", "mpeg4", [numbered(1)])
    (tmp_path / "list.m3u8").write_text(PLAYLIST.format(secret))
    with av.open(str(tmp_path / "list.m3u8")) as container:
        assert next(container.decode(video=0)), "the danger is real"
    nothing_decodes(monkeypatch)
    says(
        read,
        tmp_path / "list.m3u8",
        "list.m3u8 holds neither a video nor a photo, whatever its name says; give another file.",
    )


@pytest.mark.parametrize("start", [b"II*\0", b"\0\0\0\x0cJXL \r\n", b"BM", b"\0\0\0\x0cjP  \r\n"])
def test_a_photo_of_a_kind_that_is_not_read(
    start: bytes, read: Callable[[Path], object], tmp_path: Path
) -> None:
    for name in ("scan.tif", "scan.jpg"):
        (tmp_path / name).write_bytes(start + bytes(200))
        with pytest.raises(InputError, match=r"^scan\.\w+ is of a kind that .* \.jpg, \.jpeg"):
            read(tmp_path / name)


def test_a_truncated_mp4(read: Callable[[Path], object], tmp_path: Path) -> None:
    path = write_video(tmp_path / "mug.mp4", "libx264", map(numbered, range(40)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])  # its index was at the end
    sentence = (
        "mug.mp4 cannot be opened as a video: it is damaged, cut off, or holds sound only; "
        "record or copy it again."
    )
    says(read, path, sentence)


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
    for name in ("mug.jpg", "mug.png", "mug.webp", "mug.avif"):
        picture.save(tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        for length in (20, 40, len(whole) // 2):
            (tmp_path / name).write_bytes(whole[:length])
            says(
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
    says(
        read,
        tmp_path / "mug.mp4",
        "mug.mp4 holds no frame that can be decoded; record it again or save it as H.264.",
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
    says(listed, tmp_path / "mug.png", "mug.png is a photo; give a video here.")


@pytest.mark.parametrize("path", [Path("a\0b.mp4"), Path(os.fsdecode(b"caf\xe9.mp4"))])
def test_a_name_that_would_crash_the_decoder(path: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(InputError, match=r"^\S+\?\S*mp4 has a name or folder that cannot be read"):
        read(path)


def test_a_name_that_would_break_the_line_is_shown_without_it(tmp_path: Path) -> None:
    (tmp_path / "a\nb\x1b[31m.mp4").touch()
    sentence = "a?b?[31m.mp4 is empty (0 bytes); record it or copy it again."
    says(read_clip, tmp_path / "a\nb\x1b[31m.mp4", sentence)


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
