"""The server as a whole, without a browser: headers, what is served and what is not."""

import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.serve import HEADERS, HERE, listen
from model import InputError
from tests.app.server import ROOT, Server, launch
from tests.app.test_gate import call
from tests.tiny import write_tiny

LISTENS = """
import sys

PLACE = {{"socket.connect": 1, "socket.getaddrinfo": 0}}

def hook(event, values):
    if event in PLACE:
        with open({log!r}, "a") as log:
            log.write(repr(values[PLACE[event]]) + chr(10))
    if event in ("tempfile.mkdtemp", "tempfile.mkstemp"):
        with open({log!r} + ".made", "a") as log:
            log.write(values[0] + chr(10))

open({log!r}, "w").close()
sys.addaudithook(hook)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "sitecustomize.py").write_text(LISTENS.format(log=str(folder / "calls")))
    command = [sys.executable, "-m", "app", "--checkpoint", str(write_tiny(folder / "tiny"))]
    server = launch(folder, command, path=str(folder))
    yield server
    server.stop()
    assert not list(folder.glob("teach-*/*/")), "a server that stops leaves nothing"


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as client:
        yield client


def test_it_is_alive(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/", "/healthz", "/page/teach.js", "/config", "/nothing/here"])
def test_every_answer_forbids_the_outside(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    for name, value in HEADERS.items():
        assert headers[name] == value
    assert not re.search(r"https?:|\*", HEADERS["content-security-policy"])


def test_the_language_is_chosen_before_the_page_is_drawn(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.text.index('<head><script src="page/choose.js"></script>') < page.text.index(
        "<style"
    )
    assert int(page.headers["content-length"]) == len(page.content)
    assert client.head("/").status_code == 200


def page_files(client: httpx.Client, *patterns: str) -> dict[str, str]:
    """{name: text} of the page's files, as they are served."""
    files = {}
    for path in (path for pattern in patterns for path in (HERE / "page").glob(pattern)):
        answer = client.get(f"/page/{path.name}")
        assert answer.status_code == 200, path.name
        assert answer.headers["cache-control"] == "no-cache", path.name
        assert answer.headers.get("content-encoding") == "gzip" or len(answer.content) < 500
        files[path.name] = answer.text
    assert files
    return files


def test_the_page_asks_nobody_else(client: httpx.Client) -> None:
    loaded = re.findall(r"""(?:src|href)=["'](?:https?:)?//([^"'/]+)""", client.get("/").text)
    assert not [host for host in loaded if not host.startswith("127.0.0.1")]
    for name, text in page_files(client, "*.js", "*.css").items():
        assert not re.search(r"https?://", text), name
        assert "url(" not in text or not name.endswith(".css"), name


def test_no_script_makes_markup_of_what_a_person_typed(client: httpx.Client) -> None:
    made = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write")
    for text in page_files(client, "*.js").values():
        lines = text.splitlines()
        assert {line.strip() for line in lines if made.search(line)} <= {"this.innerHTML = LAYOUT;"}


@pytest.mark.parametrize(
    "path",
    ["/docs", "/redoc", "/openapi.json", "/monitoring", "/gradio_api/runs", "/page/", "/samples/",
     "/page/..%2fserve.py", "/samples/%2e%2e/%2e%2e/README.md"],
)  # fmt: skip
def test_what_nobody_needs_is_not_there(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code in (401, 403, 404)


def test_no_file_of_a_person_can_be_fetched_by_its_path(
    client: httpx.Client, server: Server
) -> None:
    (private,) = server.folder.glob("teach-*/*/private")
    secret = private / "room" / "clip.npy"
    secret.parent.mkdir()
    secret.write_bytes(b"secret")
    for path in (secret, private, "/etc/passwd", f"{private}/../private/room/clip.npy",
                 f"{private.parent}/shown/../private/room/clip.npy",
                 str(secret).upper(), f"{private.parent}/lock"):  # fmt: skip
        for address in (f"/gradio_api/file={path}", f"/file={path}", f"/page/{path}"):
            answer = client.get(address)
            assert answer.status_code in (403, 404) and b"secret" not in answer.content, address
    secret.unlink()


def test_four_verbs_are_a_public_interface_and_no_listener_is(client: httpx.Client) -> None:
    listeners = client.get("/config").json()["dependencies"]
    public = {one["api_name"] for one in listeners if one["api_visibility"] != "private"}
    assert public == {"open", "teach", "recognise", "export"}
    assert len(listeners) > len(public)


def test_the_server_calls_nobody(client: httpx.Client, server: Server) -> None:
    client.get("/")
    calls = server.folder / "calls"
    called = set(calls.read_text().splitlines())
    assert called <= {"'127.0.0.1'", "'localhost'", "None"}, called


def test_what_it_makes_in_passing_lies_in_the_folder_that_goes_with_it(
    client: httpx.Client, server: Server
) -> None:
    (own,) = server.folder.glob("teach-*/*/private")
    made = server.folder / "calls.made"
    before = made.stat().st_size  # with it the app has started
    (room,) = call(client, "open")
    for thing in sorted((ROOT / "assets" / "samples").glob("*/clean"))[:2]:
        clip = next(thing.glob("*.mp4")).read_bytes()
        headers = {"authorization": f"Bearer {room}", "x-thing": thing.parent.name}
        client.post("/clips", headers={**headers, "x-file": "a.mp4"}, content=clip)
    call(client, "export", room)
    later = made.read_text()[before:].splitlines()
    assert later and all(Path(path).is_relative_to(own.parent) for path in later), later


def test_another_site_gets_nothing(client: httpx.Client) -> None:
    answer = client.get("/config", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_a_port_in_use_names_another() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"Port {port} is in use; start with --port \d+\."):
            listen("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port", "says"),
    [
        ("127.0.0.1", 99999, "There is no port 99999; choose one from 1 to 65535."),
        ("127.0.0.1", -1, "There is no port -1;"),
        ("no.such.host.invalid", 0, "cannot listen at no.such.host.invalid, port 0"),
        ("ä" * 70, 0, "it is no address"),
        ("203.0.113.7", 0, "cannot listen at 203.0.113.7, port 0"),
    ],
)
def test_where_it_cannot_listen_is_said_in_words(host: str, port: int, says: str) -> None:
    with pytest.raises(InputError, match=re.escape(says)):
        listen(host, port)


def test_small_answers_are_sent_at_once() -> None:
    with (
        listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.proto == socket.IPPROTO_TCP, "or asyncio leaves them waiting"
