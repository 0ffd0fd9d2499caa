"""The light of a room: a key light, sky and floor, two windows. Mild: colours stay apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SKY, _KEY = 28, 14  # directions from which a table's shadows are worked out


@dataclass(frozen=True)
class Light:
    """Directions point towards the light; colours are linear and add up to about 1 on a table."""

    key_direction: np.ndarray  # (3,)
    key_colour: np.ndarray  # (3,)
    key_radius: float  # radians: the larger, the softer its shadow
    sky: np.ndarray  # (3,)
    floor: np.ndarray  # (3,)
    window_directions: np.ndarray  # (2, 3)
    window_colours: np.ndarray  # (2, 3)


def direction(yaw: float, elevation: float) -> np.ndarray:
    a, e = np.radians(yaw), np.radians(elevation)
    return np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])


def _tint(rng: np.random.Generator, warmth: float) -> np.ndarray:
    """Colour of a lamp: warmth > 0 towards orange, < 0 towards blue; mean 1."""
    warm = warmth + rng.normal(0, 0.02)
    tint = np.array([1 + warm, 1 + rng.normal(0, 0.01), 1 - 1.2 * warm])
    return tint / tint.mean()


def random_light(rng: np.random.Generator) -> Light:
    hard = rng.uniform(0, 1) ** 1.5  # most rooms are lit softly
    yaw = rng.uniform(0, 360)
    lamp = _tint(rng, rng.uniform(-0.02, 0.12))
    day = _tint(rng, rng.uniform(-0.07, 0.04))
    key = direction(yaw, rng.uniform(35, 75))
    return Light(
        key_direction=key,
        key_colour=lamp * (0.25 + 0.65 * hard),
        key_radius=rng.uniform(0.05, 0.3) * (1.2 - hard),
        sky=day * rng.uniform(0.25, 0.5),
        floor=_tint(rng, 0.05) * rng.uniform(0.08, 0.22),
        window_directions=np.stack(
            [
                direction(yaw + rng.uniform(-40, 40), rng.uniform(15, 60)),
                direction(yaw + rng.uniform(90, 270), rng.uniform(10, 50)),
            ]
        ),
        window_colours=np.stack([day * rng.uniform(0.1, 0.5), lamp * rng.uniform(0.05, 0.3)]),
    )


def sky_directions() -> np.ndarray:
    """(28, 3) directions of the upper half, as dense as a level table feels them."""
    i = np.arange(_SKY) + 0.5
    r, angle = np.sqrt(i / _SKY) * 0.985, np.pi * (1 + 5**0.5) * i
    return np.stack([r * np.cos(angle), r * np.sin(angle), np.sqrt(1 - r * r)], 1)


def key_directions(light: Light) -> np.ndarray:
    """(14, 3) directions over the key light's face."""
    i = np.arange(_KEY) + 0.5
    r, angle = np.sqrt(i / _KEY) * light.key_radius, np.pi * (1 + 5**0.5) * i
    side = np.cross(light.key_direction, [0, 0, 1])
    side = side / np.linalg.norm(side)
    other = np.cross(light.key_direction, side)
    spots = light.key_direction + np.outer(r * np.cos(angle), side)
    spots = spots + np.outer(r * np.sin(angle), other)
    spots[:, 2] = np.maximum(spots[:, 2], 0.15)
    return spots / np.linalg.norm(spots, axis=1, keepdims=True)
