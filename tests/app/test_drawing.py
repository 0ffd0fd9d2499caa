"""Drawing: bars as long as they should be, colours that stay, names that fit."""

from dataclasses import replace

import numpy as np
import pytest

from app.naming.drawing import COLOURS, MAX_SIDE, MIN_SIDE, annotate, shown_size, thumbnail
from app.naming.sight import Sight

GREY = np.full((240, 320, 3), 128, np.uint8)


def bar(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    """Pixels of that colour."""
    return int((np.abs(picture.astype(int) - colour).max(2) < 3).sum())


def test_bars_are_as_long_as_the_probabilities() -> None:
    picture = annotate(GREY, ("mug", "keys", "pen"), Sight(np.array([0.6, 0.3, 0.1])))
    lengths = np.array([bar(picture, COLOURS[k]) for k in range(3)])
    np.testing.assert_allclose(lengths / lengths.sum(), [0.6, 0.3, 0.1], atol=0.03)
    assert (GREY == 128).all() and (picture[-100:] == 128).all(), "only the top is drawn on"


def test_a_thing_keeps_its_colour_whatever_its_place() -> None:
    picture = annotate(GREY, ("mug", "keys"), Sight(np.array([0.1, 0.9])))
    assert bar(picture, COLOURS[1]) > 5 * bar(picture, COLOURS[0])


def test_what_is_none_of_the_things_is_said_and_what_is_one_is_framed() -> None:
    seen = Sight(np.array([0.1, 0.9]), 0.2, (0.25, 0.25, 0.5, 0.5))
    picture = annotate(GREY, ("mug", "keys"), seen)
    assert (picture[60, 80:160] == COLOURS[1]).all(), "its upper edge"
    assert (picture[70:100, 90:150] == 128).all() and (picture[-50:] == 128).all()
    nothing = annotate(GREY, ("mug", "keys"), replace(seen, named=False))
    assert bar(nothing, COLOURS[0]) == bar(nothing, COLOURS[1]) == 0
    assert (nothing[:30] > 200).any(), "words at the top"
    arabic = annotate(GREY, ("mug", "keys"), replace(seen, named=False), "ar")
    assert (arabic[:30] > 200).any() and (arabic != nothing).any()


@pytest.mark.parametrize("shape", [(64, 64), (240, 32), (48, 640), (1080, 1920)])
@pytest.mark.parametrize("name", ["a" * 100, "キー", "مفاتيح" * 9, "🔑", "", "<b>&amp;"])
def test_any_name_fits_any_frame(shape: tuple[int, int], name: str) -> None:
    frame = np.zeros((*shape, 3), np.uint8)
    assert annotate(frame, (name, "x"), Sight(np.array([0.5, 0.5]))).shape == frame.shape


def test_thumbnails_are_small_pictures() -> None:
    url = thumbnail(np.full((224, 224, 3), 200, np.uint8))
    assert url.startswith("data:image/jpeg;base64,/9j/") and len(url) < 5000


def test_what_is_shown_is_even_and_neither_too_large_nor_too_small() -> None:
    assert shown_size(1081, 1921) == (540, 960) and shown_size(4096, 4096) == (MAX_SIDE, MAX_SIDE)
    assert shown_size(1, 8000) == (MIN_SIDE, MAX_SIDE) and shown_size(481, 640) == (480, 640)
