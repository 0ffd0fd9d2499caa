"""That's wrong: a moment of the stream as a counter-example or a clip, learned and taken back."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.handlers import MOMENT, state_message
from app.learning import is_current
from app.rooms import Room
from app.session import MAX_FOREIGN, TaughtObjects
from model import InputError
from tests.app.fakes import BLUE, GREEN, RED, House, Page, jpeg
from tests.app.test_live import Line
from tests.app.test_session import clip

ORANGE = (220, 90, 30)  # nearest to red of what is taught


@pytest.fixture
def line(client: TestClient, room: Room) -> Iterator[Line]:
    with client.websocket_connect("/live") as socket:
        line = Line(socket, room.token)
        line.record("red", jpeg(RED), 1)
        line.record("blue", jpeg(BLUE), 3)
        line.hear("report")
        line.heard.clear()
        yield line


def test_a_moment_is_remembered_and_forgotten() -> None:
    taught = TaughtObjects().add("mug", clip("a")).reject(clip("x"))
    assert taught.foreign_clips == ("x",)
    assert [c.id for c in taught.clips()] == ["a", "x"], "its frames are still needed"
    assert taught.forget("x").foreign == ()
    with pytest.raises(InputError, match="forgotten already"):
        taught.forget("y")


def test_there_is_a_bound_on_moments() -> None:
    taught = TaughtObjects()
    for index in range(MAX_FOREIGN):
        taught = taught.reject(clip(str(index)))
    with pytest.raises(InputError, match=f"{MAX_FOREIGN} moments are remembered"):
        taught.reject(clip("more"))


def test_what_is_not_mine_is_none_of_them_until_it_is_forgotten(line: Line, room: Room) -> None:
    line.frame(7, jpeg(ORANGE))
    assert line.seen(7)["named"] is True, "it is taken for the red one"
    line.say({"do": "wrong", "ref": 8})
    assert line.answer(8)["type"] == "ok"
    line.say({"do": "not mine", "ref": 9})
    assert line.answer(9)["type"] == "ok"
    moment = line.hear("state")["foreign"][0]
    assert moment["frames"] <= MOMENT
    line.hear("learned")
    line.frame(10, jpeg(ORANGE))
    assert line.seen(10)["named"] is False
    line.frame(11, jpeg(RED))
    line.say({"do": "forget", "clip": moment["id"], "ref": 12})
    line.hear("learned")
    line.frame(13, jpeg(ORANGE))
    assert line.seen(13)["named"] is True and room.taught.foreign == ()


def test_what_it_is_becomes_a_clip_of_it(line: Line, room: Room) -> None:
    line.frame(7, jpeg(ORANGE))
    line.say({"do": "wrong", "ref": 8})
    line.say({"do": "it is", "thing": room.taught.things[1].id, "ref": 9})
    clip = line.answer(9)["clip"]
    assert [len(thing.clips) for thing in room.taught.things] == [1, 2]
    assert room.taught.things[1].clips[1].id == clip
    line.say({"do": "not mine", "ref": 10})
    assert "No picture was there" in line.answer(10)["text"], "a moment is one thing, once"


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ({"do": "not mine"}, "No picture was there to remember"),
        ({"do": "it is", "thing": "red"}, "No picture was there to remember"),
        ({"do": "it is"}, "not here any more"),
        ({"do": "it is", "thing": {"a": [1]}}, "not here any more"),
        ({"do": "it is", "name": "ghost"}, "not here any more"),
        ({"do": "forget", "clip": "x" * 999}, "forgotten already"),
        ({"do": "remove clip", "thing": "red", "clip": None}, "not here any more"),
    ],
)
def test_without_a_moment_nothing_is_learned(
    line: Line, room: Room, order: dict, says: str
) -> None:
    before = room.taught
    if order.get("thing") == "red":
        order = order | {"thing": before.things[0].id}
    line.say(order | {"ref": 9})
    assert says in line.answer(9)["text"] and room.taught is before


def test_counter_examples_and_names_go_together(home: House, room: Room) -> None:
    page, handlers = Page(room), home.handlers
    handlers.teach_recording(room, "red", [jpeg(RED)])
    handlers.teach_recording(room, "blue", [jpeg(BLUE)])
    page.wait("report")
    handlers.correct(room, None, [jpeg(GREEN)] * 20)
    assert room.taught.foreign[0].count == MOMENT
    page.wait("learned")
    handlers.change(room, lambda taught: taught.rename(taught.things[0].id, "rouge"))
    page.wait("learned")
    handlers.change(room, lambda taught: taught.forget(taught.foreign[0].id))
    assert page.wait("learned")["names"] == ["rouge", "blue"]
    assert page.wait("report")["names"] == ["rouge", "blue"]
    assert is_current(room) and state_message(room)["foreign"] == []
    handlers.change(room, lambda taught: taught.undo())
    assert page.wait("state")["foreign"][0]["frames"] == MOMENT, "what was forgotten comes back"


def test_a_moment_that_cannot_be_seen_is_refused(home: House, room: Room) -> None:
    for jpegs in ([], [b"rubbish"]):
        with pytest.raises(InputError, match="No picture was there"):
            home.handlers.correct(room, None, jpegs)
    assert room.taught.foreign == () and not list(room.folder.iterdir())
