"""The torch parts as ONNX graphs, written node by node: same weights, same bytes, on every machine.

Batch-norm is folded, so that a FiLM site of `backbone.onnx` is one convolution whose weight and
bias are raw float32 initialisers. Written by hand rather than traced, because what a tracer emits
changes with its version and the frozen backbone must be the same file in every export. Nothing is
compared here; `export` does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from timm.models._efficientnet_blocks import DepthwiseSeparableConv, InvertedResidual
from torch import nn

from model.card import GRID, Site
from model.frames import SIDE
from model.nn.backbone import FEATURES, Backbone
from model.nn.cnaps import SimpleCnaps
from model.nn.film import FilmGenerator, FilmVector
from model.nn.set_encoder import GROUPS, SetEncoder

OPSET = 18
IR_VERSION = 10


class _Graph:
    """Nodes and initialisers under construction; a value is known by its name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.ndarray | torch.Tensor) -> str:
        array = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=output, **attributes))
        return output

    def model(
        self, name: str, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
    ) -> onnx.ModelProto:
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.tensors)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(
            graph, ir_version=IR_VERSION, opset_imports=[opset], producer_name="training.export"
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def backbone_graph(backbone: Backbone) -> onnx.ModelProto:
    """frames uint8 (B,S,S,3) -> map (B,D,7,7) and its mean over space, features (B,D)."""
    net, g = backbone.net, _Graph()
    six = (g.constant("zero", np.array(0, np.float32)), g.constant("six", np.array(6, np.float32)))
    x = g.add(
        "Sub", [_pixels(g), g.constant("grey", np.array(127.5, np.float32))], "centred"
    )  # [-127.5, 127.5]
    side = SIDE

    def conv(x: str, name: str, norm: str, relu: bool) -> str:
        nonlocal side
        layer = cast(nn.Conv2d, net.get_submodule(name))
        weight, bias = _folded(layer, cast(nn.BatchNorm2d, net.get_submodule(norm)))
        if name == "conv_stem":
            weight = weight / np.float32(
                127.5
            )  # the other half of x/127.5 - 1; zero padding stays zero
        stride, kernel = layer.stride[0], layer.kernel_size[0]
        y = g.add(
            "Conv",
            [x, g.constant(f"{name}.weight", weight), g.constant(f"{name}.bias", bias)],
            f"{name}.out",
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=_same_pads(side, kernel, stride),
            group=layer.groups,
        )
        side = -(-side // stride)
        return g.add("Clip", [y, *six], f"{name}.relu6") if relu else y

    x = conv(x, "conv_stem", "bn1", True)
    for at, block in _blocks(backbone):
        before = x
        for layer, norm, relu in _layers(block):
            x = conv(x, f"{at}.{layer}", f"{at}.{norm}", relu)
        if block.has_skip:
            x = g.add("Add", [x, before], f"{at}.sum")
    x = conv(x, "conv_head", "bn2", True)
    g.add("Identity", [x], "map")
    g.add("Flatten", [g.add("GlobalAveragePool", [x], "pooled")], "features", axis=1)
    out = helper.make_tensor_value_info
    return g.model(
        "backbone",
        [_frames()],
        [
            out("map", TensorProto.FLOAT, ["B", FEATURES, GRID, GRID]),
            out("features", TensorProto.FLOAT, ["B", FEATURES]),
        ],
    )


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


def set_encoder_graph(encoder: SetEncoder) -> onnx.ModelProto:
    """frames uint8 (B,S,S,3) -> embedding (B,E)."""
    g = _Graph()
    half = g.add("AveragePool", [_pixels(g)], "half", kernel_shape=[2, 2], strides=[2, 2])
    x = g.add("Sub", [half, g.constant("grey", np.array(127.5, np.float32))], "centred")
    grouped = g.constant("grouped", np.array([0, GROUPS, -1], np.int64))
    ones = g.constant("ones", np.ones(GROUPS, np.float32))
    zeros = g.constant("zeros", np.zeros(GROUPS, np.float32))
    for i, (conv, norm) in enumerate(encoder.layers()):
        weight = conv.weight / 127.5 if i == 0 else conv.weight
        bias = cast(torch.Tensor, conv.bias)
        tensors = [g.constant(f"conv{i}.weight", weight), g.constant(f"conv{i}.bias", bias)]
        x = g.add("Conv", [x, *tensors], f"conv{i}", strides=[2, 2], pads=[1, 1, 1, 1])
        shape = g.add("Shape", [x], f"shape{i}")
        x = g.add("Reshape", [x, grouped], f"groups{i}")
        x = g.add("InstanceNormalization", [x, ones, zeros], f"normal{i}", epsilon=norm.eps)
        x = g.add("Reshape", [x, shape], f"channels{i}")
        x = g.add("Mul", [x, g.constant(f"norm{i}.weight", norm.weight[:, None, None])], f"mul{i}")
        x = g.add("Add", [x, g.constant(f"norm{i}.bias", norm.bias[:, None, None])], f"add{i}")
        x = g.add("Relu", [x], f"relu{i}")
    mean = g.add("Flatten", [g.add("GlobalAveragePool", [x], "pooled")], "mean", axis=1)
    project = encoder.project
    tensors = [
        g.constant("project.weight", project.weight),
        g.constant("project.bias", project.bias),
    ]
    g.add("Gemm", [mean, *tensors], "embedding", transB=1)
    output = helper.make_tensor_value_info(
        "embedding", TensorProto.FLOAT, ["B", project.out_features]
    )
    return g.model("set_encoder", [_frames()], [output])


def film_generator_graph(generator: FilmGenerator, embedding: int) -> onnx.ModelProto:
    """Task embedding (1,E) -> film (1,2C); r is folded into the last layers."""
    g = _Graph()
    vectors = generator.vectors()
    sites = len(vectors) // 2
    film = [
        *(_film_vector(g, f"gamma{i}", v, 1.0) for i, v in enumerate(vectors[:sites])),
        *(_film_vector(g, f"beta{i}", v, 0.0) for i, v in enumerate(vectors[sites:])),
    ]
    g.add("Concat", film, "film", axis=1)
    count = sum(len(v.r) for v in vectors)
    info = helper.make_tensor_value_info
    return g.model(
        "film_generator",
        [info("embedding", TensorProto.FLOAT, [1, embedding])],
        [info("film", TensorProto.FLOAT, [1, count])],
    )


def _film_vector(g: _Graph, name: str, vector: FilmVector, offset: float) -> str:
    first, norm, (weight, bias) = vector.first, vector.norm, vector.folded()
    tensors = [g.constant(f"{name}.w1", first.weight), g.constant(f"{name}.b1", first.bias)]
    x = g.add("Gemm", ["embedding", *tensors], f"{name}.first", transB=1)
    tensors = [g.constant(f"{name}.scale", norm.weight), g.constant(f"{name}.shift", norm.bias)]
    x = g.add("LayerNormalization", [x, *tensors], f"{name}.norm", epsilon=norm.eps)
    x = g.add("Relu", [x], f"{name}.relu")
    tensors = [
        g.constant(f"{name}.w2", weight),
        g.constant(f"{name}.b2", bias + offset),
    ]
    return g.add("Gemm", [x, *tensors], name, transB=1)


def _frames() -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info("frames", TensorProto.UINT8, ["B", SIDE, SIDE, 3])


def _pixels(g: _Graph) -> str:
    """frames uint8 (B,S,S,3) -> (B,3,S,S) float32 in [0, 255]; turning bytes is cheapest."""
    turned = g.add("Transpose", ["frames"], "turned", perm=[0, 3, 1, 2])
    return g.add("Cast", [turned], "pixels", to=TensorProto.FLOAT)


def _blocks(backbone: Backbone) -> list[tuple[str, DepthwiseSeparableConv | InvertedResidual]]:
    """The blocks and their names, in order."""
    kinds = (DepthwiseSeparableConv, InvertedResidual)
    return [(name, m) for name, m in backbone.net.named_modules() if isinstance(m, kinds)]


def _layers(block: DepthwiseSeparableConv | InvertedResidual) -> list[tuple[str, str, bool]]:
    """(convolution, batch-norm, whether ReLU6 follows) of a block, in order."""
    if isinstance(block, DepthwiseSeparableConv):
        return [("conv_dw", "bn1", True), ("conv_pw", "bn2", False)]
    return [("conv_pw", "bn1", True), ("conv_dw", "bn2", True), ("conv_pwl", "bn3", False)]


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
