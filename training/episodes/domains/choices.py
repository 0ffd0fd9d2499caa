"""Things told apart by one property alone: colour, print, or shape. Each kind asks for other
features.

    colour   one shape, other hues          print   one shape, one colour, other pictures on it
    shape    other shapes, and every frame in another colour, which must be ignored

Taught large or small alike, and asked for in clutter, as `composites` does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from training.episodes.composites import CompositeRules, Composites
from training.episodes.looks import Look, Paint, Sprite, View, patterns
from training.episodes.photos import Photos

Choice = Literal["colour", "print", "shape"]


@dataclass(frozen=True)
class AnyColour:
    """Painted anew in every view."""

    def __call__(self, view: View, rng: np.random.Generator) -> View:
        return Paint(float(rng.uniform(0, 360)), rng.uniform(0.5, 1), 0.9)(view, rng)


class Choices(Composites):
    """Composites whose K things differ by `choice` alone."""

    def __init__(self, choice: Choice, rules: CompositeRules, photos: Photos, grounds: Photos,
                 views: Sequence[Sequence[tuple[str, np.ndarray]]]) -> None:  # fmt: skip
        super().__init__(rules, photos, grounds, views)
        self.kind = self.choice = choice

    def _classes(self, rng: np.random.Generator) -> list[Sprite]:
        way = self.rules.way
        if self.choice == "shape":
            things: list[Sprite] = []
            for _ in range(way):
                things.append(self._thing(rng, {thing.key for thing in things}))
            return [replace(thing, look=AnyColour()) for thing in things]
        base = self._thing(rng, set())
        looks: list[Look] = []
        if self.choice == "colour":
            first, apart = rng.uniform(0, 360), rng.uniform(min(28, 360 / way), 360 / way)
            looks += [Paint(first + apart * k, 0.85, 0.9) for k in range(way)]
        else:
            looks += patterns([self._picture(rng) for _ in range(way)], rng)
        return [replace(base, look=look) for look in looks]
