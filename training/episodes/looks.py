"""What composites show: rendered objects and pieces of photos, and their near-duplicates.

A thing gives views of itself, (h, w, 4) uint8 with premultiplied alpha. Near-duplicates share the
shape and differ in colour alone, or in pattern alone, so that neither may be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

View = np.ndarray  # (h, w, 4) uint8, premultiplied
Look = Callable[[View, np.random.Generator], View]


@dataclass(frozen=True)
class Sprite:
    """Views of one object from all sides, and how it is repainted."""

    key: str  # equal: the same to the eye, but for the look
    views: np.ndarray | tuple[View, ...]  # V of them
    look: Look

    def view(self, rng: np.random.Generator) -> View:
        return self.look(np.asarray(self.views[rng.integers(len(self.views))]), rng)


def as_it_is(view: View, rng: np.random.Generator) -> View:
    return view


@dataclass(frozen=True)
class Paint:
    """One colour, in the thing's own light; at a `cover` of 1 nothing else is left of it."""

    hue: float  # degrees
    saturation: float
    cover: float

    def __call__(self, view: View, rng: np.random.Generator) -> View:
        colour = _colour(self.hue, self.saturation)
        alpha = view[..., 3:].astype(np.float32)
        light = view[..., :3].mean(2, keepdims=True) * 0.85 + alpha * 0.25
        rgb = (1 - self.cover) * view[..., :3] + self.cover * light * colour
        return _packed(rgb, alpha)


@dataclass(frozen=True)
class HueTurn:
    """Every colour turned around the grey axis; a linear mix whose rows sum to 1."""

    degrees: float

    def __call__(self, view: View, rng: np.random.Generator) -> View:
        c, s = np.cos(np.deg2rad(self.degrees)), np.sin(np.deg2rad(self.degrees))
        third, root = (1 - c) / 3, s / np.sqrt(3)
        turn = np.array(
            [
                [c + third, third - root, third + root],
                [third + root, c + third, third - root],
                [third - root, third + root, c + third],
            ]
        )
        return _packed(view[..., :3].astype(np.float32) @ turn.T, view[..., 3:])


@dataclass(frozen=True)
class Pattern:
    """A picture all over the thing, with its own light and shade, in colours given from outside."""

    picture: np.ndarray  # (S, S, 3) float, mean 0 and deviation 1
    mean: np.ndarray  # (3,) of the colours, shared by near-duplicates
    deviation: float

    def __call__(self, view: View, rng: np.random.Generator) -> View:
        h, w = view.shape[:2]
        side = len(self.picture)
        zoom, turn = max(h, w) / side * rng.uniform(1.2, 1.6), rng.uniform(-25, 25)
        shift = rng.uniform(-0.08, 0.08, 2) * side
        warp = cv2.getRotationMatrix2D((side / 2 + shift[0], side / 2 + shift[1]), turn, zoom)
        warp[:, 2] += np.array([w, h]) / 2 - side / 2
        laid = cv2.warpAffine(self.picture, warp, (w, h), borderMode=cv2.BORDER_REFLECT)
        alpha = view[..., 3:].astype(np.float32)
        own = cv2.GaussianBlur(view[..., :3].mean(2), (0, 0), 4)[..., None]
        covered = np.maximum(cv2.GaussianBlur(alpha, (0, 0), 4)[..., None], 1)
        light = own / covered
        light = np.clip(light / max(float(np.median(light[alpha > 128] if (alpha > 128).any()
                                                        else light)), 0.05), 0.4, 1.6)  # fmt: skip
        return _packed((self.mean + self.deviation * laid) * light * alpha / 255, alpha)


def colours(count: int, rng: np.random.Generator) -> list[Look]:
    """Looks of near-duplicates that differ in colour: at least 28 degrees of hue apart."""
    apart = rng.uniform(28, 360 / count)
    hues = rng.uniform(0, 360) + apart * np.arange(count)
    if rng.random() < 0.7:
        saturation, cover = rng.uniform(0.45, 1), rng.uniform(0.6, 1)
        return [Paint(float(hue), saturation, cover) for hue in hues]
    return [HueTurn(float(hue)) for hue in hues]


def patterns(pictures: list[np.ndarray], rng: np.random.Generator) -> list[Look]:
    """Looks of near-duplicates that differ in pattern: one picture each, in the same colours."""
    mean, deviation = rng.uniform(60, 200, 3), float(rng.uniform(25, 60))
    return [Pattern(_normal(picture), mean, deviation) for picture in pictures]


def has_colour(view: View) -> bool:
    """Whether turning hues would show."""
    inside = view[view[..., 3] > 200][:, :3].astype(int)
    return len(inside) > 0 and float(np.ptp(inside, axis=1).mean()) > 40


def _normal(picture: np.ndarray) -> np.ndarray:
    values = picture.astype(np.float32)
    return (values - values.mean((0, 1))) / (values.std() + 1)


def _colour(hue: float, saturation: float) -> np.ndarray:
    """(3,) in [0, 1], of full value."""
    angles = (hue / 60 + np.array([5, 3, 1])) % 6
    return 1 - saturation * np.clip(np.minimum(angles, 4 - angles), 0, 1)


def _packed(rgb: np.ndarray, alpha: np.ndarray) -> View:
    """Colours brought back into what their alpha allows."""
    return np.concatenate([np.clip(rgb, 0, alpha), alpha], 2).astype(np.uint8)
