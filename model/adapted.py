"""Adapted, what adaptation makes: one ONNX file, complete in itself, and how it is run."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from onnxruntime import InferenceSession

from model.errors import InputError
from model.media.sampling import SIDE
from model.runtime import open_small_session, parse, run_all
from model.saving import atomic_write
from model.support import check_names

BATCH = 16  # frames per run: more gain nothing on a CPU and cost memory
BATCH_PIXELS = (
    2**22
)  # of all frames of a run, unless one alone has more: 50 bytes each, at the peak


MAX_BYTES = 2**30  # of a file that is opened
UNKNOWN = 0.5  # from this unknown score on a frame shows none of the objects


class Answers(NamedTuple):
    """What an Adapted says of B frames."""

    probabilities: np.ndarray  # (B, K) float32
    unknown: np.ndarray | None  # (B,) float32
    where: np.ndarray | None  # (B, 4) float32

    @classmethod
    def together(cls, batches: Sequence[Answers]) -> Answers:
        """The answers of several batches of one model."""

        def joined(rows: Sequence[np.ndarray | None]) -> np.ndarray | None:
            there = [row for row in rows if row is not None]
            return np.concatenate(there) if there else None

        probabilities, unknown, where = zip(*batches, strict=True)
        return cls(np.concatenate(probabilities), joined(unknown), joined(where))


class Adapted:
    """A model that names one person's objects."""

    def __init__(self, model: bytes, threads: int = 1) -> None:
        """model: a file made by `model.graph.join`; raises InputError for any other ONNX file."""
        if [value.name for value in parse(model).graph.input] != ["frames"]:
            raise InputError(
                "This ONNX file does not take frames; it was not made by adapting a personaliser."
            )
        self._model = model
        self._session = open_small_session(model, threads)
        self.names = _names(self._session)

    def predict(self, frames: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Probabilities (B, K) float32 of B frames; rows sum to 1, columns follow `names`.

        frames: a list of (H, W, 3) uint8 RGB of any sizes, or (B, H, W, 3). The file itself cuts
        the centre square and shrinks it (10 ms for 640 x 480); frames that went through
        `model.frames.square` skip that and get the same answer.
        """
        return self._run(["probabilities"], frames)["probabilities"]

    def unknown(self, frames: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """How far each of B frames is from all objects: (B,) float32 in [0, 1].

        From UNKNOWN on it shows none of them. Raises InputError for a model made without a
        calibration.
        """
        if "unknown" not in self.outputs:
            raise InputError(
                "This model cannot tell unknown things: the personaliser that made it has no "
                "calibration.json; copy its folder again, or make one with "
                "`python -m training.calibrate`, and learn again."
            )
        return self._run(["unknown"], frames)["unknown"]

    def where(self, frames: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """The window that the most probable object was seen in: (B, 4) float32.

        Left, top, right, bottom as shares of the frame. Raises InputError for an older model.
        """
        if "where" not in self.outputs:
            raise InputError("This model does not say where things are; learn again.")
        return self._run(["where"], frames)["where"]

    def answers(self, frames: Sequence[np.ndarray] | np.ndarray) -> Answers:
        """All of these in one pass; None for what an older model does not know."""
        found = self._run(self.outputs, frames)
        return Answers(found["probabilities"], found.get("unknown"), found.get("where"))

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """Which of `probabilities`, `unknown` and `where` this model knows."""
        there = {output.name for output in self._session.get_outputs()}
        return tuple(name for name in ("probabilities", "unknown", "where") if name in there)

    @property
    def facts(self) -> dict[str, str]:
        """The file's metadata: which personaliser made it, of how many frames, and with what."""
        facts = dict(self._session.get_modelmeta().custom_metadata_map)
        return facts | {"names": json.dumps(list(self.names), ensure_ascii=False)}

    def _run(
        self, outputs: Sequence[str], frames: Sequence[np.ndarray] | np.ndarray
    ) -> dict[str, np.ndarray]:
        empty = {"probabilities": (0, len(self.names)), "unknown": (0,), "where": (0, 4)}
        rows = [[np.zeros(empty[name], np.float32) for name in outputs]]
        rows += [run_all(self._session, outputs, batch) for batch in _batches(frames)]
        return {name: np.concatenate([row[i] for row in rows]) for i, name in enumerate(outputs)}

    def renamed(self, names: Sequence[str]) -> Adapted:
        """The same model with other names, one for each column; nothing is learned or opened."""
        if len(names) != len(self.names):
            raise InputError(f"{len(names)} names do not fit a model of {len(self.names)} objects.")
        check_names(names)
        model = onnx.load_model_from_string(self._model)
        properties = {entry.key: entry.value for entry in model.metadata_props}
        properties["names"] = json.dumps(list(names), ensure_ascii=False)
        onnx.helper.set_model_props(model, properties)
        other = Adapted.__new__(Adapted)
        other._model, other._session = model.SerializeToString(), self._session
        other.names = tuple(names)
        return other

    def to_bytes(self) -> bytes:
        """The ONNX file: `frames` uint8 (B,H,W,3) -> float32 `probabilities`, `logits` and
        `likeness` (B,K), `unknown` (B,), `where` (B,4)."""
        return self._model

    def save(self, path: str | Path) -> None:
        """Write the ONNX file; a file that was there stays whole until the new one is complete."""
        with atomic_write(path) as unfinished:
            unfinished.write_bytes(self._model)


def load_adapted(path: str | Path) -> Adapted:
    """Open a file that `Adapted.save` wrote, and ask it about one frame.

    Raises InputError in one sentence for anything else, a damaged or hostile file included.
    """
    path = Path(path)
    try:
        if "\0" in str(path) or not stat.S_ISREG(path.stat().st_mode):
            raise InputError("this is not a file; give one that `save` wrote.")
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"this is larger than the {MAX_BYTES >> 20} MB of an adapted model.")
        adapted = Adapted(path.read_bytes())
        _probe(adapted)
    except OSError as error:
        raise InputError(f"{path.name} could not be read: {error.strerror}.") from error
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error
    return adapted


def _probe(adapted: Adapted) -> None:
    names, frame = adapted.names, np.full((1, SIDE, SIDE, 3), 127, np.uint8)
    others = [name for name in adapted.outputs if name != "probabilities"]
    row, *values = run_all(adapted._session, ("probabilities", *others), frame)
    if row.shape != (1, len(names)) or row.dtype != np.float32:
        raise InputError(
            f"This ONNX file names {len(names)} objects and answers with {row.shape}; "
            "export it again."
        )
    if not abs(float(row.sum()) - 1) < 1e-3 or row.min() < 0:  # NaN is neither
        raise InputError("This ONNX file answers with no probabilities; export it again.")
    for name, value in zip(others, values, strict=True):
        fits = value.shape == {"unknown": (1,), "where": (1, 4)}[name]
        if not fits or not ((value >= 0) & (value <= 1)).all():
            raise InputError(f"This ONNX file answers {name!r} with no shares; export it again.")


def _names(session: InferenceSession) -> tuple[str, ...]:
    try:
        names = json.loads(session.get_modelmeta().custom_metadata_map["names"])
    except (KeyError, ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise InputError(
            "This ONNX file was not made by adapting a personaliser; it holds no names."
        )
    check_names(names)
    return tuple(names)


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
        most = min(BATCH, BATCH_PIXELS * 3 // frame.size)
        if run and (run[0].shape != frame.shape or len(run) >= most):
            yield np.stack(run)
            run = []
        run.append(frame)
    if run:
        yield np.stack(run)
