"""On a phone in a real browser: what must be seen together is, upright and on its side."""

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.app.people import PHONE, Person, person
from tests.app.server import Server

pytestmark = pytest.mark.browser
UPRIGHT: ViewportSize = {"width": 360, "height": 740}  # as PHONE
ON_ITS_SIDE: ViewportSize = {"width": 740, "height": 360}
TWELVE = 1000  # pixels of the list of twelve things, at most
# Uploads a thing for each of these names, from one photo that the page makes itself.
TEACH = """async (names) => {
  const element = document.querySelector("teach-and-watch");
  await element.ready;
  const photo = await element.camera.jpeg();
  for (const name of names) await element.line.upload(name, new File([photo], "photo.jpg"));
}"""


def seen_whole(page: Page, *parts: str) -> None:
    """Each of the parts lies wholly inside the window, whichever way it was scrolled."""
    for part in parts:
        expect(page.locator(part)).to_be_in_viewport(ratio=0.99)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def begin_recording(someone: Person, thing: str) -> None:
    expect(someone.page.locator(".toggle")).to_have_text("Stop camera", timeout=15_000)
    someone.name(thing)
    someone.press("Record")
    expect(someone.page.locator(".recording")).to_be_visible()


def test_picture_name_record_and_countdown_are_on_one_screen(
    browser: Browser, quick: Server
) -> None:
    with person(browser, quick.url, **PHONE) as someone:
        page = someone.page
        for size in (UPRIGHT, ON_ITS_SIDE):
            page.set_viewport_size(size)
            begin_recording(someone, "mug")
            expect(page.locator(".recording")).to_contain_text("mug · ")
            seen_whole(page, ".picture", "#thing-name", ".teach .record", ".recording")
            someone.press("Stop recording mug")
            expect(page.locator(".recording")).to_be_hidden()
        expect(page.locator(".card .count")).to_contain_text("2 clips", timeout=15_000)


def test_twelve_things_are_a_short_list_and_each_shows_its_recording(
    browser: Browser, quick: Server
) -> None:
    names = [f"thing number {number}" for number in range(11)] + ["a thing with a long name " * 3]
    with person(browser, quick.url, **PHONE) as someone:
        page = someone.page
        expect(page.locator(".toggle")).to_have_text("Stop camera", timeout=15_000)
        page.evaluate(TEACH, names)
        cards = page.locator(".card")
        expect(cards).to_have_count(12, timeout=30_000)
        box = page.locator(".cards").bounding_box()
        assert box and box["height"] <= TWELVE
        record = cards.nth(7).locator(".record")
        record.click()
        expect(record).to_have_text("Stop · 4")
        expect(record).to_have_accessible_name("Stop: thing number 7")
        seen_whole(page, ".picture", ".recording", ".card .record.on")
        above(page.locator(".picture"), record)
        record.click()
        expect(record).to_have_accessible_name("Record more: thing number 7")
        expect(cards.nth(7).locator(".count")).to_contain_text("2 clips", timeout=15_000)
        page.get_by_role("button", name="More: thing number 7", exact=True).click()
        someone.press("Rename: thing number 7")
        page.get_by_label("New name of thing number 7").fill("thing number 8")
        someone.press("Save")
        refused_at(page, "#trouble", page.get_by_label("New name of thing number 7"))


def above(one: Locator, other: Locator) -> None:
    first, second = one.bounding_box(), other.bounding_box()
    assert first and second and first["y"] + first["height"] <= second["y"]


def refused_at(page: Page, alert: str, field: Locator) -> None:
    """The refusal stands below the field, in view, and the field says that it is about it."""
    expect(page.locator(alert)).to_contain_text("Another thing is called")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(page.locator(alert).text_content() or "")
    expect(field).to_be_focused()
    seen_whole(page, alert)
    above(field, page.locator(alert))
