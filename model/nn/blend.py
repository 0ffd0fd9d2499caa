"""Set encoder and FiLM generator that blend FiLM vectors, one a domain, by what the frozen backbone
sees of the support set.

    e = mean over the support frames of W m_i + c                        (K,)
    p = softmax(e), in whole STEPS
    film = M + sum_k p_k (F_k - M),    M the mean of all F_k

m_i (EARLY,) are channel means in the middle of the frozen backbone (`Backbone.early`). The FiLM of
whole domains and a network that blends them are FLUTE's (Triantafillou et al., 2021); here a task
is embedded as in CNAPs, by a mean over its frames, and LITE trains both. p goes in steps so that
one more clip of a support set rarely changes the backbone, and features that were computed before
are still right (`model.memory`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.nn.backbone import EARLY

# What frames of one domain have in common is how they came about. The FiLM vectors of the first
# GIVEN are found by trainings of their own (`training.blend`).
DOMAINS = ("things", "photos", "writing", "textures", "drawings", "cameras")
GIVEN = 2
STEPS = 16  # of a share p_k, from 0 to 1


class DomainEncoder(nn.Module):
    """Channel means (B, EARLY) -> scores of the domains (B, K); all alike until it is fitted."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(EARLY, len(DOMAINS))  # W, c
        nn.init.zeros_(self.line.weight)
        nn.init.zeros_(self.line.bias)

    def forward(self, means: Tensor) -> Tensor:
        return self.line(means)


class BlendedFilm(nn.Module):
    """e (K,) -> film (2C,), all gammas in the order of the sites, then all betas."""

    given: Tensor

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        frozen = torch.cat([torch.ones(sum(channels)), torch.zeros(sum(channels))])
        self.register_buffer("given", frozen.repeat(GIVEN, 1))  # (GIVEN, 2C)
        self.trained = nn.Parameter(frozen.repeat(len(DOMAINS) - GIVEN, 1))

    def vectors(self) -> Tensor:
        """F (K, 2C), in the order of DOMAINS."""
        return torch.cat([self.given, self.trained])

    def forward(self, e: Tensor) -> Tensor:
        p = e.softmax(0)
        p = p + ((STEPS * p).round() / STEPS - p).detach()  # steps have no gradient of their own
        vectors = self.vectors()
        middle = vectors.mean(0)
        return middle + p @ (vectors - middle)

    def penalty(self) -> Tensor:
        """The L2 pull towards the frozen backbone."""
        gammas, betas = self.trained.chunk(2, 1)
        return (gammas - 1).square().sum() + betas.square().sum()
