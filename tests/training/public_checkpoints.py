"""Names and shapes of the tensors in the public programs' checkpoints, and random ones of them.

Written down from EfficientNet-B0's table (Tan and Le, 2019), not from what the importer says.
"""

from __future__ import annotations

import torch
from torch import Tensor

Shapes = dict[str, list[int]]
# stage: expansion, kernel, channels out, blocks
STAGES = ((1, 3, 16, 1), (6, 3, 24, 2), (6, 5, 40, 2), (6, 3, 80, 3), (6, 5, 112, 3),
          (6, 5, 192, 4), (6, 3, 320, 1))  # fmt: skip
LITE_BLOCK = {"expand": "_expand_conv", "norm0": "_bn0", "depthwise": "_depthwise_conv",
              "norm1": "_bn1", "reduce": "_se_reduce", "widen": "_se_expand",
              "project": "_project_conv", "norm2": "_bn2"}  # fmt: skip
ORBIT_BLOCK = {"expand": "conv_pw", "norm0": "bn1", "depthwise": "conv_dw", "norm1": "bn2",
               "reduce": "se.conv_reduce", "widen": "se.conv_expand", "project": "conv_pwl",
               "norm2": "bn3"}  # fmt: skip
ORBIT_FIRST = ORBIT_BLOCK | {"norm1": "bn1", "project": "conv_pw", "norm2": "bn2"}


def norm(at: str, channels: int) -> Shapes:
    sizes = {key: [channels] for key in ("weight", "bias", "running_mean", "running_var")}
    return {f"{at}.{part}": size for part, size in (sizes | {"num_batches_tracked": []}).items()}


def block(at: str, names: dict[str, str], ins: int, row: tuple[int, int, int, int]) -> Shapes:
    expansion, kernel, out, _ = row
    wide, few = ins * expansion, ins // 4
    found: Shapes = {}
    if expansion > 1:
        found |= {f"{at}.{names['expand']}.weight": [wide, ins, 1, 1]}
        found |= norm(f"{at}.{names['norm0']}", wide)
    found |= {f"{at}.{names['depthwise']}.weight": [wide, 1, kernel, kernel]}
    found |= norm(f"{at}.{names['norm1']}", wide)
    for name, shape in (("reduce", [few, wide, 1, 1]), ("widen", [wide, few, 1, 1])):
        found |= {f"{at}.{names[name]}.weight": shape, f"{at}.{names[name]}.bias": shape[:1]}
    found |= {f"{at}.{names['project']}.weight": [out, wide, 1, 1]}
    return found | norm(f"{at}.{names['norm2']}", out)


def depthwise() -> list[tuple[str, int]]:
    """(stage.block, channels of its depthwise convolution) of all 16."""
    found, ins = [], 32
    for stage, (expansion, _, out, count) in enumerate(STAGES):
        for number in range(count):
            found.append((f"{stage}.{number}", ins * expansion))
            ins = out
    return found


def extractor(lite: bool) -> Shapes:
    at = "feature_extractor."
    stem, first, head, last = (
        ("_conv_stem", "_bn0", "_conv_head", "_bn1")
        if lite
        else ("conv_stem", "bn1", "conv_head", "bn2")
    )
    found: Shapes = {f"{at}{stem}.weight": [32, 3, 3, 3], **norm(at + first, 32)}
    ins, flat = 32, 0
    for stage, row in enumerate(STAGES):
        for number in range(row[3]):
            names = LITE_BLOCK if lite else ORBIT_BLOCK if flat else ORBIT_FIRST
            place = f"_blocks.{flat}" if lite else f"blocks.{stage}.{number}"
            found |= block(at + place, names, ins, row)
            ins, flat = row[2], flat + 1
    found |= {f"{at}{head}.weight": [1280, 320, 1, 1], **norm(at + last, 1280)}
    return found | ({f"{at}_fc.weight": [0, 1280], f"{at}_fc.bias": [0]} if lite else {})


def set_encoder(at: str) -> Shapes:
    found: Shapes = {}
    for layer in range(1, 6):
        found[f"{at}.layer{layer}.0.weight"] = [64, 3 if layer == 1 else 64, 3, 3]
        found |= {f"{at}.layer{layer}.0.bias": [64], **norm(f"{at}.layer{layer}.1", 64)}
    return found


def generator(names: tuple[str, str, str], channels: int) -> Shapes:
    first, middle, last = names
    return {
        f"{first}.weight": [64, 64], f"{first}.bias": [64], f"{middle}.weight": [64],
        f"{middle}.bias": [64], f"{last}.weight": [channels, 64], f"{last}.bias": [channels],
    }  # fmt: skip


def lite() -> Shapes:
    """fully_trained.pt of LITE's authors."""
    found = set_encoder("set_encoder.pre_pooling_fn") | extractor(lite=True)
    for i, channels in enumerate([32, *(c for _, c in depthwise()), 1280]):
        for kind in ("gamma", "beta"):
            at = f"feature_adaptation_network.layers.{i}.{kind}"
            layers = ("linear1", "layernorm", "linear2")
            first, middle, last = (f"{at}_generators.0.{layer}" for layer in layers)
            found |= generator((first, middle, last), channels)
            found |= {f"{at}_regularizers.0": [channels]}
    return found


def film_parameters() -> dict[str, int]:
    """ORBIT's FiLM parameters and their sizes, in the order of its networks."""
    sizes = {f"blocks.{place}.bn2": c for place, c in depthwise()[1:]} | {"bn1": 32, "bn2": 1280}
    return {f"{name}.{part}": sizes[name] for name in sorted(sizes) for part in ("bias", "weight")}


def orbit(method: str) -> Shapes:
    """A .pth of ORBIT's program: mahalanobis, versa (CNAPs) or proto."""
    found = extractor(lite=False)
    if method == "proto":
        return found
    found |= set_encoder("set_encoder.encoder")
    for i, channels in enumerate(film_parameters().values()):
        at = f"film_generator.generators.{i}.block"
        found |= generator((f"{at}.0", f"{at}.1", f"{at}.3"), channels)
        found |= {f"film_generator.regularizers.{i}": [channels]}
    for kind, units in (("weight", 1280), ("bias", 1)) if method == "versa" else ():
        for layer in range(1, 4):
            at = f"classifier.{kind}_processor.linear{layer}"
            ins = 1280 if layer == 1 else units
            found |= {f"{at}.weight": [units, ins], f"{at}.bias": [units]}
    return found


def filled(shapes: Shapes, spread: float) -> dict[str, Tensor]:
    """Random tensors; spread: running variances at which activations keep their size (gates and
    swish halve what they pass).
    """
    random, found = torch.Generator().manual_seed(0), {}
    for name, shape in shapes.items():
        noise = torch.randn(shape, generator=random)
        if name.endswith("num_batches_tracked"):
            found[name] = torch.tensor(7)
        elif "regularizers" in name:
            found[name] = 0.1 * noise
        elif name.endswith("running_var"):
            found[name] = spread * (1 + 0.1 * noise.abs())
        elif len(shape) > 1:
            found[name] = noise * (2 / max(noise[0].numel() if shape[0] else 1, 1)) ** 0.5
        else:
            found[name] = (name.endswith("weight")) + 0.1 * noise
    return found
