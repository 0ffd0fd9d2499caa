"""FiLM generator of CNAPs (Requeima et al., 2019): task embedding -> gamma, beta of every site.

A site is a batch-norm of the backbone: y = gamma * BN(x) + beta, before the activation. One small
network a vector; gamma = 1 + r g(e), beta = r' b(e) with r, r' learned per channel. At r = r' = 0,
where it starts, the adapted network is exactly the frozen one. g and b start near 1 for every task,
so that a training first finds one FiLM for all tasks and then what differs between them. What FiLM
is applied to is not known here.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn


class FilmVector(nn.Module):
    """Embedding (E,) -> one vector (C,), scaled by a learned r (C,) that starts at zero."""

    def __init__(self, embedding: int, channels: int) -> None:
        super().__init__()
        self.first = nn.Linear(embedding, embedding)
        self.norm = nn.LayerNorm(embedding)
        self.last = nn.Linear(embedding, channels)
        self.r = nn.Parameter(torch.zeros(channels))
        nn.init.normal_(self.last.weight, std=0.02)
        nn.init.ones_(self.last.bias)

    def forward(self, e: Tensor) -> Tensor:
        return self.r * self.unscaled(e)

    def unscaled(self, e: Tensor) -> Tensor:
        """g(e) or b(e), (C,)."""
        return self.last(torch.relu(self.norm(self.first(e))))

    def folded(self) -> tuple[Tensor, Tensor]:
        """r W (C, E) and r b (C,) of the last layer: FiLM is linear in them."""
        return self.r[:, None] * self.last.weight, self.r * self.last.bias


class FilmGenerator(nn.Module):
    """Task embedding (E,) -> film (2C,): all gammas in the order of the sites, then all betas."""

    def __init__(self, embedding: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.gammas = nn.ModuleList(FilmVector(embedding, count) for count in channels)
        self.betas = nn.ModuleList(FilmVector(embedding, count) for count in channels)

    def forward(self, e: Tensor) -> Tensor:
        gammas, betas = torch.cat([vector(e) for vector in self.vectors()]).chunk(2)
        return torch.cat([1 + gammas, betas])

    def penalty(self) -> Tensor:
        """sum of r^2 and r'^2: the L2 pull towards the frozen backbone."""
        return torch.stack([v.r.square().sum() for v in self.vectors()]).sum()

    def vectors(self) -> list[FilmVector]:
        """The networks of the gammas in the order of the sites, then those of the betas."""
        return cast(list[FilmVector], [*self.gammas, *self.betas])
