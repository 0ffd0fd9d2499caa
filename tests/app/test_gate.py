"""What may come in, at a real server: whose pages, how much, and uploads for whoever has a room."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import HTTPConnection
from websockets.sync.client import connect
from websockets.typing import Origin

from app.live import gate
from app.live.gate import MAX_BODY_BYTES, Origins
from app.serve import SELDOM_SECONDS, Seldom, Serving, serve
from model import InputError, load_model
from tests.app.server import Server, launch
from tests.tiny import write_tiny

ALLOWED = "https://things.example.org"
EVIL = "https://evil.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("gate")
    tiny = str(write_tiny(folder / "tiny"))
    command = [sys.executable, "-m", "app", "--checkpoint", tiny]
    server = launch(folder, [*command, "--allowed-origin", ALLOWED, "--root-path", "/things/"])
    yield server
    server.stop()


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as client:
        yield client


def call(client: httpx.Client, verb: str, *values: object) -> list[Any]:
    """One endpoint of the API over plain HTTP: what it gave, or an error."""
    event = client.post(f"/gradio_api/call/{verb}", json={"data": values}).json()["event_id"]
    lines = client.get(f"/gradio_api/call/{verb}/{event}").text.splitlines()
    assert "event: complete" in lines, lines
    return json.loads(lines[lines.index("event: complete") + 1].removeprefix("data: "))


@pytest.fixture(scope="module")
def room(client: httpx.Client) -> str:
    (token,) = call(client, "open")
    return str(token)


def upload(client: httpx.Client, headers: dict[str, str], size: int = 9) -> httpx.Response:
    files = {"files": ("a.mp4", b"x" * size)}
    return client.post("/gradio_api/upload", files=files, headers=headers)


def test_gradios_upload_is_for_whoever_has_a_room(
    client: httpx.Client, server: Server, room: str
) -> None:
    before = server.private
    for headers in ({}, {"authorization": "Bearer guess"}, {"cookie": f"room={room}"}):
        answer = upload(client, headers)
        assert answer.status_code == 401 and answer.json()["detail"]
    assert server.private == before
    assert upload(client, {"authorization": f"Bearer {room}"}).status_code == 200


@pytest.mark.parametrize("path", ["/gradio_api/upload", "/clips", "/gradio_api/queue/join"])
def test_a_page_of_another_site_can_send_nothing(
    client: httpx.Client, server: Server, room: str, path: str
) -> None:
    headers = {"authorization": f"Bearer {room}", "origin": EVIL}
    answer = client.post(path, content=b"x", headers=headers)
    assert answer.status_code == 403 and f"--allowed-origin {EVIL}" in answer.json()["problem"]
    assert f"refused a page at {EVIL}" in server.log.read_text()


def test_an_allowed_page_and_the_apps_own_may(
    client: httpx.Client, server: Server, room: str
) -> None:
    for origin in (ALLOWED, server.url):
        headers = {"authorization": f"Bearer {room}", "origin": origin}
        assert upload(client, headers).status_code == 200
        with connect(server.url.replace("http", "ws") + "/live", origin=Origin(origin)) as line:
            line.send(json.dumps({"room": room}))
            assert json.loads(line.recv())["type"] == "state"
    with connect(server.url.replace("http", "ws") + "/live", origin=Origin(EVIL)) as line:
        told = json.loads(line.recv())
        assert told["type"] == "gone" and f"--allowed-origin {EVIL}" in told["text"]
    assert ALLOWED in client.get("/").headers["content-security-policy"].split("frame-ancestors")[1]


def test_a_proxy_that_drops_the_port_is_told_of_in_words() -> None:
    headers = [(b"origin", b"http://127.0.0.1:8102"), (b"host", b"127.0.0.1")]
    connection = HTTPConnection({"type": "http", "headers": headers})
    refused = Origins().refusal(connection)
    assert "start the app with --allowed-origin http://127.0.0.1:8102" in refused
    assert not Origins(("http://127.0.0.1:8102",)).refusal(connection)


@pytest.mark.parametrize("origin", ["http://[", "http://", "null", "x"])
def test_an_origin_that_is_none_is_a_foreign_one(client: httpx.Client, origin: str) -> None:
    assert client.post("/healthz", headers={"origin": origin}).status_code == 403


def test_a_host_is_the_same_in_small_letters() -> None:
    headers = [(b"origin", b"http://LOCALHOST:7860"), (b"host", b"localhost:7860")]
    assert not Origins().refusal(HTTPConnection({"type": "http", "headers": headers}))


def port(server: Server) -> int:
    return int(server.url.rsplit(":", 1)[1])


def test_bodies_are_bounded_whatever_they_claim(
    client: httpx.Client, server: Server, room: str
) -> None:
    huge = b"[" * (MAX_BODY_BYTES + 1)
    assert client.post("/gradio_api/queue/join", content=huge).status_code == 413
    untold = (huge[at : at + 2**16] for at in range(0, len(huge), 2**16))  # chunked: no length
    assert client.post("/gradio_api/queue/join", content=untold).status_code >= 400
    with socket.create_connection(("127.0.0.1", port(server))) as raw:
        head = f"POST /gradio_api/upload HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {room}\r\n"
        raw.sendall(f"{head}Content-Length: {2**40}\r\n\r\n".encode())
        assert b"413" in raw.recv(100)
    with socket.create_connection(("127.0.0.1", port(server))) as raw:
        raw.sendall(
            f"POST /profile HTTP/1.1\r\nHost: a\r\nContent-Length: {2**40}\r\n\r\n".encode()
        )
        told = b"".join(iter(lambda: raw.recv(1000), b""))
        assert b" 413 " in told and b"320 MB; save one with fewer things." in told
    assert client.get("/healthz").json() == {"status": "ok"}


def test_uploads_leave_a_place_on_the_disk_and_to_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from app.rooms import Rooms

    for name in ("private", "shown"):
        (tmp_path / name).mkdir()
    rooms = Rooms(tmp_path / "private", tmp_path / "shown")
    room = rooms.open()
    own = gate.Gate(None, rooms, Origins())  # type: ignore[arg-type]
    assert own._no_place(room, 2**20) == ""
    assert "on their way; wait for them" in own._no_place(room, gate.MAX_ROOM_BYTES + 1)
    monkeypatch.setattr(gate, "MIN_FREE_BYTES", 2**60)
    assert "no place on the disk" in own._no_place(room, 1)


def test_an_upload_of_untold_length_counts_as_the_longest(tmp_path: Path) -> None:
    from app.rooms import Rooms

    for name in ("private", "shown"):
        (tmp_path / name).mkdir()
    rooms, admitted = Rooms(tmp_path / "private", tmp_path / "shown"), 0
    room = rooms.open()
    headers = [(b"authorization", f"Bearer {room.token}".encode())]
    scope = {"type": "http", "method": "POST", "path": "/clips", "headers": headers}
    scope |= {"query_string": b"", "http_version": "1.1"}

    async def upload() -> None:
        async def app(*_: object) -> None:
            nonlocal admitted
            admitted += 1
            await asyncio.sleep(0.1)

        async def nothing(*_: object) -> dict[str, object]:
            return {"type": "http.request", "body": b"", "more_body": False}

        own = gate.Gate(app, rooms, Origins())
        await asyncio.gather(*[own(scope, nothing, nothing) for _ in range(20)])  # type: ignore

    asyncio.run(upload())
    assert admitted == gate.MAX_ROOM_BYTES // gate.MAX_UPLOAD_BYTES - 1  # a form's overhead counts


def test_below_a_path_of_a_proxy_the_page_asks_below_it(
    client: httpx.Client, server: Server
) -> None:
    assert "/things" in server.log.read_text()
    assert client.get("/config").json()["root"].endswith("/things")
    page = client.get("/").text
    for own in ("page/app.js", "page/page.css"):
        assert own in page and not re.search(rf"[\"'/]/{own}", page)
    for name in ("app.js", "teach.js", "line.js", "camera.js", "things.js"):
        script = client.get(f"/page/{name}").text
        assert '"/live"' not in script and '"/clips"' not in script and '"/samples' not in script


@pytest.mark.parametrize(
    ("serving", "sentence"),
    [
        (Serving(allowed_origins=("things.example.org",)), "is no origin; give a scheme and"),
        (Serving(allowed_origins=("https://a.org/path",)), "is no origin; give a scheme and"),
        (Serving(root_path="things"), "is no path; give one that begins with /"),
        (Serving(root_path="//evil.example"), "is no path; give one that begins with /"),
    ],
)
def test_odd_options_are_refused_in_words(serving: Serving, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=sentence):
        serve(load_model(write_tiny(tmp_path / "tiny")), serving)


def test_what_fails_for_everybody_is_logged_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    now, seldom = [100.0], Seldom()
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    record = logging.LogRecord("a", logging.ERROR, "a.py", 7, "too many open files", None, None)
    other = logging.LogRecord("a", logging.ERROR, "a.py", 8, "something else", None, None)
    assert [seldom.filter(record) for _ in range(1000)].count(True) == 1
    assert seldom.filter(other)
    now[0] += SELDOM_SECONDS
    assert seldom.filter(record)


def test_one_address_cannot_take_all_sockets(server: Server, room: str) -> None:
    url = server.url.replace("http", "ws") + "/live"
    sockets = []
    try:
        for _ in range(10):
            line = connect(url)
            line.send(json.dumps({"room": room}))
            sockets.append((line, json.loads(line.recv())["type"]))
        assert [kind for _, kind in sockets].count("state") <= 4
        assert sockets[-1][1] == "gone"
    finally:
        for line, _ in sockets:
            line.close()
    assert os.path.exists(server.log)
