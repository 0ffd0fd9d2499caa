"""Checkpoints of LITE's authors (cambridge-mlg/LITE, 2021): Simple CNAPs.

Pixels in [-1, 1] on EfficientNet-B0 under the names of another library, FiLM on the output of 18
batch-norms, and a set encoder whose batch-norm never leaves training mode.
"""

from __future__ import annotations

from dataclasses import replace

from model.nn.cnaps import SimpleCnaps
from training.import_checkpoint.layout import (
    GENERATOR,
    PUBLIC,
    SET_ENCODER,
    TRUNK,
    VECTOR_PARTS,
    Layout,
    set_encoder_name,
)

ENDS = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1"}
SQUEEZE = {"se.conv_reduce": "_se_reduce", "se.conv_expand": "_se_expand"}
FIRST = SQUEEZE | {  # a block that does not expand
    "conv_dw": "_depthwise_conv",
    "bn1": "_bn1",
    "conv_pw": "_project_conv",
    "bn2": "_bn2",
}
BLOCK = SQUEEZE | {
    "conv_pw": "_expand_conv",
    "bn1": "_bn0",
    "conv_dw": "_depthwise_conv",
    "bn2": "_bn1",
    "conv_pwl": "_project_conv",
    "bn3": "_bn2",
}


def theirs(model: SimpleCnaps, ours: str) -> str:
    if ours.startswith(SET_ENCODER):
        return set_encoder_name("set_encoder.pre_pooling_fn", ours)
    if ours.startswith(GENERATOR):
        return _generator(ours.removeprefix(GENERATOR))
    layer, part = ours.removeprefix(TRUNK).rsplit(".", 1)
    if layer in ENDS:
        return f"feature_extractor.{ENDS[layer]}.{part}"
    _, stage, block, layer = layer.split(".", 3)
    stages = [len(list(stage.children())) for stage in model.backbone.net.blocks]
    number = sum(stages[: int(stage)]) + int(block)
    return f"feature_extractor._blocks.{number}.{(BLOCK if number else FIRST)[layer]}.{part}"


def _generator(ours: str) -> str:
    vectors, site, layer, *part = ours.split(".")
    at = f"feature_adaptation_network.layers.{site}.{vectors.removesuffix('s')}"
    if layer == "r":
        return f"{at}_regularizers.0"
    name = ("linear1", "layernorm", "linear2")[VECTOR_PARTS.index(layer)]
    return f"{at}_generators.0.{name}.{part[0]}"


LITE = Layout(
    "Simple CNAPs of LITE's authors",
    replace(PUBLIC, batch_norm="batch"),
    theirs,
    unused=("feature_extractor._fc.weight", "feature_extractor._fc.bias"),  # empty
)
