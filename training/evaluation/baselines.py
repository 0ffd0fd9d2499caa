"""What a trained personaliser must beat: heads on the frozen backbone's features.

A head takes support features z (N, D), their labels (N,) in [0, ways) and query features x (M, D),
and returns scores (M, K); the largest is the answer. Every head answers twice: on whole frames, and
on the best of the windows that ours scores, as ours does, nearly empty ones left out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from model.nn.cnaps import CnapsConfig
from model.nn.head import best_window, distances, nonempty, unit
from training.methods.dense import fit_dense

Head = Callable[[Tensor, Tensor, Tensor, int], Tensor]
WINDOWS = (3, 4)  # sides, as the shipped personaliser has them
FLOOR = CnapsConfig().window_floor


def cosine(z: Tensor, labels: Tensor, x: Tensor, ways: int) -> Tensor:
    """Cosine similarity to the mean direction of a class."""
    directions = F.normalize(z, dim=1)
    means = torch.stack([directions[labels == k].mean(0) for k in range(ways)])
    return F.normalize(x, dim=1) @ F.normalize(means, dim=1).T


def cnaps_raw(z: Tensor, labels: Tensor, x: Tensor, ways: int) -> Tensor:
    """The Simple CNAPs head on features as they are, as published."""
    return -distances(z.double(), labels, x.double(), ways)


def cnaps_unit(z: Tensor, labels: Tensor, x: Tensor, ways: int) -> Tensor:
    """The Simple CNAPs head on features of one length."""
    return -distances(unit(z.double()), labels, unit(x.double()), ways)


def dense(z: Tensor, labels: Tensor, x: Tensor, ways: int) -> Tensor:
    """A head trained by gradient steps, as Teachable Machine does it: what a person would use
    instead.
    """
    return fit_dense(z, labels, ways)(x)


HEADS: dict[str, Head] = {
    "frozen, cosine": cosine,
    "frozen, Simple CNAPs head, raw": cnaps_raw,
    "frozen, Simple CNAPs head, unit": cnaps_unit,
    "frozen, dense head": dense,
}
NAMES = tuple(f"{name}{windows}" for name in HEADS for windows in ("", ", windows"))


def baselines(z: Tensor, labels: Tensor, x: Tensor, ways: int) -> dict[str, np.ndarray]:
    """Scores (M, K) under each of NAMES; x (M, 1 + W, D) is the whole frame, then its windows."""
    kept, found = nonempty(x[:, 1:], z, FLOOR), {}
    for name, head in HEADS.items():
        scores = head(z, labels, x.flatten(0, 1), ways).unflatten(0, x.shape[:2])
        found[name] = scores[:, 0].numpy()
        found[f"{name}, windows"] = best_window(scores[:, 1:], kept).numpy()
    return found
