"""A picture is shown as a browser shows it: its colours, its transparency, its movement."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from model.errors import InputError
from model.frames import read_clip, square, stream
from tests.model.icc import profile
from tests.model.media import number_of, numbered

SWAPPED = profile(("green", "red", "blue"))  # what it calls red is green
COLOUR = (200, 90, 40)
KINDS: dict[str, dict[str, Any]] = {
    "jpg": {"quality": 100, "subsampling": 0},
    "png": {},
    "webp": {"lossless": True},
    "avif": {"quality": 100},
    "heic": {"quality": 100},
}


def save(image: Image.Image, path: Path, **more: Any) -> Path:
    options = {**KINDS[path.suffix[1:]], **more}
    if path.suffix == ".heic":
        pillow_heif.from_pillow(image).save(path, **options)
    else:
        image.save(path, **options)
    return path


def shown(path: Path) -> np.ndarray:
    (frame,) = read_clip(path)
    return frame[100, 100].astype(int)


@pytest.mark.parametrize("kind", KINDS)
def test_colours_are_those_of_the_profile(kind: str, tmp_path: Path) -> None:
    image = Image.new("RGB", (224, 224), COLOUR)
    plain = shown(save(image, tmp_path / f"plain.{kind}"))
    swapped = shown(save(image, tmp_path / f"swapped.{kind}", icc_profile=SWAPPED))
    assert np.abs(plain - COLOUR).max() <= 6
    assert np.abs(swapped - (COLOUR[1], COLOUR[0], COLOUR[2])).max() <= 10


def test_profiles_of_grey_pictures_palettes_and_pictures_with_alpha(tmp_path: Path) -> None:
    dark = profile(None, gamma=1.0)  # linear light: a middle grey is shown brighter
    grey = Image.new("L", (224, 224), 60)
    grey.save(tmp_path / "grey.png", icc_profile=dark)
    assert 125 <= shown(tmp_path / "grey.png")[0] <= 140
    image = Image.new("RGB", (224, 224), COLOUR)
    right = (COLOUR[1], COLOUR[0], COLOUR[2])
    image.quantize(4).save(tmp_path / "palette.png", icc_profile=SWAPPED)
    image.convert("RGBA").save(tmp_path / "alpha.png", icc_profile=SWAPPED)
    for name in ("palette.png", "alpha.png"):
        assert np.abs(shown(tmp_path / name) - right).max() <= 10, name


@pytest.mark.parametrize("data", [b"no profile", SWAPPED[:150], profile(None)])
def test_a_profile_that_does_not_fit_is_left_out(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (224, 224), (90, 90, 90)).save(path, quality=100, icc_profile=data)
    assert np.abs(shown(path) - 90).max() <= 6


def test_white_shines_through_every_kind_of_transparency(tmp_path: Path) -> None:
    half = np.zeros((224, 224), np.uint8)
    half[:, 112:] = 77
    grey, deep = Image.fromarray(half), Image.fromarray(half.astype(np.uint16) * 257)
    palette = grey.convert("P")
    grey.save(tmp_path / "grey.png", transparency=77)
    palette.save(tmp_path / "palette.png", transparency=palette.getpixel((200, 0)))
    palette.save(tmp_path / "palette.gif", transparency=palette.getpixel((200, 0)))
    grey.convert("RGB").save(tmp_path / "rgb.png", transparency=(77, 77, 77))
    deep.save(tmp_path / "deep.png", transparency=77 * 257)
    grey.putalpha(Image.fromarray(255 - half // 77 * 255))
    grey.save(tmp_path / "grey_alpha.png")
    for kind in ("webp", "avif", "heic"):
        save(grey.convert("RGBA"), tmp_path / f"alpha.{kind}")
    for path in sorted(tmp_path.iterdir()):
        (frame,) = read_clip(path)
        assert frame[:, :104].max() <= 6 and frame[:, 120:].min() >= 250, path.name


@pytest.mark.parametrize("ending", ["gif", "png", "webp", "avif"])
def test_moving_pictures_are_clips_at_their_own_times(ending: str, tmp_path: Path) -> None:
    path, lasting = tmp_path / f"a.{ending}", [200, 50, 300, 100, 80]
    first, *others = [Image.fromarray(numbered(i)) for i in range(5)]
    more: dict[str, Any] = {"lossless": True} if ending == "webp" else {}
    first.save(path, save_all=True, append_images=others, duration=lasting, **more)
    times, frames = zip(*stream(path), strict=True)
    assert [number_of(frame) for frame in frames] == list(range(5))
    assert np.allclose(times, np.cumsum([0, *lasting[:-1]]) / 1000, atol=0.011)
    assert [number_of(frame) for frame in read_clip(path)] == list(range(5))


def test_a_moving_picture_that_is_cut_off_gives_the_frames_that_are_left(tmp_path: Path) -> None:
    frames = [Image.fromarray(numbered(i)) for i in range(30)]
    for ending in ("gif", "png"):
        path = tmp_path / f"a.{ending}"
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=40)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert 5 <= sum(1 for _ in stream(path)) <= 25, ending


def test_a_photo_with_more_pictures_in_it_is_one_photo(tmp_path: Path) -> None:
    frames = [Image.fromarray(numbered(i)) for i in range(3)]
    frames[0].save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=frames[1:])
    heif = pillow_heif.from_pillow(frames[0])
    heif.add_from_pillow(frames[1])
    heif.save(tmp_path / "a.heic")
    for path in sorted(tmp_path.iterdir()):
        assert [number_of(frame) for frame in read_clip(path)] == [0], path.name
        with pytest.raises(InputError, match="is a photo; give a video here"):
            next(stream(path))


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_an_iphones_photo_is_turned_once(orientation: int, tmp_path: Path) -> None:
    across = np.linspace(0, 255, 240 * 320 * 3).reshape(240, 320, 3).astype(np.uint8)
    exif = Image.Exif()
    exif[0x112] = orientation
    for kind in ("heic", "avif"):
        path = save(Image.fromarray(across), tmp_path / f"a.{kind}", exif=exif.tobytes())
        turns = {1: 0, 3: 2, 6: -1, 8: 1}[orientation]
        right = square(np.ascontiguousarray(np.rot90(across, turns)))
        assert np.abs(read_clip(path)[0].astype(int) - right).mean() < 4, kind


def test_a_photo_is_read_whatever_its_name_says(tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.fromarray(numbered(6)).save(data, "JPEG", quality=95)
    for name in ("a.jfif", "a.txt", "a.mov", "a"):
        (tmp_path / name).write_bytes(data.getvalue())
        assert number_of(read_clip(tmp_path / name)[0]) == 6


def test_a_cut_off_iphone_photo_is_refused_in_words(tmp_path: Path) -> None:
    path = save(Image.fromarray(numbered(6)), tmp_path / "a.heic")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"^a\.heic is damaged or was cut off; take or copy"):
        read_clip(path)
