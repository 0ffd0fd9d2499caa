"""Pictures of rooms and materials, with their licences: the ground and the background of a clip.

A folder of pictures with `index.csv`; columns read: file, kind (room, tablephoto, texture),
licence, source.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from model.errors import InputError
from training.synthetic.geometry.objects import shippable


@dataclass(frozen=True)
class Surface:
    file: str
    kind: str  # "texture" lies on a table or hangs on a wall; the others are far away
    licence: str
    source: str
    folder: Path

    @property
    def shippable(self) -> bool:
        return shippable(self.licence)

    def picture(self) -> np.ndarray:
        """(h, w, 3) uint8 RGB."""
        picture = cv2.imread(str(self.folder / self.file), cv2.IMREAD_COLOR)
        if picture is None:
            raise InputError(f"{self.folder / self.file} cannot be read as a picture.")
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def read_surfaces(folder: Path) -> tuple[Surface, ...]:
    index = folder / "index.csv"
    if not index.is_file():
        raise InputError(f"{folder} has no index.csv, the list of pictures and licences.")
    with index.open(newline="", encoding="utf-8") as file:
        surfaces = tuple(
            Surface(row["file"], row["kind"], row["licence"], row["source"], folder)
            for row in csv.DictReader(file)
        )
    for kind in ("texture", "room"):
        if not any(s.kind == kind for s in surfaces):
            raise InputError(f"{folder}/index.csv lists no picture of kind {kind!r}; add one.")
    return surfaces


def varied(picture: np.ndarray, rng: np.random.Generator, amount: float) -> np.ndarray:
    """The same material in another tone: hue, saturation and brightness moved by `amount` (0-1)."""
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + amount * rng.uniform(-90, 90)) % 180
    hsv[..., 1] *= 1 + amount * rng.uniform(-0.8, 0.6)
    hsv[..., 2] *= 1 + amount * rng.uniform(-0.6, 0.2)
    return cv2.cvtColor(np.clip(hsv, 0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB)
