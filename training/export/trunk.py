"""The frozen backbone as an ONNX graph.

Batch-norm is folded, so that a FiLM site of `backbone.onnx` is one convolution whose weight and
bias are raw float32 initialisers.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import onnx
from onnx import TensorProto, helper
from timm.layers.norm_act import BatchNormAct2d
from timm.models._efficientnet_blocks import (
    DepthwiseSeparableConv,
    InvertedResidual,
    SqueezeExcite,
)
from torch import nn

from model.card import FINE, GRID, MIDDLE, Site
from model.frames import SIDE
from model.nn.backbone import FEATURES, Backbone
from model.nn.cnaps import SimpleCnaps
from training.export.graph import Graph, centred, frames_input, input_scale, pixels_of

FIRST = (FINE - MIDDLE) // 2  # cell of the middle


def backbone_graph(backbone: Backbone) -> onnx.ModelProto:
    """frames uint8 (B,S,S,3) -> map (B,D,7,7) and its mean over space, features (B,D); fine
    (B,C,14,14), what the last block of that size gives; colours (B,3,14,14), the mean ones of its
    cells; and what is kept of a support frame, support (B,D+C+48): its features, what the middle of
    its fine map has beyond the rest, and the colours of the middle, channel after channel.
    """
    g = Graph()
    trunk = Trunk(g, backbone, SIDE)
    pixels = pixels_of(g)
    x = trunk.stages(pixels, len(backbone.net.blocks))
    x = trunk.conv(x, "conv_head", "bn2", True)
    g.add("Identity", [x], "map")
    features = g.add("Flatten", [g.add("GlobalAveragePool", [x], "pooled")], "features", axis=1)
    fine = g.add("Identity", [trunk.fine], "fine")
    shape = g.constant("fine_shape", np.array([0, 0, -1]))
    cells = g.add("Reshape", [fine, shape], "fine_cells")
    middle = g.add("MatMul", [cells, g.constant("middle_share", _middle())], "middle")
    colours = _colours(g, pixels)
    g.add("Concat", [features, middle, _middle_of(g, colours)], "support", axis=1)
    out = helper.make_tensor_value_info
    return g.model(
        "backbone",
        [frames_input()],
        [
            out("map", TensorProto.FLOAT, ["B", FEATURES, GRID, GRID]),
            out("features", TensorProto.FLOAT, ["B", FEATURES]),
            out("fine", TensorProto.FLOAT, ["B", trunk.channels, FINE, FINE]),
            out("colours", TensorProto.FLOAT, ["B", 3, FINE, FINE]),
            out("support", TensorProto.FLOAT, ["B", FEATURES + trunk.channels + 3 * MIDDLE**2]),
        ],
    )


class Trunk:
    """The frozen backbone's convolutions under construction, on a square of `side` pixels."""

    def __init__(self, g: Graph, backbone: Backbone, side: int) -> None:
        self.g, self.backbone, self.side = g, backbone, side
        self.fine, self.channels = "", 0  # of the last block so far that gives FINE x FINE cells
        zero, six = np.array(0, np.float32), np.array(6, np.float32)
        self.relu6 = isinstance(cast(BatchNormAct2d, backbone.net.bn1).act, nn.ReLU6)
        self.limits = (g.constant("zero", zero), g.constant("six", six)) if self.relu6 else ()

    def stages(self, pixels: str, count: int) -> str:
        """Stem and the first stages, of pixels (B,3,side,side) in [0, 255]."""
        g = self.g
        x = centred(g, pixels, self.backbone.inputs)
        x = self.conv(x, "conv_stem", "bn1", True)
        for at, block in _blocks(self.backbone):
            if int(at.split(".")[1]) >= count:
                break
            before = x
            for layer, norm, active in _layers(block):
                x = self.conv(x, f"{at}.{layer}", f"{at}.{norm}", active)
                if layer == "conv_dw" and isinstance(block.se, SqueezeExcite):
                    x = self.squeeze_excite(x, f"{at}.se", block.se)
            if block.has_skip:
                x = g.add("Add", [x, before], f"{at}.sum")
            if self.side == FINE:
                self.fine, self.channels = x, _channels(block)
        return x

    def squeeze_excite(self, x: str, at: str, se: SqueezeExcite) -> str:
        """Channels weighted by what a small network makes of their means (Hu et al., 2018)."""
        g = self.g
        y = g.add("GlobalAveragePool", [x], f"{at}.means")
        for name, layer in (("conv_reduce", se.conv_reduce), ("conv_expand", se.conv_expand)):
            assert layer.bias is not None
            weights = g.constant(f"{at}.{name}.weight", layer.weight)
            y = g.add(
                "Conv", [y, weights, g.constant(f"{at}.{name}.bias", layer.bias)], f"{at}.{name}"
            )
            y = self.swish(y) if name == "conv_reduce" else g.add("Sigmoid", [y], f"{at}.gate")
        return g.add("Mul", [x, y], f"{at}.weighted")

    def swish(self, x: str) -> str:
        return self.g.add("Mul", [x, self.g.add("Sigmoid", [x], f"{x}.sigmoid")], f"{x}.swish")

    def conv(self, x: str, name: str, norm: str, active: bool) -> str:
        net, g = self.backbone.net, self.g
        layer = cast(nn.Conv2d, net.get_submodule(name))
        weight, bias = _folded(layer, cast(nn.BatchNorm2d, net.get_submodule(norm)))
        if name == "conv_stem":  # the other half of x/127.5 - 1; zero padding stays zero
            weight = weight / input_scale(self.backbone.inputs)[1]
        stride, kernel = layer.stride[0], layer.kernel_size[0]
        y = g.add(
            "Conv",
            [x, g.constant(f"{name}.weight", weight), g.constant(f"{name}.bias", bias)],
            f"{name}.out",
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=_same_pads(self.side, kernel, stride),
            group=layer.groups,
        )
        self.side = -(-self.side // stride)
        if not active:
            return y
        return g.add("Clip", [y, *self.limits], f"{name}.relu6") if self.relu6 else self.swish(y)


def site_list(model: SimpleCnaps) -> list[Site]:
    """The FiLM sites in the generator's order, with the initialisers that they change."""
    convolution_of = {"bn1": "conv_stem", "bn2": "conv_head"}
    for at, block in _blocks(model.backbone):
        convolution_of |= {f"{at}.{norm}": f"{at}.{layer}" for layer, norm, _ in _layers(block)}
    sites = []
    for site, channels in zip(model.sites, model.channels, strict=True):
        name = site.removeprefix("net.")
        convolution = convolution_of[name]
        sites.append(Site(name, channels, f"{convolution}.weight", f"{convolution}.bias"))
    return sites


def _blocks(backbone: Backbone) -> list[tuple[str, DepthwiseSeparableConv | InvertedResidual]]:
    """The blocks and their names, in order."""
    kinds = (DepthwiseSeparableConv, InvertedResidual)
    return [(name, m) for name, m in backbone.net.named_modules() if isinstance(m, kinds)]


def _layers(block: DepthwiseSeparableConv | InvertedResidual) -> list[tuple[str, str, bool]]:
    """(convolution, batch-norm, whether an activation follows) of a block, in order."""
    if isinstance(block, DepthwiseSeparableConv):
        return [("conv_dw", "bn1", True), ("conv_pw", "bn2", False)]
    return [("conv_pw", "bn1", True), ("conv_dw", "bn2", True), ("conv_pwl", "bn3", False)]


def _channels(block: DepthwiseSeparableConv | InvertedResidual) -> int:
    """What a block gives."""
    last = block.conv_pw if isinstance(block, DepthwiseSeparableConv) else block.conv_pwl
    return cast(nn.Conv2d, last).out_channels


def _middle() -> np.ndarray:
    """(FINE * FINE,): cells' mean over the middle less that over all, as a product."""
    share = np.full((FINE, FINE), -1 / FINE**2, np.float32)
    share[FIRST : FIRST + MIDDLE, FIRST : FIRST + MIDDLE] += 1 / MIDDLE**2
    return share.ravel()


def _colours(g: Graph, pixels: str) -> str:
    """Mean colours (B,3,FINE,FINE) of pixels (B,3,S,S) in [0, 255]: luma, red and blue differences
    (ITU-R BT.601) as shares of 255, luma times 1/4, because light changes and a thing does not.
    """
    luma = np.array([0.299, 0.587, 0.114])
    red, blue = 0.713 * (np.eye(3)[0] - luma), 0.564 * (np.eye(3)[2] - luma)
    size = SIDE // FINE
    each = np.stack([luma / 4, red, blue])[:, :, None, None] / (255 * size**2)
    weight = np.tile(each, (1, 1, size, size)).astype(np.float32)
    return g.add("Conv", [pixels, g.constant("colour_weight", weight)], "colours",
                 kernel_shape=[size, size], strides=[size, size])  # fmt: skip


def _middle_of(g: Graph, colours: str) -> str:
    """(B, 3 * MIDDLE * MIDDLE): the colours of the middle cells."""
    edges = {"first_cell": [FIRST] * 2, "end_cell": [FIRST + MIDDLE] * 2, "both_sides": [2, 3]}
    names = [g.constant(name, np.array(value)) for name, value in edges.items()]
    return g.add("Flatten", [g.add("Slice", [colours, *names], "middle_cells")], "middle_colours")


def _folded(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[np.ndarray, np.ndarray]:
    """Weight and bias of the convolution that equals conv, then batch-norm in evaluation mode."""
    assert norm.running_mean is not None and norm.running_var is not None
    w, scale, shift, mean, var = (
        t.detach().cpu().numpy().astype(np.float64)
        for t in (conv.weight, norm.weight, norm.bias, norm.running_mean, norm.running_var)
    )
    factor = scale / np.sqrt(var + norm.eps)
    return (
        (w * factor[:, None, None, None]).astype(np.float32),
        (shift - mean * factor).astype(np.float32),
    )


def _same_pads(side: int, kernel: int, stride: int) -> list[int]:
    """TensorFlow's SAME padding, as ONNX writes it: the odd pixel goes below and to the right."""
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return [total // 2, total // 2, total - total // 2, total - total // 2]
