"""Simple CNAPs under another FiLM than its own, and how tasks fare under several: what the
experiments compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.nn.cnaps import SimpleCnaps
from training.episodes.episode import Task
from training.evaluation.intervals import Interval, clustered
from training.lite import logits_of
from training.settings.config import LiteConfig


@dataclass(frozen=True)
class GivenFilm:
    """Simple CNAPs under a FiLM that is given, whatever the support shows; a `lite.Method`."""

    model: SimpleCnaps
    given: Callable[[], Tensor]

    def embeddings(self, frames: Tensor) -> Tensor:
        return torch.zeros(len(frames), 1)

    def context(self, rows: Tensor, labels: Tensor) -> Tensor:
        return rows.mean(0)

    def film(self, embedding: Tensor) -> Tensor:
        return self.given()

    def support_features(self, frames: Tensor, film: Tensor) -> Tensor:
        return self.model.support_features(frames, film)

    def query_features(self, frames: Tensor, film: Tensor) -> Tensor:
        return self.model.query_features(frames, film)

    def logits(self, support: Tensor, labels: Tensor, query: Tensor, ways: int) -> Tensor:
        return self.model.logits(support, labels, query, ways)


def accuracy(model: SimpleCnaps, film: Tensor, task: Task, config: LiteConfig) -> float:
    """The share of a task's queries that are named right under a FiLM (2C,)."""
    answers = logits_of(GivenFilm(model, lambda: film), task, config).argmax(1)
    return (answers == task.targets).float().mean().item()


def no_film(film: Tensor) -> Tensor:
    """Of the size of `film` (2C,), the one that changes nothing."""
    return (torch.arange(len(film)) < len(film) // 2).float()


def effective_rank(films: Tensor) -> float:
    """Of FiLM (T, 2C) around its mean over T tasks; 0 if it is one for all.

    The exponential of the entropy of its singular values over their sum (Roy and Vetterli, 2007).
    """
    share = torch.linalg.svdvals(films - films.mean(0))
    if not share.sum() > 0:
        return 0.0
    share = share / share.sum()
    return torch.exp(-(share * share.clamp_min(1e-12).log()).sum()).item()


def from_elsewhere(domains: Sequence[str]) -> list[int | None]:
    """For each task, given its domain, the number of some task of another one; None: there is none.

    The same numbers every time.
    """
    rng, found = np.random.default_rng(0), list[int | None]()
    for own in domains:
        others = [i for i, domain in enumerate(domains) if domain != own]
        found.append(others[rng.integers(len(others))] if others else None)
    return found


def by_group(
    right: np.ndarray, sources: Sequence[str], domains: Sequence[str]
) -> Iterator[tuple[str, np.ndarray, list[Interval]]]:
    """Accuracies (T, F) under F kinds of FiLM, by source, by domain and of "all": the group, its
    rows (T', F), and how far the first kind is ahead of each other, paired, 95 % over tasks.
    """
    for group in dict.fromkeys([*sources, *domains, "all"]):
        rows = right[[group in (*named, "all") for named in zip(sources, domains, strict=True)]]
        each = [str(i) for i in range(len(rows))]
        yield group, rows, [clustered(list(rows[:, 0] - other), each) for other in rows.T[1:]]
