"""Which pictures teach and which are asked.

Meta-Dataset (Triantafillou et al., 2020, sec. 3.2; variable way and shots): way ~ U{5, ...,
min(50, classes)}, of Omniglot within one alphabet; q = min(10, half of the smallest class) are
asked of each class; the support has min(500, sum of ceil(beta min(100, n_c - q))) pictures, beta ~
U(0, 1], at least one a class, in shares proportional to n_c exp(a), a ~ U[log 0.5, log 2].

VTAB-v2: one task a data set. 1,000 pictures teach, 800 of the training and 200 of the validation
part (where there is none, all of training); the whole test part is asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.errors import InputError
from training.evaluation.vtab_md.readers import READERS, Images

WAY, SUPPORT, PER_CLASS, ASKED = (5, 50), 500, 100, 10
TRAIN, VALIDATION = 800, 200
EPISODES = 600  # a data set of Meta-Dataset


@dataclass(frozen=True)
class Part:
    """Pictures of one data set."""

    images: Images
    rows: np.ndarray  # (N,)

    @property
    def labels(self) -> np.ndarray:
        return self.images.labels[self.rows]


@dataclass(frozen=True)
class Asked:
    """An episode, or a task of VTAB."""

    dataset: str
    number: int
    support: tuple[Part, ...]  # of train, of val
    query: Part

    def classes(self) -> np.ndarray:
        """(K,) the data set's own labels that the support shows: column k stands for the k-th."""
        return np.unique(np.concatenate([part.labels for part in self.support]))

    def targets(self) -> np.ndarray:
        """(M,) columns of the query; -1 where the support lacks the class: no answer is right."""
        classes, labels = self.classes(), self.query.labels
        place = np.searchsorted(classes, labels).clip(0, len(classes) - 1)
        return np.where(classes[place] == labels, place, -1)


def asked_of(opened: dict[str, dict[str, Images]], episodes: int, seed: int) -> list[Asked]:
    """All that is asked; an episode depends on seed, data set and number alone."""
    found = []
    for place, reader in enumerate(READERS):
        if (splits := opened.get(reader.name)) is None:
            continue
        if reader.part == "MD":
            rngs = [np.random.default_rng([seed, place, n]) for n in range(episodes)]
            found += [episode(reader.name, n, splits["test"], rng) for n, rng in enumerate(rngs)]
        else:
            found.append(task(reader.name, splits, np.random.default_rng([seed, place])))
    return found


def task(name: str, splits: dict[str, Images], rng: np.random.Generator) -> Asked:
    """VTAB's one task of a data set."""
    train, val, test = splits["train"], splits.get("val"), splits["test"]
    count = TRAIN if val is not None else TRAIN + VALIDATION
    parts = [Part(train, _some(len(train.labels), count, rng))]
    if val is not None:
        parts.append(Part(val, _some(len(val.labels), VALIDATION, rng)))
    return Asked(name, 0, tuple(parts), Part(test, np.arange(len(test.labels))))


def episode(name: str, number: int, images: Images, rng: np.random.Generator) -> Asked:
    """One of Meta-Dataset's; InputError for a class of one picture."""
    classes = np.unique(images.labels)
    if images.families is not None:
        family = rng.choice(np.unique(images.families))
        classes = np.unique(images.labels[images.families == family])
    if len(classes) < WAY[0]:
        raise InputError(f"{name} has {len(classes)} classes to draw from; an episode needs 5.")
    way = int(rng.integers(WAY[0], min(WAY[1], len(classes)) + 1))
    chosen = np.sort(rng.choice(classes, way, replace=False))
    own = [rng.permutation(np.flatnonzero(images.labels == label)) for label in chosen]
    sizes = np.array([len(rows) for rows in own])
    if sizes.min() < 2:
        raise InputError(
            f"Class {chosen[sizes.argmin()]} of {name} has {sizes.min()} picture; one has to teach "
            "and one to be asked."
        )
    asked, shots = shares(sizes, rng)
    support = np.concatenate([r[asked : asked + n] for r, n in zip(own, shots, strict=True)])
    query = np.concatenate([rows[:asked] for rows in own])
    return Asked(name, number, (Part(images, support),), Part(images, query))


def shares(sizes: np.ndarray, rng: np.random.Generator) -> tuple[int, np.ndarray]:
    """Pictures (K,) of each class -> how many of each are asked, and how many (K,) teach."""
    asked = int(min(ASKED, sizes.min() // 2))
    left = sizes - asked
    beta = 1 - rng.random()  # (0, 1]
    total = min(SUPPORT, int(np.ceil(beta * np.minimum(PER_CLASS, left)).sum()))
    wanted = sizes * np.exp(rng.uniform(np.log(0.5), np.log(2), len(sizes)))
    proportion = wanted / wanted.sum()
    shots = np.floor(proportion * (total - len(sizes))).astype(int) + 1
    return asked, np.minimum(shots, left)


def _some(size: int, count: int, rng: np.random.Generator) -> np.ndarray:
    return np.sort(rng.permutation(size)[:count])
