"""Two FiLM vectors and the gate between them: set encoder and FiLM generator of a model that
`training.specialists` made of two specialists.

    g = mean over the support frames of a . m_i + c
    film = (A + B) / 2 + (A - B) / 2 * way,    way = g / sqrt(g^2 + SOFT^2) in whole STEPS

m_i (EARLY,) are channel means in the middle of the frozen backbone (`Backbone.early`). A and B
(2C,) are what LITE trained; a and c are a ridge regression. g is all of a task's embedding, E = 1.
The way goes in steps so that one more clip of a support set rarely changes the backbone, and
features that were computed before are still right (`model.memory`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.nn.backbone import EARLY

SOFT = 0.15  # the g at which 0.7 of the way is gone
STEPS = 16  # of the way from the middle to A or B


class Gate(nn.Module):
    """Channel means (B, EARLY) -> (B, 1), whose mean is g: 0, halfway, until it is fitted."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(EARLY, 1)  # a, c
        nn.init.zeros_(self.line.weight)
        nn.init.zeros_(self.line.bias)

    def forward(self, means: Tensor) -> Tensor:
        return self.line(means)


class TwoFilms(nn.Module):
    """g (1,) -> film (2C,): near A above 0, near B below; both start as no FiLM at all."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        frozen = torch.cat([torch.ones(sum(channels)), torch.zeros(sum(channels))])
        self.above = nn.Parameter(frozen.clone())  # A
        self.below = nn.Parameter(frozen.clone())  # B

    def forward(self, g: Tensor) -> Tensor:
        way = (STEPS * g / (g.square() + SOFT**2).sqrt()).round() / STEPS
        return (self.above + self.below) / 2 + (self.above - self.below) / 2 * way

    def penalty(self) -> Tensor:
        """The L2 pull towards the frozen backbone."""
        gammas, betas = torch.cat([self.above, self.below]).view(2, 2, -1).unbind(1)
        return (gammas - 1).square().sum() + betas.square().sum()
