"""Textures: pieces of one photo are one class. Stuff instead of things, no shape and no place."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from model.frames import SIDE
from training.episodes.augment import camera_augment
from training.episodes.episode import Episode, make_episode
from training.episodes.photos import Photos, photo


@dataclass(frozen=True)
class Textures:
    """A source of episodes: of which surface is this a piece."""

    photos: Photos
    way: int
    shots: tuple[int, int]
    queries: int

    def episode(self, rng: np.random.Generator) -> Episode:
        paths = self.photos.all
        chosen = rng.choice(len(paths), min(self.way, len(paths)), replace=False)
        shots = int(rng.integers(self.shots[0], self.shots[1] + 1))
        clips = [
            [_piece(photo(paths[k]), rng)[None] for _ in range(shots + self.queries)]
            for k in chosen
        ]
        names = [paths[k].stem for k in chosen]
        return make_episode(
            [c[:shots] for c in clips], [c[shots:] for c in clips], names, "textures"
        )


def _piece(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A small square of a photo (S, S, 3), enlarged, turned by quarters."""
    side = int(rng.integers(SIDE // 5, SIDE // 3))
    top, left = rng.integers(0, SIDE - side + 1, 2)
    square = np.rot90(image[top : top + side, left : left + side], int(rng.integers(4)))
    enlarged = cv2.resize(np.ascontiguousarray(square), (SIDE, SIDE))
    return camera_augment(enlarged, rng, moving=0.1)
