"""Photos, from disk and from the camera: upright, in RGB, of any depth, or refused in words."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from model.errors import InputError
from model.frames import decode_jpeg, read_clip, square


def _photo() -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise.repeat(40, 0).repeat(40, 1))  # 320 x 240


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
def test_a_photo_is_turned_as_its_exif_says(ending: str, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    path = tmp_path / f"photo.{ending}"
    _photo().save(path, exif=exif, quality=95)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))

    (got,) = read_clip(path)

    assert np.abs(got.astype(int) - square(upright)).mean() < 2


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("ending", ["png", "webp"])
def test_white_shines_through_a_transparent_photo(
    ending: str, orientation: int, tmp_path: Path
) -> None:
    photo, exif = _photo().convert("RGBA"), Image.Exif()
    photo.putalpha(Image.linear_gradient("L").resize(photo.size))
    exif[0x112] = orientation
    path = tmp_path / f"cut_out.{ending}"
    photo.save(path, exif=exif, lossless=True, exact=True)
    white = Image.new("RGBA", photo.size, "white")
    white.alpha_composite(photo)
    upright = np.rot90(np.asarray(white.convert("RGB")), -1 if orientation == 6 else 0)

    (got,) = read_clip(path)

    assert np.abs(got.astype(int) - square(upright)).max() <= 2


def test_photos_of_other_depths_and_colours(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 256 * 256).reshape(256, 256).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "grey16.png"), ramp)
    opaque = np.full((256, 256, 4), 65535, np.uint16)
    opaque[..., :3] = ramp[..., None]
    cv2.imwrite(str(tmp_path / "alpha16.png"), opaque)
    eight = Image.fromarray((ramp >> 8).astype(np.uint8))
    eight.save(tmp_path / "grey.jpg", quality=100)
    eight.convert("P").save(tmp_path / "palette.png")
    eight.convert("LA").save(tmp_path / "grey_alpha.png")
    eight.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=100)
    eight.convert("RGB").save(tmp_path / "progressive.jpg", progressive=True, quality=100)
    expected = square(np.asarray(eight.convert("RGB"))).astype(int)
    for path in sorted(tmp_path.iterdir()):
        assert np.abs(read_clip(path)[0] - expected).max() <= 4, path.name


def _jpeg(width: int, height: int) -> bytes:
    return cv2.imencode(".jpg", np.full((height, width, 3), (10, 20, 200), np.uint8))[1].tobytes()


def test_decode_jpeg_gives_rgb() -> None:
    frame = decode_jpeg(_jpeg(32, 20))
    assert frame.shape == (20, 32, 3) and frame.dtype == np.uint8
    assert np.abs(frame[10, 16].astype(int) - (200, 20, 10)).max() <= 3
    assert decode_jpeg(_jpeg(2048, 2048)).shape == (2048, 2048, 3)


def test_decode_jpeg_refuses_rubbish_and_oversize_in_words() -> None:
    png = io.BytesIO()
    _photo().save(png, "PNG")
    whole = _jpeg(640, 480)
    rubbish = [
        b"",
        b"\xff\xd8\xff",
        b"\0" * 99,
        png.getvalue(),
        whole[: len(whole) // 2],
        whole[:200],
    ]
    for data in rubbish:
        with pytest.raises(InputError, match=r"^The camera's picture is not a whole JPEG; reload"):
            decode_jpeg(data)
    with pytest.raises(InputError, match=r"has 2049 x 2048 pixels; send at most 4\.2 million\.$"):
        decode_jpeg(_jpeg(2049, 2048))
    lies = bytearray(_jpeg(64, 64))
    at = lies.index(b"\xff\xc0") + 5
    lies[at : at + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(InputError, match="has 65535 x 65535 pixels"):
        decode_jpeg(bytes(lies))
