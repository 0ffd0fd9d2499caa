"""What is pasted: blending, paint, pieces of photos and pictures that are cut out already."""

import colorsys
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.errors import InputError
from training.episodes.augment import blend, camera_augment, cropped, mask, paste, plain_ground
from training.episodes.looks import HueTurn, Paint, colours, has_colour, patterns
from training.episodes.photos import cut_out, patch, ready_cut

SIDE = 224


def disc(colour: tuple[int, int, int] = (150, 150, 150)) -> np.ndarray:
    view = np.zeros((64, 64, 4), np.uint8)
    cv2.circle(view, (32, 32), 28, (*colour, 255), -1)
    return view


def hue_of(view: np.ndarray) -> float:
    r, g, b = view[view[..., 3] == 255][:, :3].mean(0) / 255
    return 360 * colorsys.rgb_to_hsv(r, g, b)[0]


def test_blending_is_premultiplied_alpha_pixel_by_pixel() -> None:
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (5, 6, 3)).astype(np.uint8)
    alpha = rng.integers(0, 256, (5, 6, 1))
    layer = np.concatenate([rng.integers(0, 256, (5, 6, 3)) * alpha // 255, alpha], 2)
    expected = layer[..., :3] + (1 - alpha / 255) * frame
    blended = frame.copy()
    blend(blended, layer.astype(np.uint8))
    assert np.abs(blended - np.minimum(expected, 255)).max() <= 1


@pytest.mark.parametrize("size", [24.0, 60.0, 150.0])
def test_a_thing_is_pasted_where_and_as_large_as_asked(size: float) -> None:
    frame, centre = np.zeros((SIDE, SIDE, 3), np.uint8), np.array([90.0, 120.0])
    paste(frame, disc(), centre, size, turn=30.0)
    rows, columns = np.nonzero(frame.max(2) > 75)
    assert columns.mean() == pytest.approx(90, abs=1.5)
    assert rows.mean() == pytest.approx(120, abs=1.5)
    for seen in (rows, columns):  # the disc fills 57 of its 64 pixels
        assert np.ptp(seen) + 1 == pytest.approx(size * 57 / 64, abs=2.5)


def test_masks_are_whole_inside_and_empty_outside() -> None:
    for shape, corner in (("box", 0.5), ("round", 0.0), ("oval", 0.0)):
        alpha = mask(shape, 40, 60, 0.05)
        assert alpha.shape == (40, 60) and alpha.min() >= 0 and alpha.max() <= 1
        assert alpha[20, 30] == 1 and alpha[0, 0] <= corner
    assert mask("box", 40, 60, 0.05).mean() > mask("round", 40, 60, 0.05).mean()
    assert mask("oval", 400, 600, 0.01).mean() == pytest.approx(np.pi / 4, abs=0.02)


def test_a_picture_on_transparent_ground_is_trimmed_and_premultiplied(tmp_path: Path) -> None:
    picture = np.full((400, 600, 4), (10, 100, 200, 0), np.uint8)  # BGRA; colour under nothing
    picture[50:350, 20:580, 3] = 255
    picture[50:350, 20:300, 3] = 128
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    view = ready_cut(tmp_path / "a.png")
    assert view.shape == (120, SIDE, 4)
    assert np.abs(view[60, 200].astype(int) - (200, 100, 10, 255)).max() <= 1
    assert np.abs(view[60, 20].astype(int) - (100, 50, 5, 128)).max() <= 1


@pytest.mark.parametrize("channels, what", [(3, "transparent ground"), (4, "transparent all over")])
def test_pictures_that_cannot_be_pasted_are_named(channels: int, what: str, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((20, 20, channels), np.uint8))
    with pytest.raises(InputError, match=rf"b\.png .*{what}"):
        ready_cut(tmp_path / "b.png")


def test_the_camera_and_the_grounds_depend_on_their_generator_alone() -> None:
    image = np.random.default_rng(0).integers(0, 256, (70, 90, 3)).astype(np.uint8)
    for seed in range(4):
        made = []
        for _ in range(2):
            rng = np.random.default_rng(seed)
            made.append([plain_ground(rng), cropped(image, rng, 0.5),
                         camera_augment(cropped(image, rng, 1.0), rng)])  # fmt: skip
        for a, b in zip(*made, strict=True):
            assert a.shape == (SIDE, SIDE, 3) and a.dtype == np.uint8
            assert np.array_equal(a, b)


def test_paint_has_the_hue_that_was_asked_for_and_keeps_the_shape() -> None:
    rng = np.random.default_rng(0)
    for hue in (0.0, 75.0, 200.0, 330.0):
        painted = Paint(hue, 0.8, 1.0)(disc(), rng)
        assert np.array_equal(painted[..., 3], disc()[..., 3])
        assert (painted[..., :3] <= painted[..., 3:]).all()
        assert abs((hue_of(painted) - hue + 180) % 360 - 180) < 2
    assert has_colour(Paint(0, 0.8, 1.0)(disc(), rng)) and not has_colour(disc())


def test_turning_hues_is_a_rotation_around_grey() -> None:
    rng = np.random.default_rng(0)
    coloured = disc((60, 110, 160))
    assert np.abs(HueTurn(360)(coloured, rng).astype(int) - coloured).max() <= 1
    third = HueTurn(120)(coloured, rng)[32, 32].astype(int)
    assert sorted(third[:3]) == pytest.approx([60, 110, 160], abs=1) and third[0] != 60
    assert np.abs(HueTurn(77)(disc(), rng).astype(int) - disc()).max() <= 1


def test_near_duplicates_differ_in_colour_by_28_degrees_or_in_pattern_alone() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        count = int(rng.integers(2, 6))
        looks = colours(count, rng)
        hues = sorted((look.hue if isinstance(look, Paint) else look.degrees) % 360
                      for look in looks if isinstance(look, Paint | HueTurn))  # fmt: skip
        assert len(hues) == count
        gaps = np.diff([*hues, hues[0] + 360])
        assert gaps.min() >= 28 - 1e-9
    pictures = [rng.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8) for _ in range(3)]
    pictures = [cv2.GaussianBlur(picture, (0, 0), 12) for picture in pictures]
    made = [look(disc(), rng) for look in patterns(pictures, rng)]
    for other in made[1:]:
        assert np.array_equal(other[..., 3], made[0][..., 3])
        assert not np.array_equal(other, made[0])


def test_pieces_of_photos_are_premultiplied_things(tmp_path: Path) -> None:
    image = np.full((SIDE, SIDE, 3), 235, np.uint8)
    cv2.circle(image, (112, 112), 50, (30, 30, 220), -1)
    image = (image + np.random.default_rng(0).integers(0, 12, image.shape)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "ball.png"), image[..., ::-1])
    ball = cut_out(tmp_path / "ball.png")
    assert ball is not None
    assert max(ball.shape[:2]) == pytest.approx(101, abs=12)
    assert tuple(ball[ball.shape[0] // 2, ball.shape[1] // 2, :3] // 64) == (0, 0, 3)
    for seed in range(5):
        piece = patch(image, np.random.default_rng(seed))
        for thing in (piece, ball):
            assert thing.ndim == 3 and thing.shape[2] == 4
            assert (thing[..., :3].astype(int) <= thing[..., 3:].astype(int) + 1).all()
    cv2.imwrite(str(tmp_path / "plain.png"), np.full((SIDE, SIDE, 3), 99, np.uint8))
    assert cut_out(tmp_path / "plain.png") is None
