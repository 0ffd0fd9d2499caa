"""An ONNX graph under construction, node by node: same weights, same bytes, on every machine.

Written by hand rather than traced, because what a tracer emits changes with its version and the
frozen backbone must be the same file in every export.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from model.frames import SIDE
from model.nn.backbone import INPUTS

OPSET = 18
IR_VERSION = 10


class Graph:
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


def frames_input() -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info("frames", TensorProto.UINT8, ["B", SIDE, SIDE, 3])


def pixels_of(g: Graph) -> str:
    """frames uint8 (B,S,S,3) -> (B,3,S,S) float32 in [0, 255]; turning bytes is cheapest."""
    turned = g.add("Transpose", ["frames"], "turned", perm=[0, 3, 1, 2])
    return g.add("Cast", [turned], "pixels", to=TensorProto.FLOAT)


def half_of(g: Graph) -> str:
    """frames -> pixels (B,3,S/2,S/2)."""
    return g.add("AveragePool", [pixels_of(g)], "half", kernel_shape=[2, 2], strides=[2, 2])


def input_scale(inputs: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of pixels in [0, 255], float32: one number, or one a channel (3, 1, 1)."""
    if inputs == "half":
        return np.array(127.5, np.float32), np.array(127.5, np.float32)
    mean, deviation = (255 * np.array(v, np.float32)[:, None, None] for v in INPUTS[inputs])
    return mean, deviation


def centred(g: Graph, pixels: str, inputs: str) -> str:
    """Pixels less their mean: [-127.5, 127.5]; the first convolution divides by the deviation."""
    return g.add("Sub", [pixels, g.constant("grey", input_scale(inputs)[0])], "centred")
