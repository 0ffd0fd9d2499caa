"""LITE (Bronskill et al., 2021): a task's gradient from H of its N support frames, unbiased.

The loss depends on every support frame twice, through its embedding e_i (set encoder) and its row
z_i (head), so that dL/dtheta = sum_i dL/de_i de_i/dtheta + sum_i dL/dz_i dz_i/dtheta. The forward
pass is exact: it sees all N. Of each sum only H terms are back-propagated. They are drawn without
replacement, by object where H >= K, and scaled by w_i = 1 / P(i is drawn): n_k / h_k by object,
else N / H:

    row_i -> row_i.detach() + w_i (row_i - row_i.detach())    if i is drawn, else row_i.detach()

The set encoder has an H of its own (`back_embeddings`). The two draws are independent, because
film(e) stands inside z(film): one draw for both would give the products of the two sums wrong
weights. Query frames always carry a gradient, and no factor ever touches their path. Peak memory
follows H, the chunk and the query batch, not N. Nothing here knows the backbone, the head or the
method.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from training.episodes.episode import Task
from training.settings.config import LiteConfig


class Method(Protocol):
    """A meta-learner whose every piece works row by row (`model.nn.cnaps`, `training.methods`)."""

    def embeddings(self, frames: Tensor) -> Tensor: ...  # (B, ...) -> (B, E)
    def context(self, rows: Tensor, labels: Tensor) -> Tensor: ...  # all (N, E), (N,) -> (S,)
    def film(self, embedding: Tensor) -> Tensor: ...  # (S,) -> (F,)
    def support_features(self, frames: Tensor, film: Tensor) -> Tensor: ...  # -> (B, D)
    def query_features(self, frames: Tensor, film: Tensor) -> Tensor: ...  # -> (B, W, D)
    def logits(
        self, support: Tensor, labels: Tensor, query: Tensor, ways: int
    ) -> Tensor: ...  # (N, D), (N,), (M, W, D) -> (M, K)


@dataclass(frozen=True)
class Draw:
    """Support rows that carry a gradient, and what it is multiplied by."""

    rows: Tensor  # (H,) indices, none twice
    weights: Tensor  # (H,) 1 / probability of being drawn


def draw(labels: Tensor, count: int, generator: torch.Generator) -> Draw:
    """`count` of N rows, by object where there are enough (n_k / h_k a row), else from all (N / H).

    The probability of a row depends on its object alone, so that either way the gradient is
    unbiased.
    """
    if count < 1:
        raise ValueError(f"LITE needs at least 1 back-propagated row; got {count}")
    labels = labels.cpu()
    shots = labels.bincount()
    if count >= len(labels):
        return Draw(torch.arange(len(labels)), torch.ones(len(labels)))
    if count < len(shots):
        rows = torch.randperm(len(labels), generator=generator)[:count]
        return Draw(rows, torch.full((count,), len(labels) / count))
    rows, weights = [], []
    for k, share in enumerate(shares(shots.tolist(), count)):
        mine = (labels == k).nonzero().flatten()
        rows.append(mine[torch.randperm(len(mine), generator=generator)[:share]])
        weights.append(torch.full((share,), len(mine) / share))
    return Draw(torch.cat(rows), torch.cat(weights))


def shares(shots: list[int], count: int) -> list[int]:
    """h_k: `count` rows over objects of n_k each, in proportion, at least 1 and at most n_k."""
    taken = [1] * len(shots)
    for _ in range(count - len(shots)):
        open_ = [k for k, n in enumerate(shots) if taken[k] < n]
        taken[max(open_, key=lambda k: shots[k] / taken[k])] += 1
    return taken


@dataclass(frozen=True)
class SupportCache:
    """Support rows of a task without gradient: computed once, however many query batches follow."""

    embeddings: Tensor  # (N, E)
    rows: Tensor  # (N, D)


def backward(
    method: Method, task: Task, config: LiteConfig, generator: torch.Generator
) -> tuple[float, float]:
    """Add the task's sampled gradient to every parameter's `.grad`; returns loss and accuracy."""
    loss, right, known = 0.0, 0, None
    for part in torch.arange(len(task.targets)).split(config.query_batch):
        encoder_draw = draw(task.labels, config.back_embeddings, generator)
        head_draw = draw(task.labels, config.num_backprop, generator)
        logits, known = sampled_logits(method, task, part, encoder_draw, head_draw, config, known)
        targets = task.targets[part]
        # the mean over all M query clips: batches of any size weigh by their clips
        share = F.cross_entropy(logits, targets, reduction="sum") / len(task.targets)
        share.backward()
        loss += share.item()
        right += int((logits.argmax(1) == targets).sum())
    return loss, right / len(task.targets)


def sampled_logits(
    method: Method,
    task: Task,
    part: Tensor,
    encoder_draw: Draw,
    head_draw: Draw,
    config: LiteConfig,
    known: SupportCache | None = None,
) -> tuple[Tensor, SupportCache]:
    """Exact logits (m, K) of the query clips `part`; only the drawn rows carry a gradient."""
    e = _sampled(method.embeddings, task.support, encoder_draw, config, known and known.embeddings)
    film = method.film(method.context(e, task.labels))
    z = _sampled(
        lambda frames: method.support_features(frames, film),
        task.support,
        head_draw,
        config,
        known and known.rows,
    )
    x = _rows(lambda frames: method.query_features(frames, film), task.query, part, config)
    return method.logits(z, task.labels, x, task.ways), SupportCache(e.detach(), z.detach())


@torch.no_grad()
def logits_of(method: Method, task: Task, config: LiteConfig) -> Tensor:
    """Logits (M, K) of all query clips, without any gradient: what adapting to the task answers."""
    support, query = torch.arange(len(task.support)), torch.arange(len(task.query))
    film = method.film(task_embedding(method, task.support, task.labels, config))
    z = _rows(lambda frames: method.support_features(frames, film), task.support, support, config)
    x = _rows(lambda frames: method.query_features(frames, film), task.query, query, config)
    return method.logits(z, task.labels, x, task.ways)


@torch.no_grad()
def task_embedding(method: Method, support: Tensor, labels: Tensor, config: LiteConfig) -> Tensor:
    """Clips (N, T, ...) with labels (N,) -> the task embedding (S,), without any gradient."""
    rows = _rows(method.embeddings, support, torch.arange(len(support)), config)
    return method.context(rows, labels)


def _sampled(
    network: Callable[[Tensor], Tensor],
    clips: Tensor,
    draw: Draw,
    config: LiteConfig,
    known: Tensor | None,
) -> Tensor:
    """All rows (N, D), exact; the gradient is that of the drawn ones, scaled. Computes no row
    twice.
    """
    fresh = _rows(network, clips, draw.rows, config)  # (H, D)
    if known is None:
        known = fresh.new_zeros(len(clips), fresh.shape[1])
        undrawn = torch.ones(len(clips), dtype=torch.bool)
        undrawn[draw.rows] = False
        others = undrawn.nonzero().flatten()
        if len(others):
            with torch.no_grad():
                known[others.to(known.device)] = _rows(network, clips, others, config)
    weights = draw.weights.to(fresh)[:, None]
    scaled = fresh.detach() + weights * (fresh - fresh.detach())
    return known.index_copy(0, draw.rows.to(fresh.device), scaled)


def _rows(
    network: Callable[[Tensor], Tensor], clips: Tensor, chosen: Tensor, config: LiteConfig
) -> Tensor:
    """The chosen B of clips (N, T, ...) -> rows (B, ...), each the mean over its T frames.

    Chunk after chunk: not even the frames are copied all at once.
    """
    length = clips.shape[1]
    out = []
    with torch.autocast(clips.device.type, torch.bfloat16, enabled=config.bf16):
        for part in chosen.split(max(config.chunk // length, 1)):
            chunk = clips[part.to(clips.device)]
            out.append(network(chunk.flatten(0, 1)).unflatten(0, (len(chunk), length)).mean(1))
    rows = torch.cat(out)
    return rows.float() if rows.dtype == torch.bfloat16 else rows
