"""A personaliser in parts, for whoever adapts it without Python: graphs that only want running, and
pieces of ONNX files that only want putting one behind the other.

In protobuf's wire format a repeated field may go on anywhere: a graph's bytes followed by tensors
are the graph with these tensors. So an Adapted file, the same as `model.graph.join` writes, is

    model.pb, and as its `graph`: adapted.pb, all tensors of film.onnx, the numbers of the head;
    and the metadata `names` and `shots`

(countered.pb where there are counter-examples), and the backbone under the task's FiLM is the same
with backbone.pb, without the head's numbers and the metadata.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import onnx
from onnx import GraphProto, TensorProto, helper, numpy_helper
from onnx.compose import add_prefix_graph

from model.card import CLUTTER, MIDDLE, Card, Site, clutter_bytes
from model.errors import InputError
from model.graph.join import BACKBONE, IR_VERSION, OPSET, envelope, expecting, kept_of, nodes

SETTINGS = "settings.json"


def parts(
    card: Card, set_encoder: bytes, film_generator: GraphProto, backbone: GraphProto
) -> dict[str, bytes]:
    """{name: content}; InputError for a personaliser that a page cannot adapt."""
    if card.head.kind != "mahalanobis" or card.together or not card.calibration:
        raise InputError(
            f"The personaliser {card.name!r} cannot be adapted in a page: that takes a Mahalanobis "
            "head, a calibration.json and a set encoder that sees each frame by itself."
        )
    written = {name for site in card.sites for name in (site.weight, site.bias)}
    bare = GraphProto()
    bare.CopyFrom(backbone)
    del bare.initializer[:]
    bare.initializer.extend(t for t in backbone.initializer if t.name not in written)
    expecting(bare, BACKBONE)
    settings = asdict(card.head) | {"d": card.features, "calibration": asdict(card.calibration)}
    settings |= {"kept": BACKBONE + kept_of(backbone), "middle": MIDDLE}
    clutter = b"" if card.clutter is None else clutter_bytes(card.clutter)
    return {
        SETTINGS: json.dumps(settings, indent=1).encode(),
        "set_encoder.onnx": set_encoder,
        "film.onnx": film(film_generator, backbone, card.sites).SerializeToString(),
        CLUTTER: clutter,
        "model.pb": envelope(card).SerializeToString(),
        "backbone.pb": add_prefix_graph(bare, BACKBONE).SerializeToString(),
        "adapted.pb": nodes(bare, card, countered=False).SerializeToString(),
        "countered.pb": nodes(bare, card, countered=True).SerializeToString(),
    }


def film(generator: GraphProto, backbone: GraphProto, sites: Sequence[Site]) -> onnx.ModelProto:
    """The FiLM generator, and behind it what `model.graph.join.fold_film` does: embedding (1,E) ->
    film (1,2C), and the weight and bias of every site under it, named as in an Adapted file.
    """
    graph = GraphProto()
    graph.CopyFrom(generator)
    tensors = {tensor.name: tensor for tensor in backbone.initializer}
    sizes = np.tile([site.channels for site in sites], 2)
    graph.initializer.append(numpy_helper.from_array(sizes, "sizes"))
    graph.initializer.append(numpy_helper.from_array(np.array([-1, 1, 1, 1]), "by_channel"))
    graph.initializer.append(numpy_helper.from_array(np.array([-1]), "flat"))
    gammas, betas = ([f"{what}_{n}" for n in range(len(sites))] for what in ("gamma", "beta"))
    graph.node.append(helper.make_node("Split", ["film", "sizes"], [*gammas, *betas], axis=1))
    for site, gamma, beta in zip(sites, gammas, betas, strict=True):
        w, b = site.weight, site.bias
        graph.initializer.extend([tensors[w], tensors[b]])
        graph.node.extend(
            helper.make_node(kind, inputs, [output])
            for kind, inputs, output in (
                ("Reshape", [gamma, "by_channel"], f"{gamma}_w"),
                ("Mul", [f"{gamma}_w", w], BACKBONE + w),
                ("Reshape", [gamma, "flat"], f"{gamma}_b"),
                ("Reshape", [beta, "flat"], f"{beta}_b"),
                ("Mul", [f"{gamma}_b", b], f"{gamma}_scaled"),
                ("Add", [f"{gamma}_scaled", f"{beta}_b"], BACKBONE + b),
            )
        )
        graph.output.extend(
            helper.make_tensor_value_info(BACKBONE + name, TensorProto.FLOAT, tensors[name].dims)
            for name in (w, b)
        )
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[opset])
