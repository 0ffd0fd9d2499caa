"""In a real browser: what the coach says while one records, of good clips and of spoilt ones."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, expect, sync_playwright

from model.frames import square, stream
from tests.app.people import Person, camera, chromium, film, person
from tests.app.people import clips as of
from tests.app.server import Server
from tests.app.test_browser_hear import STUB
from tests.model.media import write_video

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
Spoil = Callable[[list[np.ndarray], np.random.Generator], list[np.ndarray]]
STEP = 0.1  # s between two frames, as the coach looks
STILL = 25  # frames of a clip in which nothing moves
WORDS = {
    "dark": "Too dark: make more light.",
    "blurred": "Blurred: hold it still.",
    "still": "Nothing moves: turn it.",
}
# A hint is shown, or the recording is over.
ADVISED = """document.querySelector(".advice").textContent
  || document.querySelector(".recording").hidden"""
# What the coach says to a clip: every hint, in order.
HINTS = """async (frames) => {
  const { Coach } = await import("/page/coach.js");
  const canvas = new OffscreenCanvas(224, 224);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const [coach, hints] = [new Coach(), []];
  for (const [n, jpeg] of frames.entries()) {
    const blob = new Blob([Uint8Array.from(atob(jpeg), (c) => c.charCodeAt(0))]);
    pen.drawImage(await createImageBitmap(blob), 0, 0);
    const hint = coach.see(pen.getImageData(0, 0, 224, 224).data, 100 * n);
    if (hint && hint !== hints.at(-1)) hints.push(hint);
  }
  return hints;
}"""


def noisy(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.clip(frame + rng.normal(0, 3, frame.shape), 0, 255).astype(np.uint8)


def dark(frames: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    return [noisy(0.12 * frame, rng) for frame in frames]


def out_of_focus(frames: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    return [noisy(cv2.GaussianBlur(frame, (0, 0), 4), rng) for frame in frames]


def shaken(frames: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Each drawn out over a tenth of the picture, in one direction."""
    kernel, angle = np.zeros((23, 23), np.float32), rng.uniform(0, np.pi)
    reach = 11 * np.array([np.cos(angle), np.sin(angle)])
    ends = [tuple((11 + sign * reach).astype(int).tolist()) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    kernel /= kernel.sum()
    return [noisy(cv2.filter2D(frame, -1, kernel), rng) for frame in frames]


def unmoved(frames: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    return [noisy(frames[0], rng) for _ in range(STILL)]


STAGED: dict[Spoil, str] = {dark: "dark", out_of_focus: "blurred", shaken: "blurred",
                            unmoved: "still"}  # fmt: skip


def looks(clip: Path) -> list[np.ndarray]:
    """The frames that the coach would look at, at most 20 of them."""
    due, frames = 0.0, []
    for seconds, frame in stream(clip):
        if seconds >= due - 0.001 and len(frames) < 20:
            frames.append(square(frame))
            due = seconds + STEP
    return frames


def sent(frames: list[np.ndarray]) -> list[str]:
    coded = (cv2.imencode(".jpg", cv2.cvtColor(f, cv2.COLOR_RGB2BGR))[1] for f in frames)
    return [base64.b64encode(jpeg.tobytes()).decode() for jpeg in coded]


@pytest.fixture(scope="module")
def browser(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Its camera shows a clip spoilt in each way, one after the other."""
    folder, rng = tmp_path_factory.mktemp("film"), np.random.default_rng(0)
    frames = [square(frame, 480) for _, frame in stream(of(clips, "water bottle", "clean")[0])]
    pieces = []
    for kind, spoil in (("dark", dark), ("blurred", shaken), ("still", unmoved)):
        clip = folder / f"{kind}.mp4"
        large = [cv2.resize(f, (480, 480)) for f in spoil([square(f) for f in frames], rng)]
        write_video(clip, "libx264", large)
        pieces.append((clip, 9.0))
    picture = film(folder / "camera.mjpeg", pieces)
    with sync_playwright() as playwright, chromium(playwright, *camera(picture)) as browser:
        yield browser


def test_nine_of_ten_poor_clips_get_their_hint_and_good_ones_none(
    browser: Browser, quick: Server, clips: Path
) -> None:
    rng = np.random.default_rng(0)
    every = [
        looks(of(clips, thing.name, kind)[0])
        for thing in sorted(clips.iterdir())
        if thing.is_dir()
        for kind in ("clean", "clutter")
    ]
    with person(browser, quick.url) as someone:

        def hints(frames: list[np.ndarray]) -> list[str]:
            return someone.page.evaluate(HINTS, sent(frames))

        false = [hints(frames) for frames in every]
        assert np.mean([bool(given) for given in false]) <= 0.1, false
        for spoil, kind in STAGED.items():
            given = [hints(spoil(frames, rng)) for frames in every]
            assert np.mean([told == [kind] for told in given]) >= 0.9, (spoil.__name__, given)


def record_until(someone: Person, mark: int, words: str, tries: int = 3) -> None:
    """Record piece `mark` until the hint is seen: a busy machine may have too few looks for it."""
    page, advice = someone.page, someone.page.locator(".advice")
    for left in reversed(range(tries)):
        someone.wait_for_mark(mark)
        page.evaluate("said.length = 0")
        someone.name("mug")
        someone.press("Record")
        expect(page.locator(".recording")).to_be_visible()
        page.wait_for_function(ADVISED)
        if not left or advice.text_content():
            return expect(advice).to_have_text(words)


def test_the_hint_is_seen_and_heard_while_recording(browser: Browser, quick: Server) -> None:
    with person(browser, quick.url, script=STUB) as someone:
        page = someone.page
        expect(page.locator(".toggle")).to_have_text("Stop camera", timeout=15_000)
        page.get_by_label("Speak").select_option("names")
        someone.name("mug")
        for mark, words in enumerate(WORDS.values()):
            record_until(someone, mark, words)
            assert words in page.evaluate("said")
            expect(page.locator(".advice")).to_be_hidden(timeout=15_000)  # the recording ended
            hints = [text for text in page.evaluate("said") if text in WORDS.values()]
            assert set(hints) == {words} and len(hints) <= 2, "no other, and not over and over"
