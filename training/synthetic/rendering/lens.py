"""From linear light to the frame a phone would have stored.

In the order a camera does it: focus, motion, exposure and white balance, sensor noise, tone curve,
sharpening, 8 bits. White balance and exposure stay mild: two colours must stay two objects.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

_GAMMA_TABLE_SIZE = 4096


@dataclass(frozen=True)
class Lens:
    """The settings of one clip. Lengths are shares of the picture's height."""

    exposure: float = 1.0  # gain on linear light
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    blur: float = 0.0  # sigma of all-over softness
    aperture: float = 0.0  # blur of what lies at infinity when the focus is on the object
    focus_m: float = 0.5
    shutter: float = 0.01  # seconds
    noise: float = 0.01  # of a mid grey, in the stored picture
    sharpen: float = 0.3
    contrast: float = 1.0  # exponent around mid grey, after gamma
    saturation: float = 1.0
    vignette: float = 0.1


def expose(lens: Lens, light: np.ndarray, key: float = 0.28) -> Lens:
    """The lens metered on a picture: mean tone at `key`, the bright parts unclipped."""
    tone = float(np.mean(np.minimum(light, 2.0) ** 0.5) ** 2)
    bright = float(np.percentile(light[::4, ::4].max(2), 95))
    gain = min(key / max(tone, 1e-3), 1.1 / max(bright, 1e-3))
    return replace(lens, exposure=lens.exposure * gain)


def develop(
    lens: Lens,
    light: np.ndarray,
    depth: np.ndarray,
    motion: tuple[float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """(H, W, 3) uint8 sRGB from linear light, depth and the picture's motion (px a second)."""
    height = light.shape[0]
    picture = _focus(lens, light, depth)
    picture = _shake(picture, motion[0] * lens.shutter, motion[1] * lens.shutter)
    if lens.blur * height > 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), lens.blur * height)
    picture = picture * np.array(lens.balance, np.float32) * np.float32(lens.exposure)
    picture *= _vignette(lens.vignette, picture.shape[1], height)
    picture = _with_noise(picture, lens.noise, rng)
    picture = _tone(lens, picture)
    if lens.sharpen > 0:
        soft = cv2.GaussianBlur(picture, (0, 0), max(height / 400, 0.7))
        picture = picture + lens.sharpen * (picture - soft)
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear 0 ... 1 to sRGB 0 ... 1, by table."""
    table = np.linspace(0, 1, _GAMMA_TABLE_SIZE)
    table = np.where(table < 0.0031308, 12.92 * table, 1.055 * table ** (1 / 2.4) - 0.055)
    index = (np.clip(linear, 0, 1) * (_GAMMA_TABLE_SIZE - 1) + 0.5).astype(np.int32)
    return table.astype(np.float32)[index]


def _tone(lens: Lens, picture: np.ndarray) -> np.ndarray:
    """Shoulder above 0.7, gamma, contrast, saturation."""
    start = np.float32(0.7)
    over = np.maximum(picture - start, 0) / (1 - start)
    picture = np.minimum(picture, start) + (1 - start) * (over / (1 + over))
    picture = encode_srgb(picture)
    picture = np.clip(0.5 + (picture - 0.5) * np.float32(lens.contrast), 0, 1)
    if lens.saturation != 1:
        grey = picture @ np.array([0.3, 0.59, 0.11], np.float32)
        picture = grey[..., None] + np.float32(lens.saturation) * (picture - grey[..., None])
    return picture


def _focus(lens: Lens, light: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Circle of confusion grows with |1/focus - 1/depth|; blended between three sharpnesses."""
    largest = lens.aperture * light.shape[0]
    if largest < 0.5:
        return light
    nearness = np.abs(1 / lens.focus_m - 1 / np.maximum(depth, 0.05)) * lens.focus_m
    wanted = np.minimum(cv2.GaussianBlur(nearness, (0, 0), 2), 1) * largest
    sharp = light
    for sigma in (largest / 3, largest):
        soft = cv2.GaussianBlur(light, (0, 0), sigma)
        share = np.clip(wanted / sigma, 0, 1)[..., None]
        sharp = sharp * (1 - share) + soft * share
    return sharp


def _shake(picture: np.ndarray, dx: float, dy: float) -> np.ndarray:
    """Blur along the way the picture moved while the shutter was open."""
    length = float(np.hypot(dx, dy))
    if length < 1.0:
        return picture
    half = min(int(np.ceil(length / 2)), 24)
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    scale = min(1.0, 2 * half / length)
    for t in np.linspace(-0.5, 0.5, 8 * half + 1):
        x, y = half + t * dx * scale, half + t * dy * scale
        kernel[min(max(round(y), 0), 2 * half), min(max(round(x), 0), 2 * half)] += 1
    return cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def _vignette(strength: float, width: int, height: int) -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return (1 - strength * (x * x + y * y) / 2).astype(np.float32)[..., None]


def _with_noise(picture: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Shot and read noise, the colour part blotchy, as a phone's denoiser leaves it."""
    if amount <= 0:
        return picture
    h, w = picture.shape[:2]
    fine = rng.standard_normal((h, w, 1), np.float32)
    coarse = rng.standard_normal((h // 3 + 1, w // 3 + 1, 3), np.float32)
    coarse = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_LINEAR)
    spread = np.float32(amount) * np.sqrt(np.maximum(picture, 0) * 0.18 + 0.002) * 2
    return picture + (fine + 0.6 * coarse) * spread
