"""Names on pictures in scripts that run from right to left, against HarfBuzz and FriBidi."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont, features

from app.naming.lettering import ARABIC, _as_drawn, isolated, write

SIZE = 48


def letters(picture: np.ndarray) -> np.ndarray:
    """What is written on a black picture (H, W), cut out and (48, 256) large."""
    down, across = np.nonzero(picture > 64)
    cut = picture[down.min() : down.max() + 1, across.min() : across.max() + 1]
    return cv2.resize(cut, (256, 48), interpolation=cv2.INTER_AREA).astype(float)


def written(text: str, room: int = 800) -> np.ndarray:
    picture = np.zeros((120, 800, 3), np.uint8)
    write(picture, text, (20, 80), SIZE, 400, room)
    return picture[..., 0]


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(letters(one).ravel(), letters(other).ravel())[0, 1])


@pytest.mark.skipif(not features.check("raqm"), reason="Pillow has no HarfBuzz and FriBidi here")
@pytest.mark.parametrize("name", ["مفاتيحي", "ليس من أشيائك", "كوب 2", "كوب (mug)"])
def test_arabic_is_joined_and_runs_from_right_to_left(name: str) -> None:
    picture = Image.new("L", (800, 120))
    font = ImageFont.truetype(ARABIC, SIZE, layout_engine=ImageFont.Layout.RAQM)
    ImageDraw.Draw(picture).text((20, 20), name, 255, font, direction="rtl")
    reference = np.asarray(picture)
    assert likeness(written(name), reference) > 0.8
    assert likeness(np.fliplr(written(name)), reference) < 0.6


@pytest.mark.parametrize(
    ("sentence", "name", "drawn"),
    [
        ("كوب: {}", "C++", "C++ :"),  # from the left, as ever
        ("كوب: {}", "A (b)", "A (b) :"),
        ("كوب: {}", "-5 up", "-5 up :"),
        ("nearest: {}", "כ (b)", "nearest: (b) כ"),  # as it stands alone
        ("nearest: {}", "keys", "nearest: keys"),
        ("nearest: {}", "7", "nearest: 7"),
    ],
)
def test_a_name_in_a_sentence_keeps_its_own_order(sentence: str, name: str, drawn: str) -> None:
    assert _as_drawn(sentence.format(isolated(name))).startswith(drawn)


def test_vowel_points_are_left_out() -> None:
    for pointed, plain in (("שָׁלוֹם", "שלום"), ("كُوب", "كوب")):
        np.testing.assert_array_equal(written(pointed), written(plain))


def test_brackets_turn_with_it() -> None:
    around, alone = written("(ב)"), written("(")
    place = np.nonzero(alone.max(0))[0]
    left = around[:, : place.max() + 1]
    assert likeness(left, alone) > likeness(left, np.fliplr(alone))


def test_hebrew_runs_from_right_to_left() -> None:
    first, both = written("כ"), written("כוס")
    place = np.nonzero(both.max(0))[0]
    width = np.ptp(np.nonzero(first.max(0))[0])
    assert likeness(both[:, place.max() - width :], first) > 0.8, "its first letter is at the right"


def test_a_long_name_is_cut_at_its_end() -> None:
    for name in ("مفاتيحي " * 10, "keys " * 10):
        cut = np.nonzero(written(name, 300).max(0))[0]
        assert 200 < np.ptp(cut) <= 300
    right = np.nonzero(written("مفاتيحي " * 10, 300).max(0))[0].max()
    first = np.nonzero(written("مفاتيحي").max(0))[0]
    start = written("مفاتيحي " * 10, 300)[:, right - np.ptp(first) : right + 1]
    assert likeness(start, written("مفاتيحي")) > 0.8, "where an Arabic name begins"
