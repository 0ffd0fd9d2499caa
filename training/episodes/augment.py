"""Pasting things into frames, and what a camera then does to them: the pixels of made-up episodes.

Everything is 8-bit sRGB, a thing is RGBA with premultiplied alpha. Randomness is an argument. What
is pasted where, and what an episode asks, is `photos` and `composites`.
"""

from __future__ import annotations

import cv2
import numpy as np

from model.frames import SIDE

NOISE_SIDE = 512
NOISE = np.random.default_rng(0).normal(size=(NOISE_SIDE, NOISE_SIDE, 3)).astype(np.float32)
SKINS = np.array([[236, 198, 173], [214, 160, 125], [172, 118, 84], [112, 72, 50], [76, 50, 38]])


def paste(frame: np.ndarray, thing: np.ndarray, centre: np.ndarray, size: float, turn: float,
          stretch: float = 1.0) -> None:  # fmt: skip
    """Lay a thing (h, w, 4) on a frame (S, S, 3), in place: its longer side `size` pixels, turned.

    centre: (x, y) in pixels; turn in degrees; stretch: its width over its height, as a factor.
    """
    h, w = thing.shape[:2]
    shrink = size / max(h, w)
    if shrink < 0.7:  # area averaging first: sampling alone would alias
        thing = cv2.resize(
            thing,
            (max(round(w * shrink), 1), max(round(h * shrink), 1)),
            None,
            0,
            0,
            cv2.INTER_AREA,
        )
        h, w = thing.shape[:2]
        shrink = size / max(h, w)
    a = np.deg2rad(turn)
    wide = stretch**0.5
    linear = (
        shrink
        * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        @ np.diag([wide, 1 / wide])
    )
    offset = centre - linear @ (w / 2, h / 2)
    layer = cv2.warpAffine(
        thing, np.column_stack([linear, offset]), (frame.shape[1], frame.shape[0]),
        flags=cv2.INTER_LINEAR,
    )  # fmt: skip
    blend(frame, layer)


def blend(frame: np.ndarray, layer: np.ndarray) -> None:
    """A premultiplied RGBA layer over a frame, in place."""
    alpha = layer[..., 3:].astype(np.uint16)
    under = (frame * (255 - alpha) + 127) // 255
    np.minimum(under + layer[..., :3], 255, out=frame, casting="unsafe")


def premultiplied(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 and (h, w) in [0, 1] -> (h, w, 4) uint8."""
    colours = rgb * alpha[..., None]
    return np.dstack([colours, 255 * alpha]).round().astype(np.uint8)


def mask(shape: str, side_y: int, side_x: int, soft: float) -> np.ndarray:
    """(side_y, side_x) alpha in [0, 1] of a `box`, `round` box or `oval`, with a soft edge."""
    y, x = np.mgrid[-1 : 1 : side_y * 1j, -1 : 1 : side_x * 1j]
    power = {"box": 40, "round": 6, "oval": 2}[shape]
    radius = (np.abs(x) ** power + np.abs(y) ** power) ** (1 / power)
    return np.clip((1 - radius) / soft, 0, 1).astype(np.float32)


def plain_ground(rng: np.random.Generator) -> np.ndarray:
    """(S, S, 3) a table or a wall: one colour, mostly pale, with a slow shade across it."""
    grey = rng.uniform(40, 250) if rng.random() < 0.5 else rng.uniform(190, 255)
    colour = grey + rng.normal(0, 12, 3)
    ramp = np.linspace(-1, 1, SIDE)
    angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0, 30)
    shade = depth * (np.cos(angle) * ramp[:, None] + np.sin(angle) * ramp[None])
    return np.clip(colour + shade[..., None], 0, 255).astype(np.uint8)


def cropped(image: np.ndarray, rng: np.random.Generator, least: float) -> np.ndarray:
    """A random square of an image (H, W, 3), at least `least` of its shorter side, as (S, S, 3)."""
    height, width = image.shape[:2]
    side = round(min(height, width) * rng.uniform(least, 1))
    top, left = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
    square = image[top : top + side, left : left + side]
    if rng.random() < 0.5:
        square = square[:, ::-1]
    return cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def add_hand(frame: np.ndarray, centre: np.ndarray, size: float, rng: np.random.Generator) -> None:
    """An arm from the frame's edge whose fingers hold a thing of `size` pixels, in place."""
    skin = SKINS[rng.integers(len(SKINS))] * rng.uniform(0.75, 1.1)
    layer = np.zeros((*frame.shape[:2], 4), np.uint8)
    angle = rng.uniform(0, 2 * np.pi)
    out = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-out[1], out[0]])
    wrist = centre + out * size * rng.uniform(1.0, 1.6)
    for offset in rng.uniform(-0.55, 0.55, rng.integers(2, 5)):
        tip = centre + out * size * rng.uniform(0.15, 0.45) + across * size * offset
        shade = np.clip(skin * rng.uniform(0.85, 1.1), 0, 255)
        thick = max(round(size * rng.uniform(0.12, 0.22)), 2)
        start, end = (tuple(int(v) for v in p) for p in (wrist, tip))
        cv2.line(layer, start, end, (*shade.tolist(), 255), thick, cv2.LINE_AA)
    palm, elbow = (tuple(int(v) for v in p) for p in (wrist, wrist + out * 2 * SIDE))
    shade = np.clip(skin, 0, 255).tolist()
    wide = max(round(size * rng.uniform(0.35, 0.55)), 2)
    cv2.circle(layer, palm, wide, (*shade, 255), -1)
    cv2.line(layer, palm, elbow, (*shade, 255), round(1.4 * wide), cv2.LINE_AA)
    soft = cv2.GaussianBlur(layer, (0, 0), 1.2)
    blend(frame, soft)


def camera_augment(
    frame: np.ndarray, rng: np.random.Generator, moving: float = 0.5, gamma: float = 0.18,
    exposure: float = 0.12, white: float = 0.04,
) -> np.ndarray:  # fmt: skip
    """What a camera makes of a scene (S, S, 3): tone, white balance, blur, noise, JPEG.

    gamma, exposure, white: log standard deviations, mild enough that two colours stay two objects;
    moving: probability of motion blur.
    """
    levels = np.linspace(0, 1, 256)[:, None] ** np.exp(rng.normal(0, gamma))
    levels = levels * np.exp(rng.normal(0, exposure) + rng.normal(0, white, 3))  # (256, 3)
    frame = cv2.LUT(frame, np.clip(255 * levels, 0, 255).astype(np.uint8)[:, None])
    if rng.random() < moving:
        frame = _motion(frame, rng)
    if rng.random() < 0.5:
        top, left = rng.integers(0, NOISE_SIDE - SIDE, 2)
        grain = NOISE[top : top + SIDE, left : left + SIDE] * rng.uniform(1, 7)
        frame = np.clip(frame + grain, 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        quality = int(rng.integers(30, 91))
        _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
        frame = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return frame


def _motion(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Averaged along a short line, as a shaking hand does."""
    length, angle = rng.uniform(1, 9), rng.uniform(0, np.pi)
    kernel = np.zeros((11, 11), np.float32)
    reach = length / 2 * np.array([np.cos(angle), np.sin(angle)])
    start, end = (tuple(int(v) for v in (5 + s * reach) * 16) for s in (-1, 1))
    cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA, 4)
    return cv2.filter2D(frame, -1, kernel / kernel.sum())
