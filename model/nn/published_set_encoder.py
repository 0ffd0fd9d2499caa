"""The set encoder as published (CNAPs, Simple CNAPs, LITE, ORBIT): five 3 x 3 convolutions of 64
channels on the whole frame, each with batch-norm, ReLU and 2 x 2 max-pooling; then the mean over
space. It costs nearly twice the backbone. Ours is `set_encoder.py`; this one is for checkpoints of
other programs, and for comparisons with them.

The authors of LITE never leave training mode: a frame's embedding then depends on the frames that
stand beside it (`batch`). Those of ORBIT never leave evaluation mode (`running`).
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from model.nn.backbone import normalised

LAYERS, CHANNELS = 5, 64
TOGETHER = 40  # support frames that share their statistics, as LITE's authors have it


class PublishedSetEncoder(nn.Module):
    """Frames (B, 224, 224, 3) uint8 RGB -> embeddings (B, 64)."""

    def __init__(self, batch_norm: str, inputs: str) -> None:
        super().__init__()
        self.batch, self.inputs = batch_norm == "batch", inputs
        ins = (3, *[CHANNELS] * (LAYERS - 1))
        self.convs = nn.ModuleList(nn.Conv2d(i, CHANNELS, 3, padding=1) for i in ins)
        self.norms = nn.ModuleList(nn.BatchNorm2d(CHANNELS) for _ in ins)

    def forward(self, frames: Tensor) -> Tensor:
        x = normalised(frames, self.inputs)
        for conv, norm in self.layers():
            known = (None, None) if self.batch else (norm.running_mean, norm.running_var)
            y = F.batch_norm(conv(x), *known, norm.weight, norm.bias, self.batch, 0.0, norm.eps)
            x = F.max_pool2d(F.relu(y), 2)
        return x.mean((2, 3))

    def layers(self) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        """The convolutions with their norms, in order."""
        pairs = zip(self.convs, self.norms, strict=True)
        return [(cast(nn.Conv2d, conv), cast(nn.BatchNorm2d, norm)) for conv, norm in pairs]
