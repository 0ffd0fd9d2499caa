"""Set encoder of CNAPs (Requeima et al., 2019): e = mean over the support frames of phi(frame).

This file is phi, one frame at a time; the mean is the caller's. GroupNorm, never batch statistics,
so that a frame's embedding is the same in every batch. The paper's five 64-channel layers on 224 px
cost twice the backbone; this net sees the frame at half the side, grows its channels slowly, and
costs about 3 % of it.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from model.nn.backbone import to_unit_range

CHANNELS = (16, 32, 64, 64)  # each layer halves the side: 112 -> 56 -> 28 -> 14 -> 7
GROUPS = 8


class SetEncoder(nn.Module):
    """Frames (B, 224, 224, 3) uint8 RGB -> embeddings (B, E)."""

    def __init__(self, embedding: int) -> None:
        super().__init__()
        ins = (3, *CHANNELS[:-1])
        self.convs = nn.ModuleList(
            nn.Conv2d(i, o, 3, stride=2, padding=1) for i, o in zip(ins, CHANNELS, strict=True)
        )
        self.norms = nn.ModuleList(nn.GroupNorm(GROUPS, channels) for channels in CHANNELS)
        self.project = nn.Linear(CHANNELS[-1], embedding)

    def forward(self, frames: Tensor) -> Tensor:
        x = F.avg_pool2d(to_unit_range(frames), 2)  # (B, 3, 112, 112)
        for conv, norm in self.layers():
            x = F.relu(norm(conv(x)))
        return self.project(x.mean(dim=(2, 3)))  # (B, E)

    def layers(self) -> list[tuple[nn.Conv2d, nn.GroupNorm]]:
        """The convolutions with their norms, in order."""
        pairs = zip(self.convs, self.norms, strict=True)
        return [(cast(nn.Conv2d, conv), cast(nn.GroupNorm, norm)) for conv, norm in pairs]
