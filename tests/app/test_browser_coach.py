"""In a real browser: what the coach says while one records, of good clips and of spoilt ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, expect, sync_playwright

from model import load_model
from tests.app.coached import hints, measure, models_of
from tests.app.people import Person, camera, chromium, film, person
from tests.app.people import clips as of
from tests.app.server import Server
from tests.app.staged import Clip, dark, looks, read, shaken, unmoved
from tests.app.test_browser_hear import STUB
from tests.model.media import write_video

pytestmark = pytest.mark.browser
WORDS = ("Too dark: make more light.", "Blurred: hold it still.", "Nothing moves: turn it.")
LEFT, SAME = "Cut off at the left.", "The same place as before: go to another."
# A hint is shown, or the recording is over.
ADVISED = """document.querySelector(".advice").textContent
  || document.querySelector(".recording").hidden"""
# While `answered` is set, it stands in every answer of the app.
ANSWERED = """
const parse = JSON.parse;
JSON.parse = (text) => {
  const told = parse(text);
  return told?.type === "answer" ? { ...told, ...window.answered } : told;
};
"""
AT_THE_LEFT = """(name) => {
  window.answered = { names: [name], p: [1], named: true, where: [0, 0.3, 0.2, 0.7] };
}"""


@pytest.fixture(scope="module")
def browser(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Its camera shows a clip spoilt in each way, one after the other."""
    folder, rng = tmp_path_factory.mktemp("film"), np.random.default_rng(0)
    whole = next(clip for clip in read(clips) if clip.thing == "water bottle")
    pieces = []
    for kind, spoil in (("dark", dark), ("blurred", shaken), ("still", unmoved)):
        clip = folder / f"{kind}.mp4"
        large = [cv2.resize(frame, (480, 480)) for frame in spoil(whole, rng).frames]
        write_video(clip, "libx264", large)
        pieces.append((clip, 8.0))
    pieces.append((of(clips, "water bottle", "clean")[0], 8.0))
    picture = film(folder / "camera.mjpeg", pieces)
    with sync_playwright() as playwright, chromium(playwright, *camera(picture)) as browser:
        yield browser


@pytest.mark.timeout(480)  # two minutes of filming, which a busy machine draws out
def test_nine_of_ten_poor_clips_get_their_hint_and_good_ones_none(
    browser: Browser, quick: Server, clips: Path
) -> None:
    with person(browser, quick.url) as someone:
        someone.press("Stop camera")  # clips are looked at, and it would compete
        every = read(clips)
        scores, troubled = measure(someone.page, models_of(load_model(), every), every)
        assert troubled <= 0.1
        assert not [score for score in scores if score.right < 0.9]
        for path in clips.glob("*/clutter/x.mp4"):  # small among others, and not dark for that
            clip = Clip("", "", "", looks(path), None)
            assert not {"dark", "blurred", "still"} & set(hints(someone.page, clip)), path


def record_until(someone: Person, mark: int, name: str, words: str, tries: int = 3) -> None:
    """Record piece `mark` until the hint is seen: a busy machine may have too few looks for it."""
    page, advice = someone.page, someone.page.locator(".advice")
    for left in reversed(range(tries)):
        someone.wait_for_mark(mark)
        page.evaluate("said.length = 0")
        someone.name(name or f"thing {mark} {left}")  # one that was nowhere before
        someone.press("Record")
        expect(page.locator(".recording")).to_be_visible()
        page.wait_for_function(ADVISED)
        if not left or advice.text_content():
            return expect(advice).to_have_text(words)


@pytest.mark.timeout(480)
def test_the_hint_is_seen_and_heard_while_recording(browser: Browser, quick: Server) -> None:
    with person(browser, quick.url, script=STUB + ANSWERED) as someone:
        page = someone.page
        expect(page.locator(".toggle")).to_have_text("Stop camera", timeout=15_000)
        page.get_by_label("Speak").select_option("names")

        def advised(mark: int, words: str, name: str = "") -> None:
            record_until(someone, mark, name, words)
            assert words in page.evaluate("said")
            expect(page.locator(".advice")).to_be_hidden(timeout=15_000)  # the recording ended
            hints = [text for text in page.evaluate("said") if text in (*WORDS, LEFT, SAME)]
            assert set(hints) == {words} and len(hints) <= 2, "no other, and not over and over"

        for mark, words in enumerate(WORDS):
            advised(mark, words)
        page.wait_for_function("document.querySelector('teach-and-watch').model")
        known = page.locator(".card h3").first.text_content() or ""
        page.evaluate(AT_THE_LEFT, known)
        advised(3, LEFT, known)
        page.evaluate("window.answered = {}")
        advised(3, SAME, known.upper())  # which is the same thing
