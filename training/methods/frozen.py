"""Heads on the features of a frozen backbone: what needs no meta-training.

    cosine        nearest mean direction
    mahalanobis   the Simple CNAPs head, on features of one length
    knn           the nearest support clip (Cover and Hart, 1967), by cosine
    linear        FineTuner: a linear layer, 50 steps of Adam on all support clips (ORBIT, 2022)
    dense         100 ReLU units and softmax, as Teachable Machine trains it (`dense`)

One extractor may serve several heads: what it saw it remembers, so that they share the work, and
the tasks of one person do too. It says what the work that it was spared would have cost.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from model.nn.head import class_means, global_pool, measure, unit
from training.methods.dense import fit_dense
from training.methods.learner import Clips, Recogniser, rows_of

MOST = 50_000  # frames remembered, 256 MB
STEPS, RATE = 50, 1e-3  # of FineTuner

Scorer = Callable[[Tensor], Tensor]  # features (M, D) -> scores (M, K)
Head = Callable[[Tensor, Tensor, int], Scorer]  # support (N, D), labels (N,), ways


class Extractor:
    """Frames (B, S, S, 3) uint8 -> features (B, D) of a frozen network that gives maps."""

    def __init__(self, backbone: nn.Module) -> None:
        self.backbone = backbone.requires_grad_(False).eval()
        self.known: dict[bytes, Tensor] = {}
        self.macs: int | None = None  # a frame
        self.seconds, self.computed, self.spared = 0.0, 0, 0  # of them, and how many frames

    @torch.no_grad()
    def __call__(self, frames: Tensor) -> Tensor:
        keys = [hashlib.blake2b(f.numpy().tobytes(), digest_size=16).digest() for f in frames]
        new = [i for i, key in enumerate(keys) if key not in self.known]
        if len(self.known) + len(new) > MOST:
            self.known.clear()
            new = list(range(len(keys)))
        if new:
            for i, row in zip(new, self._compute(frames[new]), strict=True):
                self.known[keys[i]] = row
        self.spared += len(keys) - len(new)
        return torch.stack([self.known[key] for key in keys])

    def remembered(self) -> tuple[int, float]:
        """MACs and seconds of the work that memory spared, since this was asked last."""
        frames, self.spared = self.spared, 0
        return frames * (self.macs or 0), frames * self.seconds / max(self.computed, 1)

    def _compute(self, frames: Tensor) -> Tensor:
        if self.macs is None:
            with (counter := FlopCounterMode(display=False)):
                self.backbone(frames[:1])
            self.macs = counter.get_total_flops() // 2
        start = time.perf_counter()
        rows = global_pool(self.backbone(frames))
        self.seconds += time.perf_counter() - start
        self.computed += len(frames)
        return rows


class Frozen:
    """A head on an extractor's features."""

    def __init__(self, extractor: Extractor, head: Head) -> None:
        self.extractor, self.head = extractor, head

    def adapt(self, support: Clips, labels: Tensor, ways: int) -> Recogniser:
        scorer = self.head(rows_of(self.extractor, support), labels, ways)
        return Recogniser(lambda frames: self.extractor(frames)[:, None], lambda x: scorer(x[:, 0]))


def cosine(z: Tensor, labels: Tensor, ways: int) -> Scorer:
    directions = F.normalize(z, dim=1)
    means = F.normalize(class_means(directions, labels, ways), dim=1)
    return lambda x: F.normalize(x, dim=1) @ means.T


def mahalanobis(z: Tensor, labels: Tensor, ways: int) -> Scorer:
    d2 = measure(unit(z.double()), labels, ways)
    return lambda x: -d2(unit(x.double()))


def knn(z: Tensor, labels: Tensor, ways: int) -> Scorer:
    def scores(x: Tensor) -> Tensor:
        alike = F.normalize(x, dim=1) @ F.normalize(z, dim=1).T  # (M, N)
        return torch.stack([alike[:, labels == k].amax(1) for k in range(ways)], 1)

    return scores


def linear(z: Tensor, labels: Tensor, ways: int) -> Scorer:
    """Starts at 0, as ORBIT's does; deterministic."""
    layer = nn.Linear(z.shape[1], ways)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    optimiser = torch.optim.Adam(layer.parameters(), RATE)
    for _ in range(STEPS):
        optimiser.zero_grad()
        F.cross_entropy(layer(z), labels).backward()
        optimiser.step()
    layer.requires_grad_(False)
    return layer


def dense(z: Tensor, labels: Tensor, ways: int) -> Scorer:
    return fit_dense(z, labels, ways)


HEADS: dict[str, Head] = {
    "cosine": cosine,
    "mahalanobis": mahalanobis,
    "knn": knn,
    "linear": linear,
    "dense": dense,
}
