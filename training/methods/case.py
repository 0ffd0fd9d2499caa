"""Contextual squeeze and excitation (CaSE; Patacchiola et al., 2022): channels of a frozen backbone
are weighted by what small networks make of their means over the support set.

As in UpperCaSE the backbone stays frozen and the networks are all that is meta-trained; a gate is
2 sigmoid, so that it starts near 1. Two things are simpler than there: the means are those of the
unadapted backbone (one pass, whose rows hold nothing that is trained), and the head is the nearest
mean, so that LITE trains it as it trains the others.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from model.nn.head import distances

HIDDEN = 16


class Channels(Protocol):
    """A frozen backbone with sites of so many channels (`model.nn.cnaps.SimpleCnaps` is one)."""

    channels: tuple[int, ...]

    def channel_means(self, frames: Tensor) -> Tensor: ...  # (B, ...) -> (B, C)
    def support_features(self, frames: Tensor, film: Tensor) -> Tensor: ...  # -> (B, D)


class Case(nn.Module):
    """One network a site: means (C_site,) -> gates (C_site,)."""

    def __init__(self, backbone: Channels) -> None:
        super().__init__()
        assert isinstance(backbone, nn.Module)
        self.backbone = backbone.requires_grad_(False)
        self.channels = backbone.channels
        self.gates = nn.ModuleList(
            nn.Sequential(nn.Linear(c, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, c))
            for c in self.channels
        )
        self.log_temperature = nn.Parameter(torch.tensor(0.0))

    def embeddings(self, frames: Tensor) -> Tensor:
        return self.backbone.channel_means(frames)

    def context(self, rows: Tensor, labels: Tensor) -> Tensor:
        return rows.mean(0)

    def film(self, embedding: Tensor) -> Tensor:
        """Channel means (C,) -> film (2C,): the gates, and betas of 0."""
        parts = embedding.split(self.channels)
        gates = torch.cat([gate(part) for gate, part in zip(self.gates, parts, strict=True)])
        return torch.cat([2 * torch.sigmoid(gates), torch.zeros_like(gates)])

    def support_features(self, frames: Tensor, film: Tensor) -> Tensor:
        return self.backbone.support_features(frames, film)

    def query_features(self, frames: Tensor, film: Tensor) -> Tensor:
        return self.support_features(frames, film)[:, None]

    def logits(self, support: Tensor, labels: Tensor, query: Tensor, ways: int) -> Tensor:
        d2 = distances(support, labels, query.flatten(0, 1), ways, "prototypes")
        return -self.log_temperature.exp() * d2
