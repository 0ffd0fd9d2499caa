"""Folders of photos as a source of episodes, and of things to paste.

    FOLDER/<class>/*.jpg    several photos of a class: episodes that ask for the class
    FOLDER/*.jpg            photos of whatever there is

What a photo shows is cut out of it by GrabCut, or taken as a patch of a simple shape; a picture
whose ground is transparent is cut out already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from model.errors import InputError
from model.frames import SIDE, read_clip
from model.media.kinds import PHOTO_ENDINGS
from training.episodes.augment import (
    camera_augment,
    cropped,
    mask,
    paste,
    plain_ground,
    premultiplied,
)
from training.episodes.episode import Episode, make_episode

CUT_SIDE = 112  # GrabCut works on the photo at this side


@dataclass(frozen=True)
class Photos:
    """Photos on disk, by class; a photo that lies in no class folder is its own class."""

    classes: tuple[tuple[Path, ...], ...]

    @classmethod
    def read(cls, folders: Sequence[Path]) -> Photos:
        """All photos of the folders; InputError where there is none."""
        classes: list[tuple[Path, ...]] = []
        for folder in folders:
            if not folder.is_dir():
                raise InputError(f"There is no folder {folder} of photos.")
            found = sorted(
                {p.resolve() for p in folder.rglob("*") if p.suffix.lower() in PHOTO_ENDINGS}
            )
            if not found:
                raise InputError(f"{folder} holds no photo ({', '.join(PHOTO_ENDINGS)}).")
            kept: dict[Path, list[Path]] = {}
            for path in found:
                alone = path.parent == folder.resolve()
                kept.setdefault(path if alone else path.parent, []).append(path)
            classes += [tuple(paths) for paths in kept.values()]
        paths = [path for own in classes for path in own]
        if len(set(paths)) < len(paths):
            raise InputError("A photo is in two of the folders; give each folder once.")
        return cls(tuple(classes))

    @property
    def all(self) -> tuple[Path, ...]:
        return tuple(path for paths in self.classes for path in paths)


@dataclass(frozen=True)
class PhotoEpisodes:
    """Episodes that ask for a class: other photos of it than the support shows.

    In some of them the support stands as in a shop's catalogue: cut out, large, on plain ground.
    """

    photos: Photos
    way: int
    shots: tuple[int, int]  # support photos a class, at least and at most
    queries: int  # query photos a class
    catalogue: float = 0.5  # share of such episodes

    def __post_init__(self) -> None:
        if len(self._usable()) < 2:
            raise InputError(
                f"Episodes of photos need 2 classes of at least {self.shots[0] + 1} photos; "
                f"there are {len(self._usable())}."
            )

    def _usable(self) -> list[tuple[Path, ...]]:
        return [paths for paths in self.photos.classes if len(paths) > self.shots[0]]

    def episode(self, rng: np.random.Generator) -> Episode:
        usable = self._usable()
        chosen = rng.choice(len(usable), min(self.way, len(usable)), replace=False)
        shots = int(rng.integers(self.shots[0], self.shots[1] + 1))
        taught = _cutout_on_plain if rng.random() < self.catalogue else _augmented
        support, query, names = [], [], []
        for paths in (usable[k] for k in chosen):
            order = [paths[i] for i in rng.permutation(len(paths))]
            taken = min(shots, len(paths) - 1)
            support.append([taught(path, rng)[None] for path in order[:taken]])
            query.append([_augmented(p, rng)[None] for p in order[taken : taken + self.queries]])
            names.append(paths[0].parent.name)
        return make_episode(support, query, names, "classes")


@dataclass(frozen=True)
class SinglePhotos:
    """Supports as those of PhotoEpisodes, of one photo each, whatever it shows; nothing else is
    asked for than what was taught.
    """

    photos: Photos
    way: int
    catalogue: float = 0.5

    def episode(self, rng: np.random.Generator) -> Episode:
        paths = self.photos.all
        taught = _cutout_on_plain if rng.random() < self.catalogue else _augmented
        chosen = rng.choice(len(paths), min(self.way, len(paths)), replace=False)
        support = [[taught(paths[i], rng)[None]] for i in chosen]
        return make_episode(support, support, [paths[i].stem for i in chosen], "classes")


def _augmented(path: Path, rng: np.random.Generator) -> np.ndarray:
    return camera_augment(cropped(photo(path), rng, 0.7), rng, moving=0.1)


def _cutout_on_plain(path: Path, rng: np.random.Generator) -> np.ndarray:
    """What a photo shows, cut out on plain ground; the photo itself where that cannot be told."""
    thing = cut_out(path)
    if thing is None:
        return _augmented(path, rng)
    frame = plain_ground(rng)
    size = SIDE * rng.uniform(0.7, 0.95)
    paste(frame, thing, SIDE * rng.normal(0.5, 0.02, 2), size, rng.normal(0, 5))
    return camera_augment(frame, rng, moving=0)


def photo(path: Path) -> np.ndarray:
    """The square of a photo, (S, S, 3)."""
    try:
        return read_clip(path)[0]
    except InputError as error:
        raise InputError(f"{path.parent}: {error}") from error


def patch(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A simple shape out of the middle of a photo (S, S, 3), as a thing (h, w, 4)."""
    height, width = (round(SIDE * rng.uniform(0.45, 0.95)) for _ in range(2))
    top = round((SIDE - height) * rng.uniform(0.25, 0.75))
    left = round((SIDE - width) * rng.uniform(0.25, 0.75))
    shape = ("box", "round", "oval")[rng.integers(3)]
    alpha = mask(shape, height, width, rng.uniform(0.02, 0.08))
    return premultiplied(image[top : top + height, left : left + width], alpha)


def cut_out(path: Path) -> np.ndarray | None:
    """What stands in the middle of a photo, as a thing (h, w, 4); None if it cannot be told."""
    inside = _foreground(path)
    if inside is None:
        return None
    alpha = cv2.resize(inside.astype(np.float32), (SIDE, SIDE))
    alpha = cv2.GaussianBlur(alpha, (0, 0), 1.5)
    window = _around(alpha > 0.5)
    return premultiplied(photo(path)[window], alpha[window])


@lru_cache(maxsize=256)
def ready_cut(path: Path) -> np.ndarray:
    """A picture on transparent ground as a thing (h, w, 4), its longer side at most SIDE."""
    bgra = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if bgra is None or bgra.dtype != np.uint8 or bgra.ndim != 3 or bgra.shape[2] != 4:
        raise InputError(f"{path} is not a picture with 8 bits a channel and transparent ground.")
    alpha = bgra[..., 3]
    if alpha.max() < 128:
        raise InputError(f"{path} is transparent all over; leave it out.")
    bgra = bgra[_around(alpha > 127)]
    view = premultiplied(bgra[..., 2::-1], bgra[..., 3] / np.float32(255))
    scale = SIDE / max(view.shape[:2])
    if scale < 1:
        size = [max(round(side * scale), 1) for side in view.shape[1::-1]]
        view = cv2.resize(view, size, interpolation=cv2.INTER_AREA)
    return view


def _around(inside: np.ndarray) -> tuple[slice, slice]:
    """The smallest window around what is inside, (h, w) bool."""
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


@lru_cache(maxsize=4096)
def _foreground(path: Path) -> np.ndarray | None:
    """(CUT_SIDE, CUT_SIDE) uint8, 1 inside: GrabCut from a box in the middle, its largest piece."""
    small = cv2.resize(photo(path), (CUT_SIDE, CUT_SIDE), interpolation=cv2.INTER_AREA)
    margin = CUT_SIDE // 10
    box = (margin, margin, CUT_SIDE - 2 * margin, CUT_SIDE - 2 * margin)
    labels = np.zeros((CUT_SIDE, CUT_SIDE), np.uint8)
    cv2.setRNGSeed(0)  # its clusters start at random
    models = np.zeros((2, 1, 65))
    cv2.grabCut(small, labels, box, models[0], models[1], 3, cv2.GC_INIT_WITH_RECT)
    inside = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    inside = cv2.morphologyEx(inside, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(inside)
    if count < 2:
        return None
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    share = stats[largest, cv2.CC_STAT_AREA] / CUT_SIDE**2
    if not 0.06 < share < 0.6:
        return None
    return (pieces == largest).astype(np.uint8)
