"""Decoding in child processes: what crashes, hangs, lies or eats memory there is said in words."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import app.decode.work
from app.decode import decoder
from app.decode.decoder import FAILED, Decoder
from app.decode.work import look_through
from app.naming.frames import Seen
from app.rooms import Room
from model import InputError
from model.frames import read_clip, square, stream
from tests.app.decode.files import file, until
from tests.app.server import ROOT

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel through /proc")


def always() -> None:
    """In place of asking whether an answer is still wanted."""


def seen(reader: Decoder, room: Room, path: Path) -> list[Seen]:
    return [s for s in reader.look_through(room, path, always) if isinstance(s, Seen)]


def test_a_child_reads_what_one_would_read_oneself(
    reader: Decoder, room: Room, video: Path
) -> None:
    np.testing.assert_array_equal(reader.read_clip(room, video), read_clip(video))
    frames = seen(reader, room, video)
    for ours, (time_s, frame) in zip(frames, stream(video), strict=True):
        assert ours.time_s == time_s
        np.testing.assert_array_equal(ours.square, square(frame))
    assert frames[0].picture.shape == (64, 64, 3), "the least that is drawn on"
    shares = [frame.share for frame in frames]
    assert shares == pytest.approx([i / 30 for i in range(30)])


def test_refusals_come_through_in_their_own_words(
    reader: Decoder, room: Room, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"cat\.mp4 is empty"):
        reader.read_clip(room, file(tmp_path, "cat"))
    with pytest.raises(InputError, match=r"cat\.mp4 holds neither"):
        seen(reader, room, file(tmp_path, "cat", "meow" * 20))


@pytest.mark.parametrize(
    ("does", "says", "logged"),
    [
        ("crash", "made the decoder fail", "broke: the line ended"),
        ("hang", "took more than 1 s", ""),
        ("eat", "too much memory", ""),
        ("stumble", "made the decoder fail", "IndexError"),
        ("unread", "made the decoder fail", "Input/output error"),
        ("half", "made the decoder fail", "broke: the line ended"),
        ("long", "made the decoder fail", "broke: a message of 2 + "),
    ],
)
def test_a_child_that_fails_takes_nothing_along(
    naughty: Decoder,
    room: Room,
    video: Path,
    does: str,
    says: str,
    logged: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(decoder, "CLIP_SECONDS", 1.0 if does == "hang" else 60.0)
        with pytest.raises(InputError, match=says):
            naughty.read_clip(room, file(video.parent, does))
    assert logged in caplog.text if logged else not caplog.text
    assert len(naughty.read_clip(room, video)) > 1, "the next one is well"


LIES = [
    {},
    {"frames": 0},
    {"frames": 21, "body": 21 * 150528},
    {"frames": 2, "body": 150528},
    {"frames": "2", "body": 2 * 150528},
    {"frames": [2], "body": 2 * 150528},
    {"time_s": 0, "share": 0, "size": [64, 64], "body": 7},
    {"time_s": -1, "size": [64, 64], "body": 150528 + 3 * 64 * 64},
    {"time_s": float("nan"), "size": [64, 64], "body": 150528 + 3 * 64 * 64},
    {"time_s": 1, "share": 7, "size": [64, 64], "body": 150528 + 3 * 64 * 64},
    {"time_s": 1, "size": [64, -64], "body": 150528},
    {"time_s": 1, "size": [961, 64], "body": 150528 + 3 * 961 * 64},
    {"time_s": 1, "size": "64", "body": 150528},
    {"end": True},
]


@pytest.mark.parametrize("lie", LIES, ids=[json.dumps(lie)[:30] for lie in LIES])
def test_what_a_child_says_is_not_believed(
    naughty: Decoder, room: Room, tmp_path: Path, lie: dict[str, object]
) -> None:
    path = file(tmp_path, "facts", json.dumps(lie))
    with pytest.raises(InputError, match=FAILED):
        naughty.read_clip(room, path)
    with pytest.raises(InputError, match=FAILED):
        seen(naughty, room, path)


def test_words_of_a_child_are_one_plain_line(naughty: Decoder, room: Room, tmp_path: Path) -> None:
    path = file(tmp_path, "facts", json.dumps({"problem": "a\n\x1b[2J" + "b" * 2000}))
    with pytest.raises(InputError) as told:
        naughty.read_clip(room, path)
    assert str(told.value).startswith("a??[2Jbbb") and len(str(told.value)) == 1000


@LINUX
def test_a_child_has_no_secrets_no_network_no_files_and_no_past(
    naughty: Decoder, room: Room, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        path = file(tmp_path, "self", str(listening.getsockname()[1]))
        told = []
        for _ in range(2):
            with pytest.raises(InputError) as words:
                naughty.read_clip(room, path)
            told.append(json.loads(str(words.value)))
    for child in told:
        assert {"SECRET", "HOME", "PATH"}.isdisjoint(child["environment"])
        assert child["folder"] == [] and not child["wrote"] and child["open"] <= 5
        assert child["seen"] == 1, "each child is new: it finds nothing of the one before"
    assert told[0]["pid"] != told[1]["pid"]
    if _may_leave_the_network():
        assert not any(child["reached"] for child in told)


def _may_leave_the_network() -> bool:
    code = "from app.decode.sandbox import leave_the_network as go; raise SystemExit(not go())"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


@LINUX
def test_a_killed_server_leaves_no_child(tmp_path: Path) -> None:
    hangs = file(tmp_path, "hang")
    code = f"""
import sys, threading, time
from pathlib import Path
from app.decode import children
from app.decode.decoder import Decoder
from app.rooms import Rooms
children.COMMAND = [sys.executable, "-m", "tests.app.decode.naughty"]
folder = Path({str(tmp_path)!r})
for name in ("private", "shown", "empty"):
    (folder / name).mkdir()
room, reader = Rooms(folder / "private", folder / "shown").open(), Decoder(folder / "empty")
threading.Thread(target=reader.read_clip, args=(room, Path({str(hangs)!r}))).start()
time.sleep(60)
"""
    server = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)

    def living() -> list[Path]:
        return [p for p in Path("/proc").glob("[0-9]*") if _works_in(p, tmp_path / "empty")]

    until(lambda: len(living()) == 2, 30)  # the fork server and the child that hangs
    server.send_signal(signal.SIGKILL)
    server.wait()
    until(lambda: not living(), 5)


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return Path(os.readlink(process / "cwd")) == folder
    except OSError:
        return False


def test_a_fork_server_that_died_is_started_again(
    naughty: Decoder, room: Room, video: Path
) -> None:
    naughty.read_clip(room, video)
    process = naughty._children._process
    assert process
    process.kill()
    process.wait()
    assert len(naughty.read_clip(room, video)) > 1


def test_a_video_is_bounded_in_frames_in_time_and_in_pixels(
    monkeypatch: pytest.MonkeyPatch, video: Path
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(app.decode.work, "MAX_VIDEO_FRAMES", 20)
        with pytest.raises(InputError, match="more than 20 frames"):
            list(look_through(video))
    with monkeypatch.context() as patch:
        patch.setattr(app.decode.work, "VIDEO_PIXELS", 29 * 64 * 48)
        with pytest.raises(InputError, match=r"more than [\d,]+ pixels"):
            list(look_through(video))
    with pytest.raises(InputError, match=r"more than [\d,]+ pixels"):
        read_clip(video, budget=29 * 64 * 48)
    frame = np.zeros((48, 64, 3), np.uint8)
    sparse = [(0.0, frame), (7201.0, frame)]
    monkeypatch.setattr(app.decode.work, "stream", lambda path, budget: iter(sparse))
    with pytest.raises(InputError, match="longer than 2 hours"):
        list(look_through(video))
