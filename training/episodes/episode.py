"""Episodes: small tasks drawn from a source of labelled frames, the same from any number of
workers.

An episode depends on its seed and its number alone, so that a training can go on where it stopped
and two processes can share one stream. A source knows where frames come from; this file does not.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from model.errors import InputError

T = TypeVar("T")
VALIDATION_SEED = 1_000_003
ATTEMPTS = 9  # at one episode, where what is damaged is left out, before it is an error


@dataclass(frozen=True)
class Task:
    """One episode on the device: clips of T frames each; a row is the mean over its clip."""

    support: Tensor  # (N, T, ...) frames
    labels: Tensor  # (N,) in [0, ways)
    query: Tensor  # (M, T, ...) frames
    targets: Tensor  # (M,)
    ways: int  # K


@dataclass(frozen=True)
class Episode:
    """A task, and what its answers will be counted under."""

    task: Task
    names: tuple[str, ...]  # of the K objects
    kind: str  # of source: orbit, composites, ...
    group: str  # the user, where there is one: intervals are clustered by it


class Source(Protocol):
    """Where episodes come from: an ORBIT split, photo folders, composites."""

    def episode(self, rng: np.random.Generator) -> Episode: ...


def make_episode(
    support: Sequence[Sequence[np.ndarray]],
    query: Sequence[Sequence[np.ndarray]],
    names: Sequence[str],
    kind: str,
    group: str = "",
) -> Episode:
    """Clips of K objects, each (T, S, S, 3) uint8 (all of one T), as a task."""

    def stacked(clips: Sequence[Sequence[np.ndarray]]) -> tuple[torch.Tensor, torch.Tensor]:
        labels = np.repeat(np.arange(len(clips)), [len(own) for own in clips])
        rows = np.stack([clip for own in clips for clip in own])
        return torch.from_numpy(rows), torch.from_numpy(labels)

    return Episode(Task(*stacked(support), *stacked(query), len(names)), tuple(names), kind, group)


class Episodes(Dataset[Episode]):
    """Endless numbered episodes, each from a source drawn by weight."""

    def __init__(
        self, sources: Sequence[Source], weights: Sequence[float], seed: int, skip_bad: bool = False
    ) -> None:
        """skip_bad: an episode that meets damage gives way to another, with a warning."""
        self.sources, self.skip_bad = sources, skip_bad
        self.weights = np.asarray(weights, float) / sum(weights)
        self.seed = seed

    def __getitem__(self, number: int) -> Episode:
        for attempt in range(ATTEMPTS if self.skip_bad else 0):
            try:
                return self._drawn(number, attempt)
            except InputError as error:
                warnings.warn(f"Left out: {error}", stacklevel=2)
        return self._drawn(number, ATTEMPTS if self.skip_bad else 0)

    def _drawn(self, number: int, attempt: int) -> Episode:
        rng = np.random.default_rng([self.seed, number, *[attempt] * (attempt > 0)])
        return self.sources[rng.choice(len(self.sources), p=self.weights)].episode(rng)


class RoundRobin(Dataset[Episode]):
    """Numbered episodes to validate on: every source has its turn, whatever a training's seed."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = sources

    def __getitem__(self, number: int) -> Episode:
        rng = np.random.default_rng([VALIDATION_SEED, number])
        return self.sources[number % len(self.sources)].episode(rng)


def load(episodes: Dataset[T], numbers: Sequence[int], workers: int) -> Iterator[T]:
    """The episodes of these numbers, in order, decoded ahead by `workers` processes (0: here)."""
    loader = DataLoader(
        _Carried(episodes),
        sampler=numbers,
        batch_size=None,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_one_thread,
        collate_fn=_as_it_is,
    )
    return _raised(iter(loader))


class _Carried(Dataset[Any]):
    """Episodes, or the InputError instead: a worker would make a page of traceback of it."""

    def __init__(self, episodes: Dataset[Any]) -> None:
        self.episodes = episodes

    def __getitem__(self, number: int) -> Any:
        try:
            return self.episodes[number]
        except InputError as error:
            return error


def _raised(items: Iterator[Any]) -> Iterator[Any]:
    for item in items:
        if isinstance(item, InputError):
            raise item
        yield item


def _one_thread(worker: int) -> None:
    """A worker takes one core: its pixels are too few to share."""
    import cv2

    cv2.setNumThreads(0)
    torch.set_num_threads(1)


def _as_it_is(episode: Any) -> Any:
    return episode  # an episode is a batch already
