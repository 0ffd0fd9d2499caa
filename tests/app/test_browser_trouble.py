"""What goes wrong in a browser, and the sentence that a person reads."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, Playwright, Route, expect, sync_playwright

from tests.app.people import Person, camera, chromium, person
from tests.app.server import Server
from tests.model.media import numbered, write_video

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Something for the camera to show: noise, a second of it."""
    path, rng = tmp_path_factory.mktemp("film") / "noise.mjpeg", np.random.default_rng(0)
    with open(path, "wb") as file:
        for _ in range(30):
            coarse = rng.integers(0, 255, (12, 16, 3), np.uint8)
            file.write(cv2.imencode(".jpg", cv2.resize(coarse, (640, 480)))[1].tobytes())
    return path


@pytest.fixture(scope="module")
def browser(playwright: Playwright, film: Path) -> Iterator[Browser]:
    with chromium(playwright, *camera(film)) as browser:
        yield browser


def off(someone: Person) -> str:
    """What stands in place of the picture."""
    words = someone.page.locator(".off p")
    expect(words).to_be_visible()
    expect(words).not_to_have_text("Allow the camera to begin.", timeout=10_000)
    return words.text_content() or ""


def test_a_refused_camera(playwright: Playwright, quick: Server) -> None:
    with (
        chromium(playwright, "--use-fake-ui-for-media-stream=deny",
                 "--use-fake-device-for-media-stream") as browser,
        person(browser, quick.url) as someone,
    ):  # fmt: skip
        assert off(someone).startswith("The camera was refused. Allow it at the camera sign")
        someone.name("mug")
        someone.press("Record")
        expect(someone.page.locator(".trouble")).to_have_text(
            "Start the camera first, then record."
        )


def test_no_camera(playwright: Playwright, quick: Server) -> None:
    with (
        chromium(playwright, "--use-fake-ui-for-media-stream") as browser,
        person(browser, quick.url) as someone,
    ):
        assert off(someone).startswith("There is no camera here.")
        expect(someone.page.get_by_role("button", name="Start camera")).to_be_visible()


def test_a_page_over_plain_http_from_elsewhere(playwright: Playwright, quick: Server) -> None:
    address = quick.url.replace("127.0.0.1", "teach.test")
    rules = "--host-resolver-rules=MAP teach.test 127.0.0.1"
    with chromium(playwright, rules) as browser, person(browser, address) as someone:
        assert off(someone).startswith("Browsers give the camera to https pages and to localhost")
        expect(someone.page.get_by_role("button", name="add clips and photos")).to_be_enabled()
        expect(someone.page.get_by_role("button", name="Start camera")).to_be_hidden()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("   ", "Type a name first, then record."),
        ("x" * 300, "has 300 characters; use at most 100"),
    ],
)
def test_bad_names_are_refused_where_they_are_typed(
    browser: Browser, quick: Server, name: str, says: str
) -> None:
    with person(browser, quick.url) as someone:
        expect(someone.page.get_by_role("button", name="Stop camera")).to_be_visible(timeout=15_000)
        someone.name(name)
        someone.press("Record")
        expect(someone.page.locator(".trouble")).to_contain_text(says)
        expect(someone.page.get_by_label("Name of the thing")).to_be_focused()
        expect(someone.page.locator(".recording")).to_be_hidden()


def test_one_thing_strange_names_and_two_of_one_name(browser: Browser, quick: Server) -> None:
    evil = "<img src=x onerror=alert(1)> 🔑 \"'/\\ =cmd()"
    with person(browser, quick.url) as someone:
        page = someone.page
        expect(page.locator("#next-step")).to_have_text("Name your first thing")
        someone.record(evil)
        expect(page.locator("#next-step")).to_have_text("Now a second thing")
        someone.open("Take it away")
        says = page.locator("#model-say")
        expect(says).to_contain_text("Teach at least 2 things first; you have 1.")
        expect(page.locator("#model-file")).to_be_hidden()
        someone.open("Name a video")
        expect(page.locator("#video-say")).to_contain_text("you have 1. Then come back")
        someone.open("Teach & watch")
        someone.record("mug")
        someone.wait_until_learned(2)
        expect(page.locator(".bar-name").first).to_have_text(evil)
        someone.press("Rename: mug")
        page.get_by_label("New name of mug").fill(evil.upper())
        someone.press("Save")
        expect(page.locator(".trouble")).to_contain_text("Another thing is called")
        expect(page.locator(".card h3").last).to_have_text("mug")
        someone.press("Cancel")
        someone.open("Take it away")
        expect(says).to_contain_text("2 things in", timeout=20_000)


def test_bad_files_are_named_and_lose_nothing(
    browser: Browser, quick: Server, tmp_path: Path
) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("this is no video")
    with person(browser, quick.url) as someone:
        page = someone.page
        someone.record("mug")
        someone.name("keys")
        someone.forgiving = True
        with page.expect_file_chooser() as chooser:
            someone.press("add clips and photos")
        chooser.value.set_files([tmp_path / "empty.mp4", tmp_path / "text.mp4"])
        trouble = page.locator(".trouble")
        expect(trouble).to_contain_text("empty.mp4 is empty", timeout=15_000)
        expect(trouble).to_contain_text("text.mp4", timeout=15_000)
        expect(page.locator(".card h3")).to_have_text(["mug"])
        expect(page.get_by_label("Name of the thing")).to_have_value("keys")
        someone.record("keys")
        someone.wait_until_learned(2)
        someone.open("Name a video")
        page.locator("#video-file input[type=file]").set_input_files(tmp_path / "text.mp4")
        expect(page.locator("#video-say .problem")).to_contain_text("text.mp4", timeout=15_000)


def test_the_line_survives_a_hiccup(browser: Browser, quick: Server) -> None:
    keep_lines = """
      window.lines = [];
      window.WebSocket = class extends WebSocket {
        constructor(...address) { super(...address); lines.push(this); }
      };"""
    with person(browser, quick.url, script=keep_lines) as someone:
        page = someone.page
        someone.record("mug")
        page.evaluate("lines.at(-1).close()")
        page.wait_for_function("lines.length === 2 && lines[1].readyState === 1")
        someone.record("keys")
        someone.wait_until_learned(2)
        expect(page.locator(".card")).to_have_count(2)


def test_naming_a_video_is_cancelled_with_one_press(
    browser: Browser, quick: Server, tmp_path: Path
) -> None:
    frames = (numbered(number, 320, 240) for number in range(3000))
    video = write_video(tmp_path / "long.mp4", "libx264", frames)
    with person(browser, quick.url) as someone:
        someone.record("mug")
        someone.record("keys")
        expect(someone.page.locator(".lesson p")).to_contain_text("Learned", timeout=20_000)
        someone.page.get_by_role("tab", name="Name a video").click()
        someone.page.locator("#video-file input").set_input_files(video)
        expect(someone.page.locator("#video-say")).to_contain_text("frames", timeout=20_000)
        someone.page.locator("#video-file input").set_input_files(video)
        busy = someone.page.locator("#video-busy")
        expect(busy).to_contain_text("Choose long.mp4 again when that is done", timeout=20_000)
        expect(someone.page.locator("#video-say")).to_contain_text("frames")
        someone.page.get_by_role("button", name="Cancel").click()
        say = someone.page.locator("#video-say")
        expect(say).to_contain_text("Cancelled; nothing of it was kept", timeout=10_000)
        assert not [file for file in quick.private if file.suffix in (".webm", ".csv", ".mp4")]
        expect(someone.page.get_by_role("button", name="Cancel")).to_be_hidden()
        expect(busy).to_be_empty()


def test_a_page_at_an_address_that_the_app_does_not_know_says_what_to_set(
    browser: Browser, quick: Server
) -> None:
    """As behind a proxy that drops the port from the Host header."""

    def without_port(route: Route) -> None:
        request = route.request
        headers = {**request.headers, "host": "127.0.0.1"}
        if request.method == "POST":
            headers["origin"] = quick.url
        answer = httpx.request(
            request.method, request.url, headers=headers, content=request.post_data_buffer
        )
        route.fulfill(status=answer.status_code, body=answer.content, headers=dict(answer.headers))

    with person(browser, quick.url) as someone:
        someone.forgiving = True  # the browser itself says on the console that it got a 403
        someone.page.route("**/healthz", without_port)
        someone.page.reload()
        alarm = someone.page.locator(".alarm p")
        expect(alarm).to_contain_text(f"start the app with --allowed-origin {quick.url}")
