"""In a real browser: a wrong name is put right, taken back, and the report card is read."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, expect, sync_playwright

from tests.app.people import PHONE, Person, camera, chromium, film, person
from tests.app.people import clips as of
from tests.app.server import Server

pytestmark = pytest.mark.browser
PUDDING, BOTTLE = THINGS = ("chocolate pudding", "water bottle")
STRANGER = 2  # the mark of what is never taught, a box much like the pudding's
NOTHING = "None of your things"


@pytest.fixture(scope="module")
def browser(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Its camera shows the two, and a near-duplicate of the first."""
    shown = [(of(clips, name, "clean")[0], 4.5) for name in (*THINGS, "strawberry gelatin")]
    picture = film(tmp_path_factory.mktemp("film") / "camera.mjpeg", shown)
    with sync_playwright() as playwright, chromium(playwright, *camera(picture)) as browser:
        yield browser


def says(someone: Person, mark: int, text: str) -> None:
    """It says `text` within a second and a half of piece `mark`, and holds."""
    someone.wait_for_mark(mark)
    someone.page.wait_for_timeout(1500)
    while someone.mark() == mark:
        assert someone.sees() == text
        someone.page.wait_for_timeout(300)


def test_what_is_none_of_them_is_learned_at_once_and_undone(
    browser: Browser, server: Server
) -> None:
    with person(browser, server.url, **PHONE) as someone:
        page = someone.page
        someone.teach_from_the_camera(*THINGS)
        someone.wait_for_mark(STRANGER)
        page.wait_for_timeout(1500)
        assert someone.sees() == PUDDING, "it is taken for what it looks like"
        someone.press("That’s wrong")
        expect(page.locator("#correction-title")).to_have_text(f"It said: {PUDDING}. What was it?")
        assert page.evaluate("document.activeElement.id") == "correction-title"
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # the first answer: none of my things
        expect(page.locator(".foreign summary")).to_have_text("None of my things: 1 moment")
        says(someone, 0, PUDDING)
        says(someone, 1, BOTTLE)
        says(someone, STRANGER, NOTHING)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.locator(".remembered button").click()
        expect(page.locator(".foreign")).to_be_hidden()
        assert page.evaluate("document.activeElement.className") in ("wrong", "ask")
        someone.wait_for_mark(STRANGER)
        page.wait_for_timeout(1500)
        assert someone.sees() == PUDDING, "as before"


def test_what_it_really_is_becomes_a_clip_and_the_report_card_is_read(
    browser: Browser, server: Server
) -> None:
    with person(browser, server.url) as someone:
        page = someone.page
        someone.teach_from_the_camera(*THINGS)
        lines = page.locator(".report li")
        expect(lines.first).to_contain_text(
            "named right in parts of clips that it had not learned from"
        )
        assert "in another place, would help most" in lines.last.inner_text()
        page.locator(".report summary").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".report details")).to_have_attribute("open", "")
        rows = page.locator(".report tr")
        expect(rows).to_have_count(3)
        assert int(rows.nth(1).locator("td").first.inner_text()) > 50
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "grid"
        someone.wait_for_mark(0)
        page.wait_for_timeout(1500)
        someone.press("That’s wrong")
        page.locator(".correction button", has_text=BOTTLE).click()
        card = page.locator(".card", has_text=BOTTLE)
        expect(card.locator(".count")).to_contain_text("2 clips")
        page.locator(".remembered button").click()
        expect(card.locator(".count")).to_contain_text("1 clip ·")
        expect(page.locator(".verdict")).to_be_visible()
        server.process.send_signal(signal.SIGSTOP)
        try:  # a server that hangs leaves no name on the picture
            expect(page.locator(".verdict")).to_be_hidden(timeout=2500)
            expect(page.locator(".rate")).to_have_text("Waiting for the app…")
            assert not page.locator(".where").is_visible()
        finally:
            server.process.send_signal(signal.SIGCONT)
        expect(page.locator(".verdict")).to_be_visible(timeout=10_000)
