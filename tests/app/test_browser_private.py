"""What is a person's is seen by nobody else, and gone when they are; a browser's side of it."""

import re
import secrets
import signal
import time
from pathlib import Path

import httpx
import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, expect

from tests.app.people import person
from tests.app.server import Server, free_port, start
from tests.tiny import write_tiny

pytestmark = pytest.mark.browser


def test_two_people_never_see_each_other(browser: Browser, quick: Server) -> None:
    with person(browser, quick.url) as ada, person(browser, quick.url) as bob:
        for thing in ("ada's mug", "ada's keys"):
            ada.record(thing)
        ada.wait_until_learned(2)
        ada.open("Take it away")
        expect(ada.page.locator("#model-say")).to_contain_text("2 things in", timeout=20_000)
        bob.record("bob's pen")
        expect(bob.page.locator(".card h3")).to_have_text(["bob's pen"])
        bob.open("Take it away")
        expect(bob.page.locator("#model-say")).to_contain_text("you have 1", timeout=20_000)
        token = ada.page.evaluate("window.room")
        assert not [path for path in quick.private if token in str(path)]
        assert token not in quick.log.read_text()
        assert token not in ada.page.url and len(token) >= 43
        with httpx.Client(base_url=quick.url) as stranger:
            guess_files(stranger, quick)
            other = token[:-1] + ("A" if token[-1] != "A" else "E")
            for guess in (token[:-1], other, secrets.token_urlsafe(32), "x"):
                headers = {"authorization": f"Bearer {guess}", "x-thing": "x", "x-file": "a.mp4"}
                assert stranger.post("/clips", content=b"x", headers=headers).status_code == 401
        guess_sessions(quick)
        expect(ada.page.locator(".card")).to_have_count(2)


def guess_files(stranger: httpx.Client, server: Server) -> None:
    """Clips are never served; a result only to who knows all of its address."""
    files = server.private
    assert any(file.suffix == ".npy" for file in files)
    assert any(file.suffix == ".onnx" for file in files)
    for file in files:
        tries = [file.parent, file.parent.parent, file.parent.parent.parent]
        if file.suffix == ".npy":
            tries.append(file)
        for path in tries:
            assert stranger.get(f"/gradio_api/file={path}").status_code == 403, path


def guess_sessions(server: Server) -> None:
    """A made-up session of Gradio's has an empty state, whatever listener it calls."""
    asked = 0
    for listener in httpx.get(server.url + "/config").json()["dependencies"]:
        if not listener["backend_fn"] or listener["targets"][0][1] in ("load", "unload"):
            continue
        if not listener["outputs"] or listener["api_name"] == "open":
            continue  # Cancel, which says nothing, and a new room, which is empty
        if not listener["inputs"]:
            continue  # where a stretch of the curves begins, which is no room's
        session = secrets.token_hex(5)
        call = {"fn_index": listener["id"], "session_hash": session,
                "data": [None] * len(listener["inputs"])}  # fmt: skip
        joined = httpx.post(server.url + "/gradio_api/queue/join", json=call)
        assert joined.status_code == 200
        news = f"{server.url}/gradio_api/queue/data?session_hash={session}"
        with httpx.stream("GET", news, timeout=20) as stream:
            for line in stream.iter_lines():
                assert not re.search(r"\b(ada|bob)\b", line)  # whole words: ids are hexadecimal
                if "process_completed" in line:
                    asked += 1
                    assert "The app was restarted" in line, "which says: there is no such room"
                    break
    assert asked >= 3


def wait_until_left(server: Server, count: int) -> None:
    end = time.monotonic() + 10
    while len(server.left) != count and time.monotonic() < end:
        time.sleep(0.1)
    assert len(server.left) == count


def test_closing_the_tab_deletes_everything(browser: Browser, quick: Server) -> None:
    wait_until_left(quick, 0)  # others have gone too
    with person(browser, quick.url) as someone:
        someone.page.get_by_label("Keep my things in this browser").uncheck()
        someone.record("mug")
        wait_until_left(quick, 1)
        # The page asks before it is left; this visitor is sure.
        someone.page.evaluate("document.querySelector('teach-and-watch').state.things = []")
        someone.page.reload()  # a new page is a new room
        wait_until_left(quick, 0)
        expect(someone.page.locator("#next-step")).to_have_text("Name your first thing")
        someone.record("keys")
        expect(someone.page.locator(".card h3")).to_have_text(["keys"])
        wait_until_left(quick, 1)
    wait_until_left(quick, 0)


def test_after_a_crash_the_page_says_what_happened(browser: Browser, tmp_path: Path) -> None:
    options, port = ("--checkpoint", str(write_tiny(tmp_path / "tiny"))), free_port()
    server = start(tmp_path, *options, port=port)
    with person(browser, server.url) as someone:
        someone.page.get_by_label("Keep my things in this browser").uncheck()
        someone.record("mug")
        assert server.left
        someone.forgiving = True
        server.stop(signal.SIGKILL)
        alarm = someone.page.get_by_role("alert").filter(has_text="app")
        expect(alarm).to_contain_text("The app cannot be reached. Trying again", timeout=10_000)
        assert server.left, "a killed server cannot tidy up"
        again = start(tmp_path, *options, port=port)
        try:
            assert not again.left, "so the next one does"
            expect(alarm).to_contain_text("The app was restarted", timeout=15_000)
            someone.page.get_by_role("button", name="Start again").click()
            expect(someone.page.locator("#next-step")).to_have_text("Name your first thing")
            someone.record("mug")
        finally:
            again.stop()
