"""Learning in the background: after each change, stopped by the next, the old model kept."""

from pathlib import Path

import pytest

from app.handlers import welcome
from app.learning import OUR_FAULT, is_current
from app.rooms import Room
from model import InputError
from tests.app.fakes import BLUE, GREEN, RED, HeldAdapt, House, Page, adapt, frames, house


def teach(house: House, room: Room, name: str, colour: tuple[int, int, int]) -> None:
    clip = room.keep(frames(colour))
    house.handlers.change(room, lambda taught: taught.add(name, clip), [clip])


def test_one_thing_is_not_learned_and_two_are(home: House) -> None:
    room = home.rooms.open()
    page = Page(room)
    teach(home, room, "red", RED)
    assert room.adapted is None and not [m for m in page.heard if m["type"] == "learning"]
    teach(home, room, "blue", BLUE)
    told = page.wait("learned")
    assert told["names"] == ["red", "blue"] and (told["frames"], told["things"]) == (6, 2)
    assert room.settled == room.version


def test_the_old_model_answers_until_the_new_one_is_ready(tmp_path: Path) -> None:
    slow = HeldAdapt()
    home = house(tmp_path, adapt=slow)
    room = home.rooms.open()
    page = Page(room)
    slow.go.release()
    teach(home, room, "red", RED)
    teach(home, room, "blue", BLUE)
    page.wait("learned")
    old = room.adapted
    teach(home, room, "green", GREEN)
    assert slow.started.acquire(timeout=10)
    assert slow.started.acquire(timeout=10)
    assert room.adapted is old and room.settled < room.version
    slow.go.release()
    page.wait("learned")
    assert room.adapted and room.adapted.names == ("red", "blue", "green")


def test_a_newer_change_stops_the_work_on_the_older_one(tmp_path: Path) -> None:
    slow = HeldAdapt()
    home = house(tmp_path, adapt=slow)
    room = home.rooms.open()
    page = Page(room)
    teach(home, room, "red", RED)
    teach(home, room, "blue", BLUE)
    assert slow.started.acquire(timeout=10)
    teach(home, room, "green", GREEN)
    teach(home, room, "green", GREEN)
    slow.go.release(2)
    assert page.wait("learned")["names"] == ["red", "blue", "green"]
    assert slow.asked == [("red", "blue"), ("red", "blue", "green")], "what lay between was skipped"


def test_with_fewer_than_two_things_the_model_goes(home: House) -> None:
    room = home.rooms.open()
    page = Page(room)
    teach(home, room, "red", RED)
    teach(home, room, "blue", BLUE)
    page.wait("learned")
    home.handlers.change(room, lambda taught: taught.remove(taught.things[0].id))
    assert room.adapted is None and room.lesson is None


def test_a_closed_room_learns_no_more(tmp_path: Path) -> None:
    slow = HeldAdapt()
    home = house(tmp_path, adapt=slow)
    room = home.rooms.open()
    teach(home, room, "red", RED)
    teach(home, room, "blue", BLUE)
    assert slow.started.acquire(timeout=10)
    home.rooms.close(room.token)
    slow.go.release()
    home.handlers.learner.close()
    assert room.adapted is None


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (InputError("'red' is too dark."), "'red' is too dark."),
        (KeyError("secret"), str(OUR_FAULT)),
    ],
)
def test_what_goes_wrong_is_said_and_the_next_change_tries_again(
    tmp_path: Path, error: Exception, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    failing = True

    def sometimes(support, progress):
        if failing:
            raise error
        return adapt(support, progress)

    home = house(tmp_path, adapt=sometimes)
    room = home.rooms.open()
    page = Page(room)
    teach(home, room, "red", RED)
    teach(home, room, "blue", BLUE)
    assert page.wait("unlearned")["text"] == says
    assert ("adapting failed" in caplog.text) == isinstance(error, KeyError), "ours are logged"
    assert len(room.taught.things) == 2 and room.settled == room.version
    failing = False
    teach(home, room, "green", GREEN)
    assert page.wait("learned")["things"] == 3


def test_a_rename_learns_nothing_and_the_model_has_the_new_name(tmp_path: Path) -> None:
    asked = HeldAdapt()
    home = house(tmp_path, adapt=asked)
    room = home.rooms.open()
    page = Page(room)
    asked.go.release()
    teach(home, room, "red", RED)
    teach(home, room, "blue", BLUE)
    page.wait("learned")
    home.handlers.change(room, lambda taught: taught.rename(taught.things[0].id, "rouge"))
    assert page.wait("learned")["names"] == ["rouge", "blue"]
    assert room.adapted and room.adapted.names == ("rouge", "blue") and len(asked.asked) == 1
    assert room.settled == room.version and is_current(room)


def test_a_thing_that_cannot_be_learned_leaves_a_model_that_is_not_current(tmp_path: Path) -> None:
    def two_only(support, progress):
        if len(support.names) > 2:
            raise InputError("'green' is too dark.")
        return adapt(support, progress)

    home = house(tmp_path, adapt=two_only)
    room = home.rooms.open()
    page = Page(room)
    teach(home, room, "red", RED)
    teach(home, room, "blue", BLUE)
    page.wait("learned")
    teach(home, room, "green", GREEN)
    assert page.wait("unlearned")["text"] == "'green' is too dark."
    assert not is_current(room)
    assert welcome(room)[-1] == {"type": "unlearned", "text": "'green' is too dark."}
    home.handlers.change(room, lambda taught: taught.remove(taught.things[2].id))
    page.wait("learned")
    assert is_current(room) and not room.problem, "it is the model of the two again"
