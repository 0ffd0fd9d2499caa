"""Photos and moving pictures -> frames, by Pillow: upright, in sRGB, on white.

JPEG, PNG, GIF, WebP and AVIF by Pillow, HEIC (an iPhone's photo) by pillow-heif. A GIF and an
animated PNG, WebP or AVIF are clips; a photo that carries others (burst, gain map) is one photo.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pillow_heif
from PIL import Image, ImageCms, ImageOps
from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from model.errors import InputError
from model.media.kinds import MAX_PHOTO_PIXELS, Decoded, check_frame, name_of

# Opened by these and not by `Image.open`, which refuses a large picture before its size is known.
READERS: dict[str, Any] = {
    "jpeg": JpegImageFile,
    "png": PngImageFile,
    "gif": GifImageFile,
    "webp": WebPImageFile,
    "avif": AvifImageFile,
    "heif": pillow_heif.open_heif,
}
MAY_MOVE = ("png", "webp", "avif")
STEP = 0.1  # seconds for which a frame stands that does not say how long, as in browsers
SRGB = ImageCms.createProfile("sRGB")
PROFILE_MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}  # a profile's colours, Pillow's mode


def moves(path: Path, kind: str) -> bool:
    """Whether a picture is a clip: any GIF, and what holds several frames in time."""
    if kind not in MAY_MOVE:
        return kind == "gif"
    with _opened(path, kind) as image:
        return image.is_animated


def frames(path: Path, kind: str) -> Generator[Decoded]:
    """The frames of a clip, until it ends or breaks off, or the one of a photo, at 0 s.

    Raises InputError if the picture is too large or its first frame is damaged.
    """
    with _opened(path, kind) as image:
        if kind == "gif" or (kind in MAY_MOVE and image.is_animated):
            yield from _moving(path, image)
            return
        width, height = image.size
        if width * height > MAX_PHOTO_PIXELS:
            raise InputError(
                f"{name_of(path)} has {width} x {height} pixels, more than the "
                f"{MAX_PHOTO_PIXELS / 1e6:.0f} million of a photo; save it smaller."
            )
        with _damage(path):
            photo = shown(image.to_pillow() if kind == "heif" else image)
        yield Decoded(0.0, width * height, lambda: photo)


def read_jpeg(data: bytes, max_pixels: int) -> np.ndarray:
    """One frame (H, W, 3) from the page; InputError unless it is a whole JPEG of so many pixels."""
    with _reading("The camera's picture is not a whole JPEG; reload the page and try again."):
        image = JpegImageFile(io.BytesIO(data))
    width, height = image.size
    if width * height > max_pixels:
        raise InputError(
            f"The camera's picture has {width} x {height} pixels; send at most "
            f"{max_pixels / 1e6:.1f} million."
        )
    with _reading("The camera's picture is not a whole JPEG; reload the page and try again."):
        return np.asarray(image.convert("RGB"))


def read_png(data: bytes, side: int) -> np.ndarray:
    """One kept frame (side, side, 3) uint8 RGB; InputError unless it is a whole PNG of that."""
    refusal = f"a frame is no whole PNG of {side} x {side} pixels in RGB"
    with _reading(refusal):
        image = PngImageFile(io.BytesIO(data))
        if image.size != (side, side) or image.mode != "RGB":
            raise InputError(refusal)
        return np.asarray(image)


def write_png(frame: np.ndarray) -> bytes:
    """A frame (H, W, 3) uint8 RGB as a PNG, without loss."""
    return cv2.imencode(".png", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))[1].tobytes()


def shown(image: Image.Image) -> np.ndarray:
    """A picture as a person sees it: (H, W, 3) uint8 sRGB, upright, on white.

    A profile that cannot be applied is left out, as browsers do.
    """
    image = ImageOps.exif_transpose(image)
    alpha = None
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow's conversions cut off or clip
        deep = np.asarray(image).astype(np.int64)
        hidden = image.info.get("transparency")
        if isinstance(hidden, int):
            alpha = Image.fromarray(np.where(deep == hidden, 0, 255).astype(np.uint8))
        profile = image.info.get("icc_profile")
        image = Image.fromarray((deep.clip(0, 65535) // 257).astype(np.uint8))
        image.info["icc_profile"] = profile
    elif image.has_transparency_data:
        profile = image.info.get("icc_profile")
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        image.info["icc_profile"] = profile
    colours = _in_srgb(image)
    if alpha is None:
        return np.asarray(colours)
    ground = Image.new("RGB", colours.size, "white")
    ground.paste(colours, mask=alpha)
    return np.asarray(ground)


def _in_srgb(image: Image.Image) -> Image.Image:
    """The picture in RGB, converted from the colours of its profile if it has one."""
    data = image.info.get("icc_profile")
    if not data:
        return image.convert("RGB")
    try:
        profile: Any = ImageCms.getOpenProfile(io.BytesIO(data))
        mode = PROFILE_MODES[profile.profile.xcolor_space.strip()]
        if (mode == "CMYK") != (image.mode == "CMYK"):
            return image.convert("RGB")
        converted = ImageCms.profileToProfile(image.convert(mode), profile, SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, KeyError, OSError, TypeError):
        return image.convert("RGB")
    return converted or image.convert("RGB")


def _moving(path: Path, image: Any) -> Iterator[Decoded]:
    time_s, number = 0.0, 0
    while True:
        try:
            with _damage(path):
                image.seek(number)
                check_frame(name_of(path), *image.size)
                image.load()
        except EOFError:
            return
        except InputError as error:
            if number and isinstance(error.__cause__, Exception):  # damaged: what was shown stands
                return
            raise
        pixels = image.size[0] * image.size[1]
        yield Decoded(time_s, pixels, lambda: shown(image))
        number += 1
        time_s += (image.info.get("duration") or 0) / 1000 or STEP


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[Any]:
    """The picture, its header read: an image of Pillow's, or a HeifFile."""
    with path.open("rb") as file:
        with _damage(path):
            image = READERS[kind](file)
        yield image


def _damage(path: Path) -> Any:
    return _reading(f"{name_of(path)} is damaged or was cut off; take or copy the photo again.")


@contextmanager
def _reading(refusal: str) -> Iterator[None]:
    """Raise InputError with this sentence for whatever a reader stumbles over."""
    try:
        yield
    except (InputError, EOFError, MemoryError):
        raise
    except Exception as error:  # Pillow's readers have no error of their own for a damaged file
        raise InputError(refusal) from error
