"""Rooms are private, cannot be guessed, and leave nothing behind, however they end."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from app import rooms as rooms_module
from app.rooms import LEFT_SECONDS, QUIET_SECONDS, Rooms, folder_for, private_root, readable_name
from model import InputError
from tests.app.fakes import RED, Page, frames, house


@pytest.fixture
def rooms(tmp_path: Path) -> Rooms:
    return house(tmp_path).rooms


def test_only_the_whole_token_opens_a_room(rooms: Rooms) -> None:
    room, other = rooms.open(), rooms.open()
    assert rooms.get(room.token) is room and rooms.get(other.token) is other
    assert len(room.token) >= 43, "256 bits"
    for guess in ("", room.token[:-1], room.token + "a", room.token.lower(), None, 7, ["x"]):
        assert rooms.get(guess) is None
    assert room.token not in repr(room), "a log must not give it away"
    assert room.token not in str(room.folder) + str(room.shown), "nor must a path"


def test_kept_frames_lie_on_disk_as_they_were(rooms: Rooms) -> None:
    room = rooms.open()
    clip = room.keep(frames(RED))
    assert (clip.frames == frames(RED)).all() and clip.count == len(frames(RED))
    assert isinstance(clip.kept, Path) and clip.kept.parent == room.folder


def test_kept_frames_hold_no_descriptor(rooms: Rooms) -> None:
    room = rooms.open()
    before = len(os.listdir("/proc/self/fd"))
    clips = [room.keep(frames(RED)) for _ in range(300)]
    assert sum(len(clip.frames) for clip in clips) == 300 * len(frames(RED))
    assert len(os.listdir("/proc/self/fd")) == before
    rooms.close(room.token)
    with pytest.raises(InputError, match="A clip has gone with its page"):
        _ = clips[0].frames


def test_no_address_takes_all_rooms_and_idle_pages_give_way(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms_module, "MAX_ROOMS_OF_ADDRESS", 3)
    own = [rooms.open("10.0.0.1") for _ in range(3)]
    for room in own:
        room.page = lambda message: None
    with pytest.raises(InputError, match="3 pages are open at this address; try again"):
        rooms.open("10.0.0.1")
    assert rooms.open("10.0.0.2")
    own[1].opened -= rooms_module.IDLE_SECONDS + 1
    newcomer = rooms.open("10.0.0.1")
    assert own[1].closed and not newcomer.closed and not own[0].closed


def test_uploads_that_nobody_took_are_swept_and_rooms_are_not(rooms: Rooms) -> None:
    room = rooms.open()
    (room.shown / "model-x").mkdir()
    left = rooms.shown / "tmpabc"
    left.write_bytes(b"broken off")
    (rooms.shown / "0123").mkdir()
    (rooms.shown / "0123" / "a.mp4").touch()
    rooms.sweep_uploads(time.time())
    assert left.exists(), "it may be on its way"
    rooms.sweep_uploads(time.time() + rooms_module.UPLOAD_SECONDS + 1)
    assert list(rooms.shown.iterdir()) == [room.shown] and (room.shown / "model-x").exists()


def test_a_closed_room_leaves_nothing(rooms: Rooms, tmp_path: Path) -> None:
    room = rooms.open()
    page = Page(room)
    room.keep(frames(RED))
    (room.new_shown("video") / "named.webm").write_bytes(b"x")
    rooms.close(room.token)
    assert rooms.get(room.token) is None and room.closed and page.heard == [{"type": "gone"}]
    assert not list((tmp_path / "private").iterdir()) and not list((tmp_path / "shown").iterdir())
    rooms.close(room.token)  # closing twice does no harm


def test_rooms_are_closed_when_their_pages_fall_silent(rooms: Rooms) -> None:
    quiet, left, spoke = rooms.open(), rooms.open(), rooms.open()
    now = time.monotonic()
    rooms.page_left(left.token)
    rooms.close_quiet(now + LEFT_SECONDS + 1)
    assert rooms.get(left.token) is None, "its page was seen to go"
    quiet.heard = now - 1
    spoke.heard = now + QUIET_SECONDS
    rooms.close_quiet(now + QUIET_SECONDS)
    assert quiet.closed and not spoke.closed


def test_a_page_that_is_still_on_the_line_has_not_left(rooms: Rooms) -> None:
    room = rooms.open()
    Page(room)
    rooms.page_left(room.token)
    rooms.close_quiet(time.monotonic() + LEFT_SECONDS + 1)
    assert not room.closed


def test_a_full_house_makes_room_only_where_nothing_is_taught(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.rooms.MAX_ROOMS", 3)
    taught, watched, idle = rooms.open(), rooms.open(), rooms.open()
    taught.taught = taught.taught.add("mug", taught.keep(frames(RED)))
    Page(watched)
    newcomer = rooms.open()
    assert idle.closed and not taught.closed and not watched.closed
    Page(newcomer)
    with pytest.raises(InputError, match="3 people are here"):
        rooms.open()


def test_results_replace_the_ones_before(rooms: Rooms) -> None:
    room = rooms.open()
    first, model, second = (room.new_shown(kind) for kind in ("video", "model", "video"))
    assert not first.exists() and model.exists() and second.exists()


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("cat.mp4", "cat.mp4"),
        ("../../etc/passwd", "passwd"),
        ("a\nb\u202e.mp4", "ab.mp4"),
        ("..", "file"),
        ("", "file"),
        ("x" * 300 + ".mp4", "x" * 76 + ".mp4"),
        ("\U0001f511" * 100 + ".mp4", "\U0001f511" * 49 + ".mp4"),
    ],
)
def test_uploads_keep_a_safe_name(rooms: Rooms, title: str, name: str) -> None:
    assert readable_name(title) == name
    with folder_for(rooms.open()) as folder:
        (folder / readable_name(title)).write_bytes(b"x")
    assert not folder.exists()


def test_a_full_disk_is_said_in_words_and_loses_nothing(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = rooms.open()
    before = room.keep(frames(RED))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(InputError, match=r"No space left on device.*is safe"):
        room.keep(frames(RED))
    assert (before.frames == frames(RED)).all() and len(list(room.folder.iterdir())) == 1


def test_the_next_server_sweeps_up_after_a_killed_one(tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from app.rooms import private_root
root = private_root(Path({str(tmp_path)!r}))
(root.path / "clip.npy").write_bytes(b"secret")
print(root.path, flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        left = Path(server.stdout.readline().strip())
        mine = private_root(tmp_path)
        assert (left / "clip.npy").exists(), "a living server's files stay"
        server.send_signal(signal.SIGKILL)
    again = private_root(tmp_path)
    assert not left.exists() and mine.path.exists() and again.path.exists()
    assert stat.S_IMODE(again.path.stat().st_mode) == 0o700
    for root in (mine, again):
        root.remove()
    assert not again.path.exists()


def test_a_folder_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / f"teach-it-your-things-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o755)
    with pytest.raises(InputError, match="can be read by others"):
        private_root(tmp_path)


def test_a_file_where_the_folder_should_be_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / f"teach-it-your-things-{os.getuid()}").write_text("in the way")
    with pytest.raises(InputError, match="delete what is there"):
        private_root(tmp_path)
