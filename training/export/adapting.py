"""Set encoders and FiLM generators as ONNX graphs."""

from __future__ import annotations

from typing import cast

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper

from model.frames import SIDE
from model.nn.backbone import EARLY_STAGES, Backbone
from model.nn.blend import STEPS, BlendedFilm, DomainEncoder
from model.nn.film import FilmGenerator, FilmVector
from model.nn.published_set_encoder import CHANNELS, PublishedSetEncoder
from model.nn.set_encoder import GROUPS, SetEncoder
from training.export.graph import (
    Graph,
    centred,
    frames_input,
    half_of,
    input_scale,
    pixels_of,
)
from training.export.trunk import Trunk


def set_encoder_graph(encoder: SetEncoder) -> onnx.ModelProto:
    """frames uint8 (B,S,S,3) -> embedding (B,E)."""
    g = Graph()
    x = centred(g, half_of(g), "half")
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
    return g.model("set_encoder", [frames_input()], [output])


def published_set_encoder_graph(encoder: PublishedSetEncoder) -> onnx.ModelProto:
    """frames uint8 (B,S,S,3) -> embedding (B,64); B frames share their statistics in `batch`."""
    g = Graph()
    x = centred(g, pixels_of(g), encoder.inputs)
    axes = g.constant("axes", np.array([0, 2, 3], np.int64)) if encoder.batch else ""
    for i, (conv, norm) in enumerate(encoder.layers()):
        weight, bias = (cast(torch.Tensor, t).detach().numpy() for t in (conv.weight, conv.bias))
        if i == 0:
            weight = weight / input_scale(encoder.inputs)[1]
        tensors = [g.constant(f"conv{i}.weight", weight), g.constant(f"conv{i}.bias", bias)]
        x = g.add("Conv", [x, *tensors], f"conv{i}", pads=[1, 1, 1, 1])
        if encoder.batch:
            mean = g.add("ReduceMean", [x, axes], f"mean{i}")
            offset = g.add("Sub", [x, mean], f"offset{i}")
            squares = g.add("Mul", [offset, offset], f"squares{i}")
            variance = g.add("ReduceMean", [squares, axes], f"variance{i}")
        else:
            known = {"mean": norm.running_mean, "variance": norm.running_var}
            mean, variance = (
                g.constant(f"{name}{i}", cast(torch.Tensor, value)[:, None, None])
                for name, value in known.items()
            )
            offset = g.add("Sub", [x, mean], f"offset{i}")
        safe = g.add(
            "Add", [variance, g.constant(f"eps{i}", np.array(norm.eps, np.float32))], f"safe{i}"
        )
        normal = g.add("Div", [offset, g.add("Sqrt", [safe], f"deviation{i}")], f"normal{i}")
        scaled = g.add(
            "Mul", [normal, g.constant(f"scale{i}", norm.weight[:, None, None])], f"mul{i}"
        )
        shifted = g.add(
            "Add", [scaled, g.constant(f"shift{i}", norm.bias[:, None, None])], f"add{i}"
        )
        x = g.add("Relu", [shifted], f"relu{i}")
        x = g.add("MaxPool", [x], f"pool{i}", kernel_shape=[2, 2], strides=[2, 2])
    g.add("Flatten", [g.add("GlobalAveragePool", [x], "pooled")], "embedding", axis=1)
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["B", CHANNELS])
    return g.model("set_encoder", [frames_input()], [output])


def domain_encoder_graph(backbone: Backbone, encoder: DomainEncoder) -> onnx.ModelProto:
    """frames uint8 (B,S,S,3) -> embedding (B,K): scores of the domains."""
    g = Graph()
    x = Trunk(g, backbone, SIDE // 2).stages(half_of(g), EARLY_STAGES)
    means = g.add("Flatten", [g.add("GlobalAveragePool", [x], "pooled")], "means", axis=1)
    line = encoder.line
    tensors = [g.constant("line.weight", line.weight), g.constant("line.bias", line.bias)]
    g.add("Gemm", [means, *tensors], "embedding", transB=1)
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["B", line.out_features])
    return g.model("set_encoder", [frames_input()], [output])


def blended_film_graph(film: BlendedFilm) -> onnx.ModelProto:
    """embedding (1,K), the domains' scores -> film (1,2C)."""
    g = Graph()
    vectors = film.vectors()
    middle = vectors.mean(0)
    steps = g.constant("steps", np.array(STEPS, np.float32))
    shares = g.add("Softmax", ["embedding"], "shares", axis=1)
    whole = g.add("Round", [g.add("Mul", [shares, steps], "far")], "whole")
    p = g.add("Div", [whole, steps], "p")
    moved = g.add("MatMul", [p, g.constant("away", vectors - middle)], "moved")
    g.add("Add", [moved, g.constant("middle", middle[None])], "film")
    info = helper.make_tensor_value_info
    return g.model(
        "film_generator",
        [info("embedding", TensorProto.FLOAT, [1, len(vectors)])],
        [info("film", TensorProto.FLOAT, [1, vectors.shape[1]])],
    )


def film_generator_graph(
    generator: FilmGenerator, embedding: int, norm_biases: torch.Tensor | None = None
) -> onnx.ModelProto:
    """Task embedding (1,E) -> film (1,2C); r is folded into the last layers.

    norm_biases: (C,), where FiLM acts on the norms' parameters and not on their output.
    """
    g = Graph()
    vectors = generator.vectors()
    sites = len(vectors) // 2
    film = [
        *(_film_vector(g, f"gamma{i}", v, 1.0) for i, v in enumerate(vectors[:sites])),
        *(_film_vector(g, f"beta{i}", v, 0.0) for i, v in enumerate(vectors[sites:])),
    ]
    if norm_biases is None:
        g.add("Concat", film, "film", axis=1)
    else:
        gammas = g.add("Concat", film[:sites], "gammas", axis=1)
        betas = g.add("Concat", film[sites:], "betas", axis=1)
        moved = g.add("Sub", [gammas, g.constant("one", np.array(1, np.float32))], "moved")
        biases = g.constant("norm_biases", norm_biases[None])
        own = g.add("Sub", [betas, g.add("Mul", [moved, biases], "with_gamma")], "own")
        g.add("Concat", [gammas, own], "film", axis=1)
    count = sum(len(v.r) for v in vectors)
    info = helper.make_tensor_value_info
    return g.model(
        "film_generator",
        [info("embedding", TensorProto.FLOAT, [1, embedding])],
        [info("film", TensorProto.FLOAT, [1, count])],
    )


def _film_vector(g: Graph, name: str, vector: FilmVector, offset: float) -> str:
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
