"""In a real browser: what the app says aloud, when, and what it leaves to the screen reader."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, expect, sync_playwright

from tests.app.people import PHONE, camera, chromium, film, person
from tests.app.people import clips as of
from tests.app.server import Server

pytestmark = pytest.mark.browser
THINGS = ("mustard bottle", "water bottle")
NOTHING = "None of your things"
# A stand-in for the voice of the machine, which notes what it was to say.
STUB = """
window.said = [];
Object.defineProperty(window, "speechSynthesis", {
  value: { speak: (sentence) => said.push(sentence.text), cancel() {} },
});
"""


@pytest.fixture(scope="module")
def browser(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    shown = [(of(clips, name, "clean")[0], 4.5) for name in (*THINGS, "soup can")]
    picture = film(tmp_path_factory.mktemp("film") / "camera.mjpeg", shown)
    with sync_playwright() as playwright, chromium(playwright, *camera(picture)) as browser:
        yield browser


def test_names_are_spoken_once_a_change(browser: Browser, server: Server) -> None:
    with person(browser, server.url, script=STUB, **PHONE) as someone:
        page = someone.page
        someone.teach_from_the_camera(*THINGS)
        assert page.evaluate("said") == [], "it is off until somebody wants it"
        page.get_by_label("Speak").select_option("names")
        region = page.locator("p[role=status]")
        expect(region).to_contain_text("Learned")  # said a moment after the page shows it
        before = region.text_content()
        someone.wait_for_mark(0)
        page.evaluate("said.length = 0")
        for mark in (1, 2, 0):
            someone.wait_for_mark(mark)
        said = page.evaluate("said")
        assert set(said) == {*THINGS, NOTHING}, "and never two names, of which it is not sure"
        assert all(one != next_one for one, next_one in pairwise(said)), said
        assert len(said) <= 5, "a flicker is no news"
        assert region.text_content() == before, "never both"
        page.get_by_label("Speak").select_option("everything")
        someone.press("More: water bottle")
        someone.press("Remove: water bottle")
        page.get_by_role("button", name="Undo").first.click()
        expect(page.locator(".lesson p")).to_contain_text("of 2 things in")
        page.wait_for_function("said.some((text) => text.startsWith('Learned'))")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_who_asks_is_answered_at_once_and_however_often(browser: Browser, server: Server) -> None:
    with person(browser, server.url, script=STUB) as someone:
        page, region = someone.page, someone.page.locator("p[role=status]")
        expect(page.locator(".toggle")).to_have_text("Stop camera")
        someone.press("What is this?")
        expect(region).to_have_text("Name your first thing. Nothing is learned yet.")
        someone.teach_from_the_camera(*THINGS)
        page.get_by_label("Speak").select_option("names")
        someone.wait_for_mark(0)
        page.wait_for_timeout(1500)
        page.evaluate("said.length = 0")
        for _ in range(2):
            someone.press("What is this?")
        answers = [text for text in page.evaluate("said") if text != THINGS[0]]
        assert len(answers) == 2 and all(text.startswith(f"{THINGS[0]}, ") for text in answers)
        someone.press("Stop camera")
        someone.press("What is this?")
        assert page.evaluate("said.at(-1)") == "The camera is off."
