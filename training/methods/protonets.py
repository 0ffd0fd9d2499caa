"""Prototypical networks (Snell et al., 2017): the nearest class mean, with the backbone itself
trained.

No set encoder and no FiLM: the task changes nothing but the means. Batch-norm stays in evaluation
mode, because LITE's exact forward needs a frame's features to be the same in every batch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ProtoNets(nn.Module):
    """A backbone, frames (B, ...) -> maps (B, D, s, s), under a nearest-mean head."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone.requires_grad_(True)
        self.eval()

    def train(self, mode: bool = True) -> ProtoNets:
        """Stay in evaluation mode whatever is asked."""
        return super().train(False)

    def embeddings(self, frames: Tensor) -> Tensor:
        return torch.zeros(len(frames), 0, device=frames.device)  # nothing to know about a task

    def context(self, rows: Tensor, labels: Tensor) -> Tensor:
        return rows.mean(0)

    def film(self, embedding: Tensor) -> Tensor:
        return embedding

    def support_features(self, frames: Tensor, film: Tensor) -> Tensor:
        return self.backbone(frames).mean(dim=(2, 3))  # (B, D)

    def query_features(self, frames: Tensor, film: Tensor) -> Tensor:
        return self.support_features(frames, film)[:, None]  # (B, 1, D)

    def logits(self, support: Tensor, labels: Tensor, query: Tensor, ways: int) -> Tensor:
        """-|x - mean_k|^2 of query rows (M, 1, D) -> (M, K)."""
        means = torch.stack([support[labels == k].mean(0) for k in range(ways)])  # (K, D)
        return -(query - means).square().sum(-1)
