"""onnxruntime as it is used here: on the CPU, quiet, small, without threads that spin as they wait.

A model from elsewhere is complete in itself and asks for standard operators only: what it names on
this machine's disk is never opened.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from google.protobuf.message import DecodeError
from onnxruntime.capi.onnxruntime_pybind11_state import (
    EPFail,
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    NotImplemented,
    RuntimeException,
)

from model.errors import InputError

# What onnxruntime raises for what it cannot use; its errors share no base class.
UNUSABLE = (
    *(EPFail, Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile, NotImplemented),
    *(RuntimeException, RuntimeError, ValueError, TypeError),
)
LOOPS = {"Loop", "Scan"}  # operators that may run for ever


def open_session(model: bytes, threads: int) -> ort.InferenceSession:
    """A session over the bytes of an ONNX model, computing with `threads` threads; InputError."""
    return _session(model, _options(threads))


def open_small_session(model: bytes, threads: int) -> ort.InferenceSession:
    """The same in half the memory and twice the time to open: for a session that is kept.

    Opening an ONNX file leaves a second copy of the weights behind. A file of onnxruntime's own
    format, optimised before, does not.
    """
    with tempfile.TemporaryDirectory() as folder:
        optimised = Path(folder) / "model.ort"
        options = _options(threads)
        options.optimized_model_filepath = str(optimised)
        options.add_session_config_entry("session.save_model_format", "ORT")
        _session(model, options)
        options = _options(threads)
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        return _session(optimised.read_bytes(), options)


def run(session: ort.InferenceSession, output: str, values: np.ndarray) -> np.ndarray:
    """One output of a session with one input; InputError if the model cannot compute it."""
    return run_all(session, [output], values)[0]


def run_all(
    session: ort.InferenceSession, outputs: Sequence[str], values: np.ndarray
) -> list[np.ndarray]:
    """Several outputs in one pass."""
    try:
        found = session.run(list(outputs), {session.get_inputs()[0].name: values})
        return [np.asarray(value) for value in found]
    except UNUSABLE as error:
        raise InputError("This model fails on a frame; make or export it again.") from error


def parse(model: bytes) -> onnx.ModelProto:
    """The graph of an ONNX file from elsewhere; InputError unless it is complete and standard."""
    try:
        parsed = onnx.load_model_from_string(model)
    except DecodeError as error:
        raise InputError("This is not an ONNX file.") from error
    if parsed.functions or any(
        opset.domain not in ("", "ai.onnx") for opset in parsed.opset_import
    ):
        raise InputError("This ONNX file asks for operators that are not ONNX's own.")
    for graph in _graphs(parsed.graph):
        if any(node.op_type in LOOPS or node.domain for node in graph.node):
            raise InputError("This ONNX file asks for operators that no model of this kind has.")
        # Weights kept in another file could name any file of this machine.
        if any(t.external_data or t.data_location == t.EXTERNAL for t in _tensors(graph)):
            raise InputError(
                "This ONNX file keeps its weights elsewhere; only complete files are opened."
            )
    return parsed


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # fatal errors only: ours say the others
    options.enable_cpu_mem_arena = False  # an arena keeps 10 MB a session and saves no time
    # A spinning thread takes the core that the decoder or another person's request is waiting for.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _session(model: bytes, options: ort.SessionOptions) -> ort.InferenceSession:
    try:
        # With its fallback, onnxruntime prints, and tries the same again.
        return ort.InferenceSession(
            model, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except UNUSABLE as error:
        raise InputError("onnxruntime cannot run this ONNX file; export it again.") from error


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """The graph and every graph inside its nodes, at any depth."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _graphs(inner)


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Every tensor that a graph holds itself: its initialisers, and constants in its nodes."""
    yield from graph.initializer
    attributes = [attribute for node in graph.node for attribute in node.attribute]
    for attribute in attributes:
        yield from (attribute.t, *attribute.tensors)
    sparse = [*graph.sparse_initializer]
    for attribute in attributes:
        sparse += [attribute.sparse_tensor, *attribute.sparse_tensors]
    for tensor in sparse:
        yield from (tensor.values, tensor.indices)
