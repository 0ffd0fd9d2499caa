"""In a real browser: what is taught outlives page and server, is saved, opened and forgotten."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from tests.app.people import Person, camera, chromium, film, person
from tests.app.people import clips as of
from tests.app.server import Server, free_port, start

pytestmark = pytest.mark.browser
THINGS = ("mustard bottle", "water bottle")
NARROW = {"viewport": {"width": 320, "height": 640}, "is_mobile": True, "has_touch": True}
HERS = Path(__file__).parent / "profiles" / "version-1.zip"
TIMEOUT = 40_000  # ms, on a machine that is busy with other tests


@dataclass
class Mortal:
    """An app that is killed and started again at the same address."""

    folder: Path
    port: int
    server: Server

    def kill(self) -> None:
        self.server.stop(signal.SIGKILL)

    def revive(self) -> None:
        self.server = start(self.folder, port=self.port)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortal]:
    folder, port = tmp_path_factory.mktemp("mortal"), free_port()
    app = Mortal(folder, port, start(folder, port=port))
    yield app
    app.server.stop()


@pytest.fixture(scope="module")
def browser(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    shown = [(of(clips, name, "clean")[0], 4.5) for name in THINGS]
    picture = film(tmp_path_factory.mktemp("film") / "camera.mjpeg", shown)
    with sync_playwright() as playwright, chromium(playwright, *camera(picture)) as browser:
        yield browser


def things(page: Page, *names: str) -> None:
    """These things are taught, in this order."""
    expect(page.locator(".card h3")).to_have_text(list(names), timeout=TIMEOUT)


def kept(page: Page, what: str) -> None:
    expect(page.locator(".keep-state")).to_contain_text(
        f"Kept in this browser: {what}", timeout=TIMEOUT
    )


def named(page: Page) -> None:
    """Something is named on the picture, and by one of the things' names."""
    expect(page.locator(".verdict span").first).to_contain_text(
        "bottle", timeout=TIMEOUT, ignore_case=True
    )


def test_what_is_taught_outlives_a_reload_and_a_kill(browser: Browser, app: Mortal) -> None:
    with person(browser, app.server.url) as someone:
        page = someone.page
        someone.teach_from_the_camera(*THINGS)
        kept(page, "2 clips of 2 things")
        page.locator(".speak select").select_option("changes")
        page.reload()
        things(page, *THINGS)
        named(page)
        expect(page.locator(".speak select")).to_have_value("changes")
        someone.forgiving = True  # of what the browser says to a line that broke
        app.kill()
        expect(page.locator(".alarm")).to_contain_text("The app cannot be reached")
        app.revive()
        back = time.monotonic()
        page.wait_for_function("performance.now() < 30000 && window.room", timeout=TIMEOUT)
        things(page, *THINGS)
        named(page)
        print(f"there and named {time.monotonic() - back:.1f} s after the app was")
        kept(page, "2 clips of 2 things")
        expect(page.locator(".alarm")).to_be_hidden()


def press(page: Page, name: str) -> None:
    """Go to a button and press it, by keyboard."""
    button = page.get_by_role("button", name=name, exact=True)
    button.focus()
    expect(button).to_be_focused()
    page.keyboard.press("Enter")


def open_file(page: Page, path: Path) -> None:
    with page.expect_file_chooser() as chooser:
        press(page, "Open a file")
    chooser.value.set_files(path)


def says(page: Page, text: str) -> None:
    """The screen reader is told so."""
    expect(page.locator("teach-and-watch > [role=status]")).to_contain_text(text, timeout=TIMEOUT)


def test_save_forget_open_and_merge_by_keyboard_on_a_narrow_screen(
    browser: Browser, app: Mortal, tmp_path: Path
) -> None:
    with person(browser, app.server.url, **NARROW) as someone:
        page = someone.page
        open_file(page, HERS)
        says(page, "Opened version-1.zip: 2 things, 6 new frames")
        things(page, "🔑 keys", "../mug")
        kept(page, "4 clips of 2 things")
        someone.wait_until_learned(2)  # which is said, too
        with page.expect_download() as download:
            press(page, "Save my things")
        download.value.save_as(tmp_path / "mine.zip")
        says(page, "Saved as my-things.zip")
        press(page, "Forget everything")
        expect(page.locator("#keep-question")).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        says(page, "Everything was forgotten")
        expect(page.get_by_role("button", name="Forget everything", exact=True)).to_be_focused()
        page.reload()
        expect(page.locator("#next-step")).to_have_text("Name your first thing")
        record_by_keyboard(page, "../MUG")
        open_file(page, tmp_path / "mine.zip")
        question = page.locator("#keep-question")
        expect(question).to_contain_text("Taught here already, by the same name: ../mug.")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("Escape")
        expect(question).to_be_hidden()
        things(page, "../MUG")
        open_file(page, tmp_path / "mine.zip")
        expect(question).to_be_focused(timeout=TIMEOUT)
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Same thing: put them together")).to_be_focused()
        page.keyboard.press("Enter")
        things(page, "../MUG", "🔑 keys")
        kept(page, "5 clips of 2 things")
        someone.forgiving = True  # of what the browser says to a refusal
        (tmp_path / "damaged.zip").write_bytes(HERS.read_bytes()[:3000])
        open_file(page, tmp_path / "damaged.zip")
        refused = page.locator(".refused")
        expect(refused).to_contain_text("damaged.zip was not opened: it is no zip, or damaged")
        expect(page.get_by_role("button", name="Open a file")).to_be_focused()
        things(page, "../MUG", "🔑 keys")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        forget_while_they_come_back(page)


def forget_while_they_come_back(page: Page) -> None:
    held: list[Route] = []
    page.route("**/profile", lambda route: route.continue_() if held else held.append(route))
    page.reload()
    expect(page.locator(".keep-state")).to_contain_text("back: 0 of 5 clips", timeout=TIMEOUT)
    press(page, "Forget everything")
    press(page, "Forget everything now")
    held[0].continue_()
    says(page, "Everything was forgotten")
    things(page)
    expect(page.locator(".keep-state")).to_contain_text("What you teach is kept", timeout=TIMEOUT)


def record_by_keyboard(page: Page, name: str) -> None:
    expect(page.get_by_role("button", name="Stop camera")).to_be_visible(timeout=15_000)
    page.get_by_label("Name of the thing").focus()
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    says(page, f"Recording {name}")
    page.wait_for_timeout(700)
    page.get_by_label("Name of the thing").focus()
    page.keyboard.press("Enter")
    things(page, name)


def photos(folder: Path, count: int) -> list[Path]:
    chance = np.random.default_rng(0)
    paths = [folder / f"{n}.png" for n in range(count)]
    for path in paths:
        cv2.imwrite(str(path), chance.integers(0, 256, (64, 64, 3), np.uint8))
    return paths


def test_two_tabs_lose_nothing_and_single_frames_go_and_come_back(
    browser: Browser, app: Mortal, tmp_path: Path
) -> None:
    with person(browser, app.server.url) as someone:
        first = someone.page
        open_file(first, HERS)
        kept(first, "4 clips of 2 things")
        second = first.context.new_page()
        second.goto(app.server.url)
        things(second, "🔑 keys", "../mug")
        for page, name in ((first, "cap"), (second, "pen")):
            page.get_by_label("Name of the thing").fill(name)
            page.locator("#new-files").set_input_files(photos(tmp_path, 3))
            kept(page, "7 clips of 3 things")
        first.reload()  # each wrote what was its own
        things(first, "🔑 keys", "../mug", "cap", "pen")
        kept(first, "10 clips of 4 things")
        card = first.locator(".card", has_text="cap")
        card.locator("summary").click()
        expect(card.locator(".clip-head p")).to_have_text(["3 photos"])
        pictures = card.locator(".frame")
        pictures.first.focus()
        first.keyboard.press("ArrowRight")
        expect(pictures.nth(1)).to_be_focused()
        first.keyboard.press("Enter")
        expect(card.locator(".clip-head p")).to_have_text(["2 photos"], timeout=TIMEOUT)
        expect(pictures.nth(1)).to_be_focused()
        first.get_by_role("button", name="Remove photos of cap").click()
        expect(card.locator(".count")).to_contain_text("no clip yet", timeout=TIMEOUT)
        undo = first.locator(".undo")
        for said, count in (("2 clips of cap", "2 clips"), ("a clip of cap", "3 clips")):
            expect(undo.locator("p")).to_have_text(f"Removed {said}.")
            undo.get_by_role("button").click()
            expect(card.locator(".count")).to_contain_text(count, timeout=TIMEOUT)
        expect(undo).to_be_hidden()
        kept(first, "10 clips of 4 things")
        first.get_by_label("Keep my things in this browser").uncheck()
        for page in (first, second):
            expect(page.locator(".keep-state")).to_contain_text("Not kept")
        forget_the_room(someone)
        first.reload()
        expect(first.locator("#next-step")).to_have_text("Name your first thing")
        open_file(first, HERS)
        things(first, "🔑 keys", "../mug")
        second.get_by_label("Keep my things in this browser").check()
        kept(first, "4 clips of 2 things")
        second.get_by_role("button", name="Forget everything").click()
        second.get_by_role("button", name="Forget everything now").click()
        for page in (first, second):
            expect(page.locator("#next-step")).to_have_text("Name your first thing")
        expect(first.get_by_role("status").first).to_contain_text("forgotten in another tab")


def forget_the_room(someone: Person) -> None:
    """The page asks before it is left with what is nowhere kept; this visitor is sure."""
    someone.page.on("dialog", lambda dialog: dialog.accept())
