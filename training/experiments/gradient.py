"""How far a sampled gradient is from the full one, over every draw there is.

A toy Simple CNAPs in float64 (`training.methods.tiny_cnaps`) and a task of N = 6 support frames, so
that nothing is estimated: bias is |mean of the draws - full| / |full|, error the mean over the
draws of |draw - full| / |full|, both over all trained parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor
from torch.nn import functional as F

from training.episodes.episode import Task
from training.lite import Draw, sampled_logits
from training.methods.tiny_cnaps import TinyCnaps
from training.settings.config import LiteConfig

WAYS, SHOTS, QUERIES = 3, 2, 6
N = WAYS * SHOTS
ESTIMATORS = ("LITE, rows x N/H, two draws", "not scaled, one draw", "loss x N/H, one draw",
              "small task of H frames")  # fmt: skip


@dataclass(frozen=True)
class Quality:
    """Of one estimator at one H."""

    bias: float
    error: float


def qualities(back: Sequence[int] = range(1, N + 1)) -> dict[str, dict[int, Quality]]:
    """Estimator -> H -> its quality. The small task needs a frame of every class, H >= K."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        method = TinyCnaps("unit").double()
    task = _task()
    full = _gradient(method, task, _everything(N), _everything(N))
    found: dict[str, dict[int, Quality]] = {name: {} for name in ESTIMATORS}
    for h in back:
        for name in ESTIMATORS:
            drawn = list(_drawn(name, method, task, h))
            if drawn:
                every = torch.stack(drawn)
                bias = (every.mean(0) - full).norm() / full.norm()
                error = (every - full).norm(dim=1).mean() / full.norm()
                found[name][h] = Quality(bias.item(), error.item())
    return found


def _drawn(name: str, method: TinyCnaps, task: Task, h: int) -> Iterator[Tensor]:
    """The estimator's gradient for every draw of H rows, or pair of draws."""
    subsets = [torch.tensor(rows) for rows in combinations(range(N), h)]
    scaled = [Draw(rows, torch.full((h,), N / h)) for rows in subsets]
    plain = [Draw(rows, torch.ones(h)) for rows in subsets]
    if name == ESTIMATORS[0]:
        for encoder in scaled:
            for head in scaled:
                yield _gradient(method, task, encoder, head)
    elif name == ESTIMATORS[1]:
        for draw in plain:
            yield _gradient(method, task, draw, draw)
    elif name == ESTIMATORS[2]:
        for draw in plain:
            yield N / h * _gradient(method, task, draw, draw)
    else:
        for rows in subsets:
            labels = task.labels[rows]
            if len(labels.unique()) == WAYS:
                small = Task(task.support[rows], labels, task.query, task.targets, WAYS)
                yield _gradient(method, small, _everything(h), _everything(h))


def _gradient(method: TinyCnaps, task: Task, encoder: Draw, head: Draw) -> Tensor:
    """All parameters' gradients, one after the other."""
    part = torch.arange(len(task.targets))
    logits, _ = sampled_logits(method, task, part, encoder, head, LiteConfig())
    loss = F.cross_entropy(logits, task.targets)
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(method.parameters()))])


def _everything(count: int) -> Draw:
    return Draw(torch.arange(count), torch.ones(count))


def _task() -> Task:
    generator = torch.Generator().manual_seed(1)
    centres = torch.randn(WAYS, 12, generator=generator, dtype=torch.float64)
    labels, targets = torch.arange(N) // SHOTS, torch.arange(QUERIES) % WAYS
    noise = torch.randn(N + QUERIES, 12, generator=generator, dtype=torch.float64)
    frames = (centres[torch.cat([labels, targets])] + noise)[:, None]  # clips of one frame
    return Task(frames[:N], labels, frames[N:], targets, WAYS)
