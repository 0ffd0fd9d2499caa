"""In a real browser: by keyboard and screen reader, large targets, forced colours, 320 pixels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, Page, expect

from tests.app.people import PHONE, Person, person
from tests.app.server import Server
from tests.app.test_browser_phone import TEACH

pytestmark = pytest.mark.browser
LEAST = 44  # pixels of what is to be pressed, either way
# Controls that are smaller: [what, width, height]; a box to tick is pressed on its words, too.
SMALL = """(least) => [...document.querySelectorAll(
    "teach-and-watch :is(button, select, input, summary), #tabs [role=tab]")]
  .filter((control) => control.checkVisibility())
  .map((control) => [control, (control.closest("label") ?? control).getBoundingClientRect()])
  .filter(([, { width, height }]) => width < least || height < least)
  .map(([control, { width, height }]) => [control.outerHTML.slice(0, 80), width, height])"""
FOCUSED = """() => {
  const { activeElement: at } = document;
  const { top, bottom } = at.getBoundingClientRect();
  return { tag: at.tagName, top: top + scrollY, bottom: bottom + scrollY };
}"""
SWATCH = "getComputedStyle(document.querySelector('.card .swatch')).backgroundColor"


@pytest.fixture(scope="module")
def someone(browser: Browser, quick: Server) -> Iterator[Person]:
    """On a phone, with seven things taught."""
    with person(browser, quick.url, **PHONE) as someone:
        expect(someone.page.locator(".toggle")).to_have_text("Stop camera", timeout=15_000)
        someone.page.evaluate(TEACH, [f"thing {number}" for number in range(7)])
        someone.wait_until_learned(7)
        yield someone


def test_what_is_pressed_is_large_enough(someone: Person) -> None:
    page = someone.page
    page.get_by_role("button", name="More: thing 2", exact=True).click()
    assert page.evaluate(SMALL, LEAST) == []
    page.get_by_role("button", name="More: thing 2", exact=True).click()


def test_the_keyboard_goes_through_the_page_from_top_to_bottom(someone: Person) -> None:
    page = someone.page
    page.get_by_label("Name of the thing").focus()
    places = [page.evaluate(FOCUSED)]
    while len(places) < 20:
        page.keyboard.press("Tab")
        places.append(page.evaluate(FOCUSED))
    assert all(one["top"] < next_one["bottom"] for one, next_one in pairwise(places)), places
    assert "BODY" not in [place["tag"] for place in places]
    tree = page.locator("teach-and-watch").aria_snapshot()
    spoken = [
        *("Name of the thing", 'button "Record"', "Stop camera", "What is this?"),
        *("What it sees", "Your things", 'heading "thing 0"', 'heading "thing 6"'),
    ]
    found = [tree.find(words) for words in spoken]
    assert found == sorted(found) and min(found) >= 0, tree


def test_arrow_keys_move_between_the_tabs(someone: Person) -> None:
    page = someone.page
    page.get_by_role("tab", name="Teach & watch").focus()
    for key, name in (("ArrowRight", "Name a video"), ("End", "Take it away"),
                      ("ArrowRight", "Teach & watch"), ("ArrowLeft", "Take it away"),
                      ("Home", "Teach & watch")):  # fmt: skip
        page.keyboard.press(key)
        tab = page.get_by_role("tab", name=name)
        expect(tab).to_be_focused()
        expect(tab).to_have_attribute("aria-selected", "true")


def test_focus_never_drops_to_the_body(someone: Person) -> None:
    page = someone.page
    page.get_by_role("button", name="More: thing 6", exact=True).click()
    remove = page.get_by_role("button", name="Remove: thing 6")
    remove.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(6, timeout=15_000)
    expect(page.locator(".undo button")).to_be_focused()
    region = page.locator("teach-and-watch > [role=status]")
    expect(region).to_contain_text("Removed thing 6")
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(7, timeout=15_000)
    page.wait_for_function("document.activeElement !== document.body")
    expect(region).to_contain_text("Back again: thing 6")


def test_at_320_pixels_nothing_is_beside_the_page(someone: Person) -> None:
    page = someone.page
    page.set_viewport_size({"width": 320, "height": 568})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 360, "height": 740})


def test_forced_colours_and_reduced_motion(someone: Person) -> None:
    page: Page = someone.page
    plain = page.evaluate(SWATCH)
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    assert page.evaluate(SWATCH) == plain, "the colour of a thing says which it is"
    track = "getComputedStyle(document.querySelector('.track')).borderTopWidth"
    assert page.evaluate(track) == "1px"
    dot = "getComputedStyle(document.querySelector('.recording .dot')).animationName"
    assert page.evaluate(dot) == "none"
    marks = page.evaluate(
        """[...document.querySelectorAll(".card .swatch")].map((swatch) => {
          const { backgroundColor, backgroundImage } = getComputedStyle(swatch);
          return backgroundColor + backgroundImage;
        })"""
    )
    assert len(set(marks)) == 7, "the seventh has a mark of its own"
    page.emulate_media(forced_colors="none", reduced_motion="no-preference")
