"""Adapted, what adaptation makes: one ONNX file, complete in itself, and how it is run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnxruntime import InferenceSession

from model.errors import InputError
from model.runtime import open_session, run
from model.saving import complete

BATCH = 16  # frames per run: more gain nothing on a CPU and cost memory


class Adapted:
    """A model that names one person's objects."""

    def __init__(self, model: bytes, threads: int = 1) -> None:
        """model: a file made by `model.graph.join`; raises InputError for any other ONNX file."""
        self._model = model
        self._session = _open(model, threads)
        self.names: tuple[str, ...] = _names(self._session.get_modelmeta().custom_metadata_map)

    def predict(self, frames: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Probabilities (B, K) float32 of B frames; rows sum to 1, columns follow `names`.

        frames: a list of (H, W, 3) uint8 RGB of any sizes, or (B, H, W, 3). The file itself cuts
        the centre square and shrinks it (10 ms for 640 x 480); frames that went through
        `model.frames.square` skip that and get the same answer.
        """
        rows = [np.zeros((0, len(self.names)), np.float32)]
        rows += [run(self._session, "probabilities", b) for b in _batches(frames)]
        return np.concatenate(rows)

    def renamed(self, names: Sequence[str]) -> Adapted:
        """The same model with other names, one for each column."""
        model = onnx.load_model_from_string(self._model)
        for entry in model.metadata_props:
            if entry.key == "names":
                entry.value = json.dumps(list(names))
        return Adapted(model.SerializeToString())

    def to_bytes(self) -> bytes:
        """The ONNX file: `frames` uint8 (B,H,W,3) -> `probabilities` and `logits` float32 (B,K)."""
        return self._model

    def save(self, path: str | Path) -> None:
        """Write the ONNX file; a file that was there stays whole until the new one is complete."""
        with complete(path) as unfinished:
            unfinished.write_bytes(self._model)


def load_adapted(path: str | Path) -> Adapted:
    """Open a file that `Adapted.save` wrote; raises InputError for anything else."""
    path = Path(path)
    try:
        return Adapted(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path.name} could not be read: {error.strerror}.") from error
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error


def _names(properties: dict[str, str]) -> tuple[str, ...]:
    try:
        names = json.loads(properties["names"])
    except (KeyError, ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(
            "This ONNX file was not made by adapting a personaliser; it holds no names."
        )
    return tuple(names)


def _open(model: bytes, threads: int) -> InferenceSession:
    try:
        graph = onnx.load_model_from_string(model).graph
    except DecodeError as error:
        raise InputError("This is not an ONNX file.") from error
    # Weights kept in another file could name any file of this machine.
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in graph.initializer):
        raise InputError(
            "This ONNX file keeps its weights elsewhere; only complete files are opened."
        )
    if [value.name for value in graph.input] != ["frames"]:
        raise InputError(
            "This ONNX file does not take frames; it was not made by adapting a personaliser."
        )
    return open_session(model, threads)


def _batches(frames: Sequence[np.ndarray] | np.ndarray) -> Iterator[np.ndarray]:
    """(b, H, W, 3) runs of neighbouring frames of one size, b <= BATCH."""
    run: list[np.ndarray] = []
    for frame in frames:
        if (
            not isinstance(frame, np.ndarray)
            or frame.dtype != np.uint8
            or frame.ndim != 3
            or frame.shape[-1] != 3
            or 0 in frame.shape
        ):
            got = (
                f"{frame.dtype} {frame.shape}"
                if isinstance(frame, np.ndarray)
                else type(frame).__name__
            )
            raise InputError(
                f"Give a list of frames, each uint8 RGB of shape (H, W, 3); got {got}."
            )
        if run and (run[0].shape != frame.shape or len(run) == BATCH):
            yield np.stack(run)
            run = []
        run.append(frame)
    if run:
        yield np.stack(run)
