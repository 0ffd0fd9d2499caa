"""Whose file is decoded next, and what becomes of files whose people wait no longer."""

import threading
import time
from pathlib import Path

import pytest

from app.decode import decoder
from app.decode.decoder import CLOSED, Decoder, Waiting
from app.rooms import Room, Rooms
from model import InputError
from tests.app.decode.files import file, until


def test_slow_files_of_one_room_let_another_room_go_first(
    naughty: Decoder, rooms: Rooms, room: Room, video: Path
) -> None:
    slow = file(video.parent, "hang")
    outcome: list[InputError] = []

    def read_slowly() -> None:
        try:
            naughty.read_clip(room, slow)
        except InputError as error:
            outcome.append(error)

    threads = [threading.Thread(target=read_slowly) for _ in range(4)]
    for thread in threads:
        thread.start()
    other = rooms.open()
    assert len(naughty.read_clip(other, video)) > 1, "while one of four hangs, three wait"
    rooms.close(room.token)
    for thread in threads:
        thread.join(timeout=10)
    assert [str(error) for error in outcome] == [str(CLOSED)] * 4, "the waiting ones are dropped"


def test_who_waits_is_told_how_many_come_first(
    naughty: Decoder, rooms: Rooms, room: Room, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "WAIT_SECONDS", 0.05)
    told: list[str] = []
    room.page = lambda message: told.append(message["values"])
    others = [rooms.open() for _ in range(3)]
    slow = file(video.parent, "hang")
    threads = [
        threading.Thread(target=_read_quietly, args=(naughty, other, slow)) for other in others
    ]
    for thread in threads:
        thread.start()
    until(lambda: len(naughty._clips._busy) == 2 and len(naughty._clips._waiting) == 1)
    reading = threading.Thread(target=naughty.read_clip, args=(room, video))
    reading.start()
    until(lambda: told == [{"count": 3}])
    for other in others:
        rooms.close(other.token)
    for thread in (*threads, reading):
        thread.join(timeout=10)
    assert str(Waiting(1).said) == "One file of others comes first."


def _read_quietly(reader: Decoder, room: Room, path: Path) -> None:
    with pytest.raises(InputError):
        reader.read_clip(room, path)


def test_whoever_has_enough_ends_the_child_at_once(
    naughty: Decoder, room: Room, tmp_path: Path
) -> None:
    def enough() -> None:
        raise InputError("Enough.")

    start = time.monotonic()
    with pytest.raises(InputError, match="Enough"):
        list(naughty.look_through(room, file(tmp_path, "hang"), enough))
    assert time.monotonic() - start < 10 < decoder.FRAME_SECONDS
    assert not naughty._videos._busy


def test_a_file_whose_room_has_closed_says_so(reader: Decoder, rooms: Rooms, video: Path) -> None:
    room = rooms.open()
    rooms.close(room.token)
    with pytest.raises(InputError, match="This page was closed"):
        reader.read_clip(room, video)
