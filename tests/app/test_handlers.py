"""What a person can do, with fakes in place of decoding and of the model."""

from pathlib import Path

import numpy as np
import pytest

from app.handlers import Watching, sample_clips, welcome
from app.rooms import Room
from app.session import Clip, TaughtObjects
from app.words.language import Said
from model import InputError
from tests.app.fakes import BLUE, GREEN, RED, House, Page, frames, house, jpeg


def file(folder: Path, colour: str) -> Path:
    path = folder / f"{colour}.mp4"
    path.write_text(colour)
    return path


def learned(home: House, room: Room) -> Page:
    page = Page(room)
    home.handlers.teach_recording(room, "red", [jpeg(RED)])
    home.handlers.teach_recording(room, "blue", [jpeg(BLUE)])
    page.wait("learned")
    return page


def test_what_streamed_by_becomes_a_clip(home: House, room: Room) -> None:
    page = Page(room)
    assert home.handlers.teach_recording(room, "mug", [jpeg(RED)] * 2 + [jpeg(GREEN)] * 2) >= 1
    thumbs = page.wait("clip")["thumbs"]
    state = page.wait("state")
    assert state["things"][0]["clips"][0]["frames"] == len(thumbs)
    assert all(thumb.startswith("data:image/jpeg;base64,") for thumb in thumbs)


def test_a_damaged_frame_does_not_spoil_a_recording(home: House, room: Room) -> None:
    assert home.handlers.teach_recording(room, "mug", [b"rubbish", jpeg(RED), b""]) == 1
    with pytest.raises(InputError):
        home.handlers.teach_recording(room, "mug", [b"rubbish"])
    assert room.taught.things[0].shots == 1


def test_recording_without_a_picture_says_so(home: House, room: Room) -> None:
    with pytest.raises(InputError, match="start the camera and record again"):
        home.handlers.teach_recording(room, "mug", [])


def test_clips_from_disk(home: House, room: Room, tmp_path: Path) -> None:
    for colour in ("red", "green"):
        assert home.handlers.teach_file(room, "mug", file(tmp_path, colour)) == 3
    assert [len(t.clips) for t in room.taught.things] == [2]


def test_a_bad_file_loses_nothing(tmp_path: Path) -> None:
    def refuse(room: Room, path: Path):
        raise InputError(f"{path.name} is empty.")

    home = house(tmp_path, read_clip=refuse)
    room = home.rooms.open()
    home.handlers.teach_recording(room, "mug", [jpeg(RED)])
    before = room.taught
    with pytest.raises(InputError, match=r"red\.mp4 is empty"):
        home.handlers.teach_file(room, "mug", file(tmp_path, "red"))
    assert room.taught is before and len(list(room.folder.iterdir())) == 1


def test_samples_are_taught_in_one_go(home: House, room: Room, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not installed"):
        home.handlers.teach_samples(room)
    for name, colour in (("tin_of_tea", "green"), ("apple", "red")):
        folder = tmp_path / "samples" / name / "clean"
        folder.mkdir(parents=True)
        file(folder, colour)
        (folder / "notes.txt").write_text("not a clip")
    page = Page(room)
    assert home.handlers.teach_samples(room) == 2
    assert page.wait("learned")["names"] == ["apple", "tin of tea"]
    assert list(sample_clips(tmp_path / "samples", "clutter")) == []


def test_samples_that_cannot_all_be_kept_leave_nothing(
    home: House, room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("apple", "book", "cup"):
        folder = tmp_path / "samples" / name / "clean"
        folder.mkdir(parents=True)
        file(folder, "red")
    keep, kept = Room.keep, 0

    def keep_two(self: Room, frames: np.ndarray) -> Clip:
        nonlocal kept
        kept += 1
        if kept == 3:
            raise InputError("The disk is full.")
        return keep(self, frames)

    monkeypatch.setattr(Room, "keep", keep_two)
    with pytest.raises(InputError, match="disk is full"):
        home.handlers.teach_samples(room)
    assert kept == 3 and not list(room.folder.iterdir()) and room.taught.things == ()


def test_frames_are_named_and_smoothed(home: House, room: Room) -> None:
    watching = Watching()
    assert home.handlers.recognise(room, watching, jpeg(RED), 0.0) is None, "nothing learned yet"
    learned(home, room)
    answer = home.handlers.recognise(room, watching, jpeg(RED), 0.0)
    assert answer and answer.names == ("red", "blue") and answer.sight.probabilities[0] > 0.9
    mixed = home.handlers.recognise(room, watching, jpeg(BLUE), 0.1)
    assert mixed and abs(mixed.sight.probabilities[0] - 0.5) < 0.1, (
        "two frames within half a second"
    )
    later = home.handlers.recognise(room, watching, jpeg(BLUE), 1.0)
    assert later and later.sight.probabilities[1] > 0.9


def test_a_new_model_starts_its_smoothing_afresh(home: House, room: Room) -> None:
    page = learned(home, room)
    watching = Watching()
    home.handlers.recognise(room, watching, jpeg(RED), 0.0)
    first, second = room.taught.things
    home.handlers.change(room, lambda taught: taught.rename(first.id, "rouge"))
    assert page.wait("learned")["names"] == ["rouge", "blue"]
    answer = home.handlers.recognise(room, watching, jpeg(BLUE), 0.1)
    assert answer and answer.names[0] == "rouge" and answer.sight.probabilities[1] > 0.9
    assert second.name == "blue"


def test_a_picture_that_is_none_is_refused(home: House, room: Room) -> None:
    learned(home, room)
    with pytest.raises(InputError):
        home.handlers.recognise(room, Watching(), b"\xff\xd8 not a picture", 0.0)


def test_files_of_what_is_removed_go_when_undo_no_longer_needs_them(
    home: House, room: Room
) -> None:
    learned(home, room)
    red = room.taught.things[0]
    home.handlers.change(room, lambda taught: taught.remove(red.id))
    assert len(list(room.folder.iterdir())) == 2
    home.handlers.change(room, lambda taught: taught.undo())
    assert [t.name for t in room.taught.things] == ["red", "blue"]
    home.handlers.change(room, lambda taught: taught.remove(red.id))
    home.handlers.teach_recording(room, "green", [jpeg(GREEN)])
    assert len(list(room.folder.iterdir())) == 3, "red can still be brought back"
    green = room.taught.things[1]
    home.handlers.change(room, lambda taught: taught.rename(green.id, "RED"))
    with pytest.raises(InputError, match="There is a new ‘red’ now"):
        home.handlers.change(room, lambda taught: taught.undo())
    home.handlers.forget_everything(room)
    assert not list(room.folder.iterdir()) and room.taught == TaughtObjects()
    assert not room.memory.features._known, "nor what the model saw of it"


def test_single_frames_are_taken_out_and_come_back(home: House, room: Room) -> None:
    page = Page(room)
    clip = room.keep(np.concatenate([frames(colour, 1) for colour in (RED, GREEN, BLUE)]))
    home.handlers.change(room, lambda taught: taught.add("flag", clip), [clip])
    thing = room.taught.things[0].id
    home.handlers.remove_frame(room, thing, clip.id, 1)
    (shorter,) = room.taught.things[0].clips
    assert [tuple(frame[0, 0]) for frame in shorter.frames] == [RED, BLUE]
    assert page.wait("state")["undo"] is None
    assert len(page.wait("clip")["thumbs"]) == 2
    assert page.wait("state")["undo"] == Said("what-frame", {"name": "flag"}).message
    for number in (2, -1):
        with pytest.raises(InputError, match="That frame is not here"):
            home.handlers.remove_frame(room, thing, shorter.id, number)
    home.handlers.remove_frame(room, thing, shorter.id, 0)
    home.handlers.remove_frame(room, thing, room.taught.things[0].clips[0].id, 0)
    assert room.taught.things[0].clips == (), "of a single frame, the clip"
    for count in (1, 2, 3):
        home.handlers.change(room, lambda taught: taught.undo())
        assert room.taught.things[0].shots == count
    assert room.taught.things[0].clips == (clip,)
    assert len(list(room.folder.iterdir())) == 1


def test_a_refused_change_keeps_no_file_and_tells_nothing(home: House, room: Room) -> None:
    page = Page(room)
    clip = room.keep(frames(RED))
    with pytest.raises(InputError):
        home.handlers.change(room, lambda taught: taught.add("x" * 300, clip), [clip])
    assert not list(room.folder.iterdir()) and page.heard == [] and room.version == 0


def test_a_page_that_comes_back_hears_everything(home: House, room: Room) -> None:
    learned(home, room)
    kinds = [message["type"] for message in welcome(room)]
    assert kinds == ["clip", "clip", "state", "learned", "report"]


def test_two_people_do_not_meet(home: House, room: Room) -> None:
    other = home.rooms.open()
    page = Page(other)
    learned(home, room)  # which waits until everything was told
    assert page.heard == [] and other.taught.things == () and other.adapted is None
    assert list(other.folder.iterdir()) == []
