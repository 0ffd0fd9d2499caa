"""The line to the page, without a browser: frames, recording, orders, rubbish, strangers."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

import app.live
import app.live.receiving
from app.handlers import Handlers
from app.live import GONE, MAX_FRAME_BYTES
from app.rooms import Room
from tests.app.fakes import BLUE, RED, House, jpeg


class Line:
    """A page as the app sees it."""

    def __init__(self, socket: WebSocketTestSession, token: str) -> None:
        self.socket, self.heard = socket, []
        self.say({"room": token})

    def say(self, order: object) -> None:
        self.socket.send_text(order if isinstance(order, str) else json.dumps(order))

    def frame(self, seq: int, picture: bytes) -> None:
        self.socket.send_bytes(seq.to_bytes(4) + picture)

    def hear(self, kind: str) -> dict[str, Any]:
        """The next message of that kind; others are kept for later."""
        return self._next(lambda message: message["type"] == kind)

    def answer(self, ref: int) -> dict[str, Any]:
        return self._next(lambda message: message.get("ref") == ref)

    def seen(self, seq: int) -> dict[str, Any]:
        """The answer to the frame of that number."""
        return self._next(lambda message: message.get("seq") == seq)

    def _next(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        for index, message in enumerate(self.heard):
            if wanted(message):
                return self.heard.pop(index)
        while not wanted(message := self.socket.receive_json()):
            self.heard.append(message)
        return message

    def record(self, name: str, picture: bytes, ref: int = 1) -> dict[str, Any]:
        self.say({"do": "record", "name": name, "ref": ref})
        assert self.answer(ref)["type"] == "ok"
        for seq in range(3):
            self.frame(seq, picture)
        self.say({"do": "keep", "ref": ref + 1})
        return self.answer(ref + 1)


@pytest.fixture
def line(client: TestClient, room: Room) -> Iterator[Line]:
    with client.websocket_connect("/live") as socket:
        yield Line(socket, room.token)


def test_teach_two_things_and_watch(line: Line) -> None:
    assert line.record("red", jpeg(RED), 1) == {"type": "ok", "ref": 2, "count": 1, "sent": 3}
    line.record("blue", jpeg(BLUE), 3)
    learned = line.hear("learned")
    assert (learned["things"], learned["frames"]) == (2, 2)
    line.frame(77, jpeg(BLUE))
    answer = line.seen(77)
    assert answer["names"] == ["red", "blue"]
    assert answer["p"][1] > 0.9 and sum(answer["p"]) == pytest.approx(1, abs=1e-3)


def test_a_thing_that_is_recorded_in_other_capitals_is_the_one_that_is_taught(line: Line) -> None:
    line.record("Red", jpeg(RED), 1)
    line.say({"do": "record", "name": " rED ", "ref": 3})
    assert line.answer(3)["name"] == "Red"


def test_before_anything_is_learned_frames_are_answered_without_names(line: Line) -> None:
    line.frame(5, jpeg(RED))
    assert line.hear("answer") == {"type": "answer", "seq": 5}


def test_a_bad_name_is_refused_before_five_seconds_are_recorded(line: Line) -> None:
    line.say({"do": "record", "name": "x" * 300, "ref": 1})
    assert "300 characters" in line.answer(1)["text"]
    line.say({"do": "keep", "ref": 2})
    assert line.answer(2)["text"] == "Nothing is being recorded; press Record first."


def test_rename_remove_undo(line: Line, room: Room) -> None:
    line.record("red", jpeg(RED), 1)
    line.record("blue", jpeg(BLUE), 3)
    red, blue = (thing.id for thing in room.taught.things)
    line.say({"do": "rename", "thing": red, "name": "blue", "ref": 5})
    assert "Another thing is called ‘blue’ already" in line.answer(5)["text"]
    line.say({"do": "remove", "thing": blue, "ref": 6})
    while (state := line.hear("state"))["undo"] is None:
        pass
    assert [thing["name"] for thing in state["things"]] == ["red"] and state["undo"]["values"] == {
        "name": "blue"
    }
    line.say({"do": "undo", "ref": 7})
    assert line.answer(7)["type"] == "ok"
    line.say(
        {"do": "remove clip", "thing": red, "clip": room.taught.things[0].clips[0].id, "ref": 8}
    )
    assert line.answer(8)["type"] == "ok" and room.taught.things[0].clips == ()


@pytest.mark.parametrize(
    "rubbish",
    [
        "{", "[]", "7", "null", "", '"do"', "[" * 100_000, '{"do": "keep"' + " " * 10_000 + "}",
        '{"do": ["rename"], "ref": {}}', '{"do": "rename", "thing": 1, "name": null, "ref": "x"}',
        '{"do": "no such thing"}',
    ],
)  # fmt: skip
def test_rubbish_is_answered_in_words_and_the_line_goes_on(line: Line, rubbish: str) -> None:
    line.say(rubbish)
    assert line.hear("problem")["text"]
    assert line.record("red", jpeg(RED), 1)["type"] == "ok"


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"\0\0\0\1", b"\0\0\0\1rubbish", b"\0\0\0\1" + b"\xff" * MAX_FRAME_BYTES * 2],
)
def test_a_bad_frame_is_answered_and_the_line_goes_on(line: Line, data: bytes) -> None:
    line.record("red", jpeg(RED), 1)
    line.record("blue", jpeg(BLUE), 3)
    line.hear("learned")
    line.socket.send_bytes(data)
    while "problem" not in line.hear("answer"):
        pass
    line.frame(9, jpeg(RED))  # what was recorded may be answered late, and counts with it
    assert sum(line.seen(9)["p"]) == pytest.approx(1, abs=1e-3)


def test_a_picture_of_many_megapixels_is_refused(line: Line) -> None:
    line.record("red", jpeg(RED), 1)
    line.record("blue", jpeg(BLUE), 3)
    line.hear("learned")
    large = jpeg((0, 0, 0), 4000)
    header = large[:1000] if len(large) > MAX_FRAME_BYTES else large
    line.frame(9, header)
    assert "problem" in line.seen(9)


def test_of_a_flood_only_the_newest_counts_and_it_is_slowed_down(line: Line) -> None:
    line.record("red", jpeg(RED), 1)
    line.record("blue", jpeg(BLUE), 3)
    line.hear("learned")
    start = time.monotonic()
    for seq in range(10, 210):
        line.frame(seq, jpeg(RED))
    answers = []
    while 209 not in answers:
        answers.append(line.hear("answer")["seq"])
    answers = [seq for seq in answers if seq >= 10]
    assert time.monotonic() - start > 1, "200 messages at 80 a second"
    assert answers == sorted(answers)


def test_a_recording_has_a_bound(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.live.connection.MAX_RECORDED", 2)
    seen: list[int] = []
    original = Handlers.teach_recording

    def teach(self: Handlers, room: Room, name: str, jpegs: list[bytes]) -> int:
        seen.append(len(jpegs))
        return original(self, room, name, jpegs)

    monkeypatch.setattr(Handlers, "teach_recording", teach)
    line.record("red", jpeg(RED))
    assert seen == [2]


@pytest.mark.parametrize(
    ("language", "kept"), [("ar", "ar"), ("de", "de"), ("../ar", "en"), (["ar"], "en"), (7, "en")]
)
def test_a_room_knows_the_language_of_its_page(
    client: TestClient, room: Room, language: object, kept: str
) -> None:
    with client.websocket_connect("/live") as socket:
        socket.send_json({"room": room.token, "language": language})
        socket.receive_json()
        assert room.language == kept


@pytest.mark.parametrize("hello", ['{"room": "guess"}', "{}", "rubbish", '{"room": null}', "[1]"])
def test_without_a_rooms_token_the_line_ends(client: TestClient, room: Room, hello: str) -> None:
    with client.websocket_connect("/live") as socket:
        socket.send_text(hello)
        assert socket.receive_json() == {"type": "gone", "anew": True, **GONE.told}
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()


def test_a_page_of_another_site_is_refused(client: TestClient) -> None:
    with client.websocket_connect("/live", headers={"origin": "https://evil.example"}) as socket:
        told = socket.receive_json()
        assert told["type"] == "gone" and "--allowed-origin https://evil.example" in told["text"]
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()


def test_who_says_nothing_is_not_waited_for(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.live, "HELLO_SECONDS", 0.05)
    with client.websocket_connect("/live") as socket, pytest.raises(WebSocketDisconnect):
        socket.receive_json()


def test_a_closed_tab_closes_the_room_and_a_broken_line_does_not(
    client: TestClient, home: House
) -> None:
    closed, broken = home.rooms.open(), home.rooms.open()
    for room, code in ((closed, 1001), (broken, 1006)):
        with client.websocket_connect("/live") as socket:
            Line(socket, room.token).hear("state")
            socket.close(code)
            end = time.monotonic() + 5
            while room.page is not None and time.monotonic() < end:
                time.sleep(0.01)
            time.sleep(0.05)
    assert closed.closed and not closed.folder.exists()
    assert not broken.closed
    with client.websocket_connect("/live") as socket:
        assert Line(socket, broken.token).hear("state")["things"] == []


def test_a_page_that_comes_back_finds_its_things(client: TestClient, room: Room) -> None:
    with client.websocket_connect("/live") as socket:
        Line(socket, room.token).record("red", jpeg(RED))
        socket.close(1006)
    with client.websocket_connect("/live") as socket:
        line = Line(socket, room.token)
        assert len(line.hear("clip")["thumbs"]) == 1
        assert line.hear("state")["things"][0]["name"] == "red"
