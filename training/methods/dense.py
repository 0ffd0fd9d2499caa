"""The head that Teachable Machine trains: 100 ReLU units, softmax, Adam 1e-3, 50 epochs in batches
of 16; seeded.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


def fit_dense(z: Tensor, labels: Tensor, ways: int) -> Callable[[Tensor], Tensor]:
    """Support (N, D) with labels (N,) -> a function from features (M, D) to logits (M, K)."""
    generator = torch.Generator().manual_seed(0)

    def start(inputs: int, outputs: int) -> Tensor:
        return (2 * torch.rand(inputs, outputs, generator=generator) - 1) / inputs**0.5

    weights = [start(z.shape[1], 100), torch.zeros(100), start(100, ways)]
    for weight in weights:
        weight.requires_grad_(True)
    optimiser = torch.optim.Adam(weights, 1e-3)
    for _ in range(50):
        for rows in torch.randperm(len(z), generator=generator).split(16):
            optimiser.zero_grad()
            F.cross_entropy(_logits(weights, z[rows]), labels[rows]).backward()
            optimiser.step()
    for weight in weights:
        weight.requires_grad_(False)
    return lambda x: _logits(weights, x)


def _logits(weights: list[Tensor], rows: Tensor) -> Tensor:
    into, bias, out = weights
    return torch.relu(rows @ into + bias) @ out
