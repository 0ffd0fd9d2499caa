"""onnxruntime as it is used here: on the CPU, quiet, without threads that spin as they wait."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,
)

from model.errors import InputError

UNUSABLE = (Fail, InvalidGraph, InvalidProtobuf, NotImplemented)  # they share no base class


def open_session(model: bytes, threads: int) -> ort.InferenceSession:
    """A session over the bytes of an ONNX model, computing with `threads` threads; InputError."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    # A spinning thread takes the core that the decoder or another person's request is waiting for.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except UNUSABLE as error:
        raise InputError("onnxruntime cannot run this ONNX file; export it again.") from error


def run(session: ort.InferenceSession, output: str, values: np.ndarray) -> np.ndarray:
    """One output of a session with one input."""
    return np.asarray(session.run([output], {session.get_inputs()[0].name: values})[0])
