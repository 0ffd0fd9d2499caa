"""In a real browser: axe finds nothing to complain of, in each state that the page can be in.

STATES is the list of the README; each follows from the one before.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("playwright.sync_api")
pytest.importorskip("axe_playwright_python.sync_playwright")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.app.people import DESKTOP, PHONE, Person, person
from tests.app.server import ROOT, Server
from tests.app.test_browser_phone import TEACH

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
REFUSE = """navigator.mediaDevices.getUserMedia =
  () => Promise.reject(new DOMException("", "NotAllowedError"));"""
SETTLED = """document.getAnimations().every((one) =>
  one.playState !== "running" || one.effect.getTiming().iterations === Infinity)"""
ELEMENT = "document.querySelector('teach-and-watch')"


def press_record_without_a_name(someone: Person) -> None:
    someone.press("Record")
    expect(someone.page.locator(".trouble")).to_be_visible()


def record(someone: Person) -> None:
    someone.name("mug")
    someone.press("Record")
    expect(someone.page.locator(".recording")).to_be_visible()


def be_coached(someone: Person) -> None:
    someone.page.locator(".advice").evaluate("(advice) => (advice.textContent = 'Too dark')")


def keep(someone: Person) -> None:
    expect(someone.page.locator(".card")).to_have_count(1, timeout=30_000)


def learn_twelve(someone: Person) -> None:
    someone.page.evaluate(TEACH, [f"thing {number}" for number in range(11)])
    someone.wait_until_learned(12)
    expect(someone.page.locator(".verdict")).to_be_visible(timeout=20_000)
    expect(someone.page.locator(".report li").first).to_be_visible(timeout=20_000)


def read_the_report(someone: Person) -> None:
    someone.page.locator(".report summary").click()


def look_for_a_thing(someone: Person) -> None:
    someone.page.get_by_label("Find").select_option("mug")
    expect(someone.page.locator(".finding")).to_be_visible()


def say_it_is_wrong(someone: Person) -> None:
    someone.page.get_by_label("Find").select_option("nothing")
    someone.press("That’s wrong")
    expect(someone.page.locator(".correction")).to_be_visible()


def correct(someone: Person) -> None:
    someone.page.locator(".correction button", has_text="None of my things").click()
    expect(someone.page.locator(".foreign")).to_be_visible(timeout=20_000)


def look_at_the_frames(someone: Person) -> None:
    more = someone.page.get_by_role("button", name="More: mug", exact=True)
    if more.is_visible():
        more.click()
    someone.page.locator(".card summary").first.click()
    someone.page.locator(".foreign summary").click()


def rename_badly(someone: Person) -> None:
    someone.press("Rename: mug")
    someone.page.get_by_label("New name of mug").fill("thing 3")
    someone.press("Save")
    expect(someone.page.locator(".trouble")).to_be_visible()


def remove(someone: Person) -> None:
    someone.press("Cancel")
    someone.press("Remove: mug")
    expect(someone.page.locator(".undo")).to_be_visible()


def read_a_file(someone: Person) -> None:
    someone.page.evaluate(f"{ELEMENT}.files.reading = 'Reading a.mp4 …'")
    someone.page.evaluate(f"{ELEMENT}.files.waiting('Waiting for others.')")


def lose_the_line(someone: Person) -> None:
    someone.page.evaluate(f"{ELEMENT}.alarm('The app cannot be reached. Trying again…')")


def choose_a_video(someone: Person) -> None:
    someone.open("Name a video")
    expect(someone.page.locator("#video-say")).to_contain_text("Choose a video")


def send_no_video(someone: Person) -> None:
    text = FilePayload(name="text.mp4", mimeType="video/mp4", buffer=b"this is no video")
    someone.page.locator("#video-file input[type=file]").set_input_files(text)
    expect(someone.page.locator("#video-say .problem")).to_be_visible(timeout=30_000)


def name_a_video(someone: Person) -> None:
    someone.page.locator(".tries button").first.click()
    expect(someone.page.locator("#video-seen caption")).to_be_visible(timeout=120_000)


def take_it_away(someone: Person) -> None:
    someone.open("Take it away")
    expect(someone.page.locator("#model-file")).to_be_visible(timeout=60_000)


def be_cut_off(someone: Person) -> None:
    someone.open("Teach & watch")
    someone.page.evaluate(f"{ELEMENT}.alarm('This page was silent for long.', true)")


STATES: dict[str, Callable[[Person], None]] = {
    "nothing taught yet": lambda someone: None,
    "a name is missing": press_record_without_a_name,
    "recording": record,
    "a hint while recording": be_coached,
    "one thing taught": keep,
    "twelve things taught and named": learn_twelve,
    "the report card's table": read_the_report,
    "looking for a thing": look_for_a_thing,
    "asked what it was": say_it_is_wrong,
    "a moment remembered": correct,
    "all frames, clip by clip": look_at_the_frames,
    "a new name refused": rename_badly,
    "a thing removed": remove,
    "a file being read": read_a_file,
    "the line lost": lose_the_line,
    "a video to be chosen": choose_a_video,
    "a video refused": send_no_video,
    "a video named": name_a_video,
    "the model to take away": take_it_away,
    "cut off for good": be_cut_off,
}


def complaints(page: Page, *themes: str) -> list[str]:
    """What axe has against the page as it is, in each theme."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    found = []
    for theme in themes:
        page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", theme == "dark")
        page.evaluate("new Promise((painted) => setTimeout(() => requestAnimationFrame(painted)))")
        page.wait_for_function(SETTLED)  # colours change over some frames
        for violation in page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]:
            places = [node["target"] for node in violation["nodes"]]
            found.append(f"{theme}: {violation['id']} {places}")
    return found


def test_the_readme_lists_the_states() -> None:
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert "; ".join([*STATES, "the camera refused"]) + "." in readme


@pytest.mark.parametrize(
    ("size", "themes"),
    [(DESKTOP, ("light", "dark")), (PHONE, ("light",))],
    ids=["desktop", "phone"],
)
def test_axe_finds_nothing_in_any_state(
    browser: Browser, quick: Server, size: dict, themes: tuple[str, ...]
) -> None:
    found: dict[str, list[str]] = {}
    with person(browser, quick.url, **size) as someone:
        someone.forgiving = True  # a refused upload stands on the console
        expect(someone.page.locator(".toggle")).to_have_text("Stop camera", timeout=15_000)
        for state, reach in STATES.items():
            reach(someone)
            found[state] = complaints(someone.page, *themes)
    assert [f"{state}: {told}" for state, all_told in found.items() for told in all_told] == []


def test_axe_finds_nothing_where_the_camera_is_refused(browser: Browser, quick: Server) -> None:
    with person(browser, quick.url, script=REFUSE, **PHONE) as someone:
        expect(someone.page.locator(".off p")).to_contain_text("The camera was refused")
        region = someone.page.locator("teach-and-watch > [role=status]")
        expect(region).to_contain_text("The camera was refused")
        assert not complaints(someone.page, "light", "dark")
