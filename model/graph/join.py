"""From a personaliser and a fitted head to one ONNX file: numpy and onnx, no torch.

Two steps. `fold_film` writes the task's FiLM into the backbone: gamma * (W x + b) + beta is the
convolution with W' = gamma W and b' = gamma b + beta, so adaptation costs nothing at run time.
`join` puts the crop before that backbone and the head (`model.head`, same symbols) behind it. The
graphs stand here as ONNX's own text. Their nodes are the same for every task: a task is numbers
(`constants`) beside them, and so a page can join a file, too (`model.graph.parts`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.compose import merge_graphs
from onnx.parser import parse_model

from model.card import Card, Site
from model.confidence.unknown import OwnLooks
from model.frames import SIDE
from model.graph.crop import CROP
from model.graph.place import CELLS, beyond, evidence, place_text
from model.graph.unknown import colour_constants, layout, unknown_constants, unknown_text
from model.head import Float, Head

OUTPUTS = ("probabilities", "logits", "unknown", "likeness", "where")
BACKBONE, HEAD = "b_", "h_"  # how the names of their values begin in the file
PUBLIC = {HEAD + name: name for name in OUTPUTS}  # names in the file
# The lowest that the graph needs (CenterCropPad is of opset 18): onnxruntime from 1.15 opens it.
IR_VERSION, OPSET = 8, 18
HEADER = f'<ir_version: {IR_VERSION}, opset_import: ["" : {OPSET}]>'

# (B,D) features, or (B,D,7,7) -> the mean of every window, of one side after the other: (B,P,D).
WHOLE_FRAME = """
    one = Constant <value_ints = [1]> ()
    windows = Unsqueeze (features, one)
"""
ONE_SIDE = """
    means_{w} = AveragePool <kernel_shape = [{w}, {w}], strides = [1, 1]> (features)
    flat_{w} = Reshape (means_{w}, flat_shape)
"""
WINDOWS = """
    flat_shape = Constant <value_ints = [0, 0, -1]> ()
    {sides}
    all_flat = Concat <axis = 2> ({flat})
    windows = Transpose <perm = [0, 2, 1]> (all_flat)
"""
RAW = """
    x = Identity (windows)
"""
UNIT = """
    tiny = Constant <value_float = 1e-12> ()
    last = Constant <value_ints = [-1]> ()
    length = ReduceL2 <keepdims = 1> (windows, last)
    safe = Max (length, tiny)
    direction = Div (windows, safe)
    x = Mul (direction, root_d)
"""
# The four terms of `model.head.distances`; `weights`, `centres` (1,1,K,r), `rows` (r,N), `owner`
# (N,K).
DISTANCE = """
    axis = Constant <value_ints = [-1]> ()
    offset = Sub (x, mean)
    u = MatMul (offset, basis)
    u_k = Unsqueeze (u, minus_two)
    from_centre = Sub (u_k, centres)
    squared = Mul (from_centre, from_centre)
    weighted = Mul (squared, weights)
    to_centres = ReduceSum <keepdims = 0> (weighted, axis)
    along_all = MatMul (u, rows)
    along = Sub (along_all, along_centres)
    along_squared = Mul (along, along)
    own = MatMul (along_squared, owner)
    all_squares = ReduceSumSquare <keepdims = 1> (offset, axis)
    span_squares = ReduceSumSquare <keepdims = 1> (u, axis)
    outside = Sub (all_squares, span_squares)
    in_span = Sub (to_centres, own)
    distance = Add (in_span, outside)
    scores = Mul (distance, minus_t)
"""
# Windows that are nearly empty point nowhere in particular; they lose against every other window.
# Where all are empty none is, or the penalty would swallow the digits in which the scores differ.
FLOOR = """
    p_axis = Constant <value_ints = [-1]> ()
    norm = ReduceL2 <keepdims = 1> (windows, p_axis)
    empty = Less (norm, floor)
    nothing = Constant <value_float = 0.0> ()
    penalty = Constant <value_float = 1e6> ()
    lost_or_not = Where (empty, penalty, nothing)
    windows_axis = Constant <value_ints = [1]> ()
    least = ReduceMin <keepdims = 1> (lost_or_not, windows_axis)
    lost = Sub (lost_or_not, least)
    candidates = Sub (scores, lost)
"""
BEST = """
    places = Constant <value_ints = [1]> ()
    logits = ReduceMax <keepdims = 0> ({scores}, places)
    sharp = Mul (logits, sharpness)
    probabilities = Softmax <axis = -1> (sharp)
"""


def fold_film(
    backbone: onnx.ModelProto, sites: Sequence[Site], film: np.ndarray
) -> onnx.ModelProto:
    """A copy of the backbone in which y = gamma * y + beta holds at every site.

    film: (2 C,) float32, C the sum of the sites' channels: all gammas in the order of `sites`, then
    all betas.
    """
    folded = onnx.ModelProto()
    folded.CopyFrom(backbone)
    tensors = {tensor.name: tensor for tensor in folded.graph.initializer}
    ends = np.cumsum([site.channels for site in sites])[:-1]
    gammas, betas = (np.split(half, ends) for half in np.split(film.astype(np.float32), 2))
    for site, gamma, beta in zip(sites, gammas, betas, strict=True):
        weight, bias = tensors[site.weight], tensors[site.bias]
        w, b = numpy_helper.to_array(weight), numpy_helper.to_array(bias)
        weight.CopyFrom(numpy_helper.from_array(gamma[:, None, None, None] * w, site.weight))
        bias.CopyFrom(numpy_helper.from_array(gamma * b + beta, site.bias))
    return folded


@dataclass(frozen=True)
class Fitted:
    """What adaptation has learned of a task."""

    head: Head
    support: Float  # (N, D) scaled features
    middles: Float  # (K, C) v_k of `model.graph.place`
    colours: np.ndarray  # (N, 3, MIDDLE * MIDDLE) of the middle cells; N is 0 without a fine map
    floor: float  # windows whose feature is shorter than this are left out
    looks: OwnLooks | None  # None: the personaliser has no calibration
    counter_examples: Float | None = None  # (n, D) directions of counter-examples


def join(backbone: onnx.ModelProto, fitted: Fitted, names: Sequence[str], card: Card) -> bytes:
    """The Adapted model: frames uint8 RGB (B,H,W,3) of any size -> logits and probabilities (B,K),
    where (B,4), and with a calibration unknown (B,) and likeness (B,K), of which it is made.
    """
    model = envelope(card)
    model.graph.CopyFrom(nodes(backbone.graph, card, fitted.counter_examples is not None))
    model.graph.initializer.extend(
        numpy_helper.from_array(value, HEAD + name) for name, value in constants(fitted, card)
    )
    shots = np.bincount(fitted.head.labels).tolist()
    told = {"names": json.dumps(list(names), ensure_ascii=False), "shots": json.dumps(shots)}
    model.metadata_props.extend(
        onnx.StringStringEntryProto(key=k, value=v) for k, v in told.items()
    )
    return model.SerializeToString()


def envelope(card: Card) -> onnx.ModelProto:
    """What an Adapted model says of itself, whatever the task; its graph is empty."""
    model = onnx.helper.make_model(
        onnx.GraphProto(),
        producer_name="teach-it-your-things",
        ir_version=IR_VERSION,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
    )
    facts = {
        "side": str(SIDE),
        "method": "Simple CNAPs",
        "personaliser": card.name,
        "personaliser_sha256": card.sha256,
        "created_by": f"teach-it-your-things, onnx {version('onnx')}",
    }
    onnx.helper.set_model_props(model, facts)
    return model


def nodes(backbone: onnx.GraphProto, card: Card, countered: bool) -> onnx.GraphProto:
    """The graph of an Adapted model, which lacks the numbers of `constants` alone.

    countered: there are counter-examples. The tensors of the backbone come along, as BACKBONE and
    their name.
    """
    crop = parse_model(HEADER + CROP.format(side=SIDE)).graph
    output = BACKBONE + ("map" if card.head.windows else "features")
    # Graphs, not models: merging models would check and copy every weight four times over.
    whole = merge_graphs(crop, backbone, [("square", "frames")], prefix2=BACKBONE)
    fine = bool(card.head.windows) and shows_fine(backbone)
    finer = ("fine", "colours") if fine else ()
    links = [(output, "features"), ("size", "size"), *((BACKBONE + name, name) for name in finer)]
    graph = merge_graphs(whole, _head_nodes(card, fine, countered), links, prefix2=HEAD)
    graph.name = "adapted"
    for node in graph.node:
        node.output[:] = [PUBLIC.get(name, name) for name in node.output]
        node.input[:] = [PUBLIC.get(name, name) for name in node.input]
    kept = [value for value in graph.output if value.name in PUBLIC]
    del graph.output[:]
    graph.output.extend(kept)
    for value in graph.output:
        value.name = PUBLIC[value.name]
    return graph


def shows_fine(backbone: onnx.GraphProto) -> bool:
    """Has it the outputs `fine`, `colours` and `support`? Folders from before them have none."""
    return any(output.name == "fine" for output in backbone.output)


def kept_of(backbone: onnx.GraphProto) -> str:
    """The output that is kept of a support frame: more than its features where there is more."""
    return "support" if shows_fine(backbone) else "features"


def _head_nodes(card: Card, fine: bool, countered: bool) -> onnx.GraphProto:
    windows, unit = card.head.windows, card.head.features == "unit"
    coloured = fine and bool(card.calibration and card.calibration.colour)
    taken = "float[B,D,S,S] features" if windows else "float[B,D] features"
    taken += ", int64[2] size" + ", float[B,C,F,F] fine, float[B,T,F,F] colours" * fine
    told = ", float[B] unknown, float[B,K] likeness" if card.calibration else ""
    pooled = WINDOWS.format(
        sides="".join(ONE_SIDE.format(w=w) for w in windows),
        flat=", ".join(f"flat_{w}" for w in windows),
    )
    scores = "candidates" if windows else "scores"
    outputs = f"float[B,K] probabilities, float[B,K] logits, float[B,4] where{told}"
    graph = parse_model(
        HEADER
        + f"head ({taken}) => ({outputs}) {{"
        + (pooled if windows else WHOLE_FRAME)
        + (UNIT if unit else RAW)
        + DISTANCE
        + (FLOOR if windows else "")
        + BEST.format(scores=scores)
        + place_text(bool(windows), fine)
        + (unknown_text(bool(windows), countered, coloured) if card.calibration else "")
        + "}"
    ).graph
    same = {"minus_t": np.float32(-card.head.temperature), "minus_two": np.array([-2])}
    if windows:
        same["cells"] = CELLS.astype(np.float32)
        same["beyond_share"] = beyond(fine).astype(np.float32)
    if unit:
        same["root_d"] = np.float32(np.sqrt(card.features))
    if card.calibration:
        same["steepness"] = np.float32(card.calibration.steepness)
    if card.calibration and coloured:
        same["colour_apart"] = np.float32(card.calibration.colour)
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), name) for name, value in same.items()
    )
    expecting(graph, HEAD)
    return graph


def expecting(graph: onnx.GraphProto, prefix: str) -> None:
    """Give what the graph lacks the names that it will have in the file: merging and prefixing
    rename only what is there.
    """
    here = {value.name for value in (*graph.input, *graph.initializer)}
    here |= {name for node in graph.node for name in node.output} | {""}  # "": an input left out
    for node in graph.node:
        node.input[:] = [name if name in here else prefix + name for name in node.input]


def constants(fitted: Fitted, card: Card) -> Iterator[tuple[str, np.ndarray]]:
    """The numbers of a task, float32 or int64, that the nodes of the head ask for."""
    head, known = fitted.head, card.calibration
    whole, real = {}, {
        "mean": head.mean,
        "basis": head.basis,
        "centres": head.centres[None, None],
        "weights": head.weights[None, None],
        "rows": head.rows.T,
        "along_centres": (head.rows * head.centres[head.labels]).sum(-1),
        "owner": np.eye(len(head.centres))[head.labels],
        "sharpness": np.array(known.sharpness_for(head.labels) if known else 1.0),
    }  # fmt: skip
    if card.head.windows:
        real |= {"floor": np.array(fitted.floor), "evidence": evidence(head, fitted.support)}
        if fitted.middles.size:
            real["middles"] = fitted.middles
    if fitted.looks and known:
        whole |= layout(head.labels)
        real |= unknown_constants(head, fitted.support, fitted.looks, known)
        if card.head.windows and known.colour and len(fitted.colours):
            real |= colour_constants(fitted.colours, head.labels)
        if fitted.counter_examples is not None:
            real["counters"] = fitted.counter_examples.T
    yield from whole.items()
    yield from ((name, value.astype(np.float32)) for name, value in real.items())
