"""The rule of a hand that covers a thing, on pictures that are drawn here."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page

from training.episodes.augment import SKINS

pytestmark = pytest.mark.browser

SIDE, GRID = 224, 28
GREEN = (60, 140, 90)
FOUND = """async ([pixels, missed]) => {
  const { colours } = await import("/page/cells.js");
  const { covered } = await import("/page/hand.js");
  const rgba = Uint8Array.from(atob(pixels), (c) => c.charCodeAt(0));
  return covered(colours(rgba, 224), missed);
}"""
COLOURS = """async (pixels) => {
  const { colours } = await import("/page/cells.js");
  return colours(Uint8Array.from(atob(pixels), (c) => c.charCodeAt(0)), 224);
}"""
COACHED = """async ([pixels, answers, last, every = 1]) => {
  const { Coach } = await import("/page/coach.js");
  const coach = new Coach("mug");
  const rgba = Uint8Array.from(atob(pixels), (c) => c.charCodeAt(0));
  let hint = "";
  for (let n = 0; n < 30; n++) {
    if (n <= last && n % every === 0) coach.hear(answers, false, 100 * n);
    hint = coach.see(rgba, 100 * n);
  }
  return hint;
}"""


def picture(ground: tuple[int, ...], skin: tuple[int, ...], arm: bool = True) -> np.ndarray:
    """A disk in the middle, as a palm is, with an arm from below; noise, so that it is no blur."""
    frame = np.full((SIDE, SIDE, 3), ground, np.uint8)
    cv2.circle(frame, (112, 112), 75, skin, -1)
    if arm:
        cv2.rectangle(frame, (90, 112), (134, SIDE), skin, -1)
    noise = np.random.default_rng(0).normal(0, 3, frame.shape)
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


def sent(frame: np.ndarray) -> str:
    rgba = np.dstack([frame, np.full((SIDE, SIDE), 255, np.uint8)])
    return base64.b64encode(rgba.tobytes()).decode()


def test_colours_are_those_of_the_standard(page: Page) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    told = np.array(page.evaluate(COLOURS, sent(frame)))
    luma, red, blue = np.moveaxis(cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb).astype(float), 2, 0)
    maps = np.stack([0.6 * luma, red - 128, blue - 128], 2)
    cell = SIDE // GRID
    means = maps.reshape(GRID, cell, GRID, cell, 3).mean((1, 3)).reshape(-1, 3)
    np.testing.assert_allclose(told, means, atol=0.6)  # OpenCV rounds each pixel


@pytest.mark.parametrize("skin", SKINS.tolist())
def test_a_hand_of_any_tone_is_told_by_its_arm_or_by_what_is_missed(
    page: Page, skin: list[int]
) -> None:
    for light in (0.6, 1.0):
        lit = tuple(int(light * value) for value in skin)
        hand = picture(GREEN, lit)
        assert page.evaluate(FOUND, [sent(hand), None]) is True
        assert page.evaluate(FOUND, [sent(hand), True]) is True
        thing = picture(GREEN, lit, arm=False)  # of the colour of skin, on a table
        assert page.evaluate(FOUND, [sent(thing), None]) is False


def test_no_hand_is_seen_in_a_wooden_table_or_a_green_thing(page: Page) -> None:
    wood = picture((172, 118, 84), (172, 118, 84))
    green = picture((230, 230, 230), GREEN)
    for missed in (None, True):
        assert page.evaluate(FOUND, [sent(wood), missed]) is False
        assert page.evaluate(FOUND, [sent(green), missed]) is False


def test_a_thing_that_the_model_sees_is_not_covered(page: Page) -> None:
    hand = sent(picture(GREEN, tuple(SKINS[1].tolist())))
    seen = {"names": ["mug", "pen"], "p": [0.9, 0.1], "named": True, "where": [0.3, 0.3, 0.7, 0.7]}
    missed, unknown = {**seen, "named": False}, {**seen, "names": ["cup", "pen"]}
    hints = [page.evaluate(COACHED, [hand, told, 30]) for told in (seen, missed, unknown)]
    assert hints == ["still", "hand", "hand"]


def test_an_answer_of_a_line_that_broke_says_nothing_of_what_is_seen_now(page: Page) -> None:
    thing = sent(picture((230, 230, 230), GREEN))
    left = {"names": ["mug", "pen"], "p": [0.9, 0.1], "named": True, "where": [0, 0.3, 0.2, 0.7]}
    assert page.evaluate(COACHED, [thing, left, 30]) == "left"
    assert page.evaluate(COACHED, [thing, left, 0]) == "still", "nothing of the side"
    assert page.evaluate(COACHED, [thing, left, 30, 14]) == "left", "its answers are slow, not old"


def test_what_the_model_sees_beside_a_hand_is_not_the_thing(page: Page) -> None:
    """It was taught in a room, and may know that; a hand with its arm is in the middle."""
    hand = sent(picture(GREEN, tuple(SKINS[1].tolist())))
    for named in (True, False):
        beside = {"names": ["mug", "pen"], "p": [0.9, 0.1], "named": named, "where": [0, 0, 0.2, 1]}
        assert page.evaluate(COACHED, [hand, beside, 30]) == "hand"


def test_what_is_seen_at_a_side_is_not_called_small(page: Page) -> None:
    frame = picture((230, 230, 230), GREEN, arm=False)
    small = np.full_like(frame, 230)
    small[90:134, 90:134] = cv2.resize(frame[40:184, 40:184], (44, 44))
    noise = np.random.default_rng(0).normal(0, 3, frame.shape)
    sent_small = sent(np.clip(small + noise, 0, 255).astype(np.uint8))
    seen = {"names": ["mug", "pen"], "p": [0.9, 0.1], "named": True}
    middle, aside = ({**seen, "where": [x, 0.3, x + 0.4, 0.7]} for x in (0.3, 0.07))
    missed = {**seen, "named": False, "p": [0.4, 0.6], "where": [0, 0, 0.2, 0.2]}
    hints = [page.evaluate(COACHED, [sent_small, told, 30]) for told in (middle, aside, missed)]
    assert hints == ["small", "still", "small"]
