"""Contextual squeeze and excitation (CaSE; Patacchiola et al., 2022): channels of a frozen backbone
are weighted by what small networks make of their means over the support set.

As in UpperCaSE the backbone stays frozen and the networks are all that is meta-trained; a gate is
2 sigmoid of what starts at 0, so that it starts at 1: chance gates at every site would leave
nothing to learn from. Simpler than there: the means are those of the unadapted backbone (one pass,
whose rows hold nothing that is trained) and not standardised, a network has one hidden layer of 16
units instead of two of max(16, C / 64), gates are at every site of `--sites` instead of after the
depthwise and last activations, and the head is the nearest mean, so that LITE trains it as it
trains the others.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

HIDDEN = 16


class CaseFilm(nn.Module):
    """Channel means (C,) -> film (2C,): gates in the order of the sites, then betas of 0."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.channels = channels
        self.gates = nn.ModuleList(
            nn.Sequential(nn.Linear(c, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, c)) for c in channels
        )
        for last in self.last_layers():
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, means: Tensor) -> Tensor:
        parts = means.split(self.channels)
        gates = torch.cat([gate(part) for gate, part in zip(self.gates, parts, strict=True)])
        return torch.cat([2 * torch.sigmoid(gates), torch.zeros_like(gates)])

    def last_layers(self) -> list[nn.Linear]:
        """Of every site's network: hidden units -> gates, before the sigmoid."""
        return [cast(nn.Linear, cast(nn.Sequential, gate)[-1]) for gate in self.gates]

    def penalty(self) -> Tensor:
        """Nothing pulls a gate to 1, as published."""
        return torch.zeros(())
