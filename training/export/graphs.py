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
from model.nn.backbone import EARLY_STAGES, FEATURES, Backbone
from model.nn.cnaps import SimpleCnaps
from model.nn.film import FilmGenerator, FilmVector
from model.nn.gate import SOFT, STEPS, Gate, TwoFilms
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


def parts(model: SimpleCnaps) -> tuple[onnx.ModelProto, onnx.ModelProto, onnx.ModelProto]:
    """Set encoder, FiLM generator and backbone; InputError where the context is statistics."""
    encoder, generator = model.set_encoder, model.film_generator
    if isinstance(encoder, Gate) and isinstance(generator, TwoFilms):
        adapting = gate_graph(model.backbone, encoder), two_films_graph(generator)
    else:
        encoder, generator = model.pixel_parts()
        adapting = (
            set_encoder_graph(encoder),
            film_generator_graph(generator, model.config.embedding),
        )
    return *adapting, backbone_graph(model.backbone)


def backbone_graph(backbone: Backbone) -> onnx.ModelProto:
    """frames uint8 (B,S,S,3) -> map (B,D,7,7) and its mean over space, features (B,D)."""
    g = _Graph()
    trunk = _Trunk(g, backbone, SIDE)
    x = trunk.stages(_pixels(g), len(backbone.net.blocks))
    x = trunk.conv(x, "conv_head", "bn2", True)
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


class _Trunk:
    """The frozen backbone's convolutions under construction, on a square of `side` pixels."""

    def __init__(self, g: _Graph, backbone: Backbone, side: int) -> None:
        self.g, self.backbone, self.side = g, backbone, side
        zero, six = np.array(0, np.float32), np.array(6, np.float32)
        self.limits = g.constant("zero", zero), g.constant("six", six)

    def stages(self, pixels: str, count: int) -> str:
        """Stem and the first stages, of pixels (B,3,side,side) in [0, 255]."""
        g = self.g
        grey = g.constant("grey", np.array(127.5, np.float32))
        x = g.add("Sub", [pixels, grey], "centred")  # [-127.5, 127.5]
        x = self.conv(x, "conv_stem", "bn1", True)
        for at, block in _blocks(self.backbone):
            if int(at.split(".")[1]) >= count:
                break
            before = x
            for layer, norm, relu in _layers(block):
                x = self.conv(x, f"{at}.{layer}", f"{at}.{norm}", relu)
            if block.has_skip:
                x = g.add("Add", [x, before], f"{at}.sum")
        return x

    def conv(self, x: str, name: str, norm: str, relu: bool) -> str:
        net, g = self.backbone.net, self.g
        layer = cast(nn.Conv2d, net.get_submodule(name))
        weight, bias = _folded(layer, cast(nn.BatchNorm2d, net.get_submodule(norm)))
        if name == "conv_stem":  # the other half of x/127.5 - 1; zero padding stays zero
            weight = weight / np.float32(127.5)
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
        return g.add("Clip", [y, *self.limits], f"{name}.relu6") if relu else y


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
    x = g.add("Sub", [_half(g), g.constant("grey", np.array(127.5, np.float32))], "centred")
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


def gate_graph(backbone: Backbone, gate: Gate) -> onnx.ModelProto:
    """frames uint8 (B,S,S,3) -> embedding (B,1), whose mean over a support is g."""
    g = _Graph()
    x = _Trunk(g, backbone, SIDE // 2).stages(_half(g), EARLY_STAGES)
    means = g.add("Flatten", [g.add("GlobalAveragePool", [x], "pooled")], "means", axis=1)
    line = [g.constant("line.weight", gate.line.weight), g.constant("line.bias", gate.line.bias)]
    g.add("Gemm", [means, *line], "embedding", transB=1)
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["B", 1])
    return g.model("set_encoder", [_frames()], [output])


def two_films_graph(films: TwoFilms) -> onnx.ModelProto:
    """embedding (1,1), which is g -> film (1,2C)."""
    g = _Graph()
    middle, to_above = (films.above + films.below) / 2, (films.above - films.below) / 2
    square = g.add("Mul", ["embedding", "embedding"], "square")
    soft = g.constant("soft", np.array(SOFT**2, np.float32))
    length = g.add("Sqrt", [g.add("Add", [square, soft], "sum")], "length")
    steps = g.constant("steps", np.array(STEPS, np.float32))
    far = g.add("Mul", [g.add("Div", ["embedding", length], "part"), steps], "far")
    way = g.add("Div", [g.add("Round", [far], "whole"), steps], "way")
    moved = g.add("Mul", [way, g.constant("to_above", to_above[None])], "moved")
    g.add("Add", [moved, g.constant("middle", middle[None])], "film")
    info = helper.make_tensor_value_info
    return g.model(
        "film_generator",
        [info("embedding", TensorProto.FLOAT, [1, 1])],
        [info("film", TensorProto.FLOAT, [1, len(films.above)])],
    )


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


def _half(g: _Graph) -> str:
    """frames -> pixels (B,3,S/2,S/2)."""
    return g.add("AveragePool", [_pixels(g)], "half", kernel_shape=[2, 2], strides=[2, 2])


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
