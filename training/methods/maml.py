"""First-order MAML (Finn et al., 2017): the whole network is adapted by a few steps of gradient
descent on the support, from a start that meta-training has found.

First-order: the gradient at the adapted weights is taken for the gradient at the start. A step
looks at all clips, in chunks whose gradients are added, so that memory does not follow N; its loss
is a mean over clips, so LITE has nothing to add. The last layer starts at 0 for every task,
whatever its ways, as in ORBIT's code.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from model.nn.head import global_pool
from training.episodes.episode import Task
from training.methods.learner import CHUNK, Clips, Recogniser

INNER_STEPS, INNER_RATE = 15, 1e-3

Weights = dict[str, Tensor]


class Maml:
    """A backbone that is trained, frames (B, ...) -> maps (B, D, s, s); batch-norm evaluates."""

    def __init__(self, backbone: nn.Module, features: int) -> None:
        self.backbone, self.features = backbone.eval(), features
        self.backbone.requires_grad_(True)

    def adapt(self, support: Clips, labels: Tensor, ways: int) -> Recogniser:
        weights, head = self.adapted(support, labels, ways)

        @torch.no_grad()
        def features(frames: Tensor) -> Tensor:
            return self.rows(frames, weights)[:, None]

        @torch.no_grad()
        def logits(x: Tensor) -> Tensor:
            return F.linear(x[:, 0], head["weight"], head["bias"])

        return Recogniser(features, logits)

    @torch.enable_grad()  # also for whoever evaluates, and keeps no graph of his own
    def adapted(self, support: Clips, labels: Tensor, ways: int) -> tuple[Weights, Weights]:
        """The backbone's weights and the last layer's after the inner steps, without a graph."""
        like = next(self.backbone.parameters())
        weights = {n: p.detach().clone() for n, p in self.backbone.named_parameters()}
        head = {"weight": like.new_zeros(ways, self.features), "bias": like.new_zeros(ways)}
        for _ in range(INNER_STEPS):
            both = [*weights.values(), *head.values()]
            for value in both:
                value.requires_grad_(True)
            sums = [torch.zeros_like(value) for value in both]
            step = max(CHUNK // support[0:1].shape[1], 1)
            for start in range(0, len(labels), step):
                clips = support[start : start + step]
                scores = self._scores(clips, weights, head)
                loss = F.cross_entropy(scores, labels[start : start + step], reduction="sum")
                for total, g in zip(sums, torch.autograd.grad(loss, both), strict=True):
                    total += g
            for value, total in zip(both, sums, strict=True):
                value.requires_grad_(False).sub_(INNER_RATE * total / len(labels))
        return weights, head

    def logits(self, task: Task) -> Tensor:
        """(M, K) of a task's query clips, after its inner steps."""
        weights, head = self.adapted(task.support, task.labels, task.ways)
        return self._scores(task.query, weights, head)

    def backward(self, task: Task) -> tuple[float, float]:
        """Add a task's first-order meta-gradient to every parameter's `.grad`; returns loss and
        accuracy.
        """
        weights, head = self.adapted(task.support, task.labels, task.ways)
        for value in weights.values():
            value.requires_grad_(True)
        scores = self._scores(task.query, weights, head)
        loss = F.cross_entropy(scores, task.targets)
        found = torch.autograd.grad(loss, list(weights.values()))
        for parameter, g in zip(self.backbone.parameters(), found, strict=True):
            parameter.grad = g if parameter.grad is None else parameter.grad + g
        return loss.item(), (scores.argmax(1) == task.targets).float().mean().item()

    def _scores(self, clips: Tensor, weights: Weights, head: Weights) -> Tensor:
        z = self.rows(clips.flatten(0, 1), weights).unflatten(0, clips.shape[:2]).mean(1)
        return F.linear(z, head["weight"], head["bias"])

    def rows(self, frames: Tensor, weights: Weights) -> Tensor:
        return global_pool(functional_call(self.backbone, weights, (frames,)))
