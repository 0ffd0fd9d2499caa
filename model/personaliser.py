"""Personaliser: the meta-trained model. One forward pass over a support set makes an Adapted.

frames -> set encoder -> mean e -> FiLM generator -> folded backbone -> features -> head -> one ONNX
file
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnxruntime import InferenceSession
from threadpoolctl import threadpool_limits

from model.adapted import Adapted
from model.card import PARTS, Card, read_card
from model.graph import fold_film, join
from model.head import fit, scaled
from model.runtime import open_session, run
from model.support import Source, SupportSet

DEFAULT = Path(__file__).resolve().parent.parent / "assets" / "simple_cnaps"
BATCH = 16  # support frames per run; the answer does not depend on it

Progress = Callable[[int, int], None]  # (frames done, in all), once a batch; may raise to stop


class Personaliser:
    """The parts of a personaliser folder, read-only: threads may share one."""

    def __init__(
        self,
        card: Card,
        set_encoder: bytes,
        film_generator: bytes,
        backbone: bytes,
    ) -> None:
        self.card = card
        self._threads = min(2, os.cpu_count() or 1)
        self._set_encoder = open_session(set_encoder, self._threads)
        self._film_generator = open_session(film_generator, 1)
        self._backbone = onnx.load_model_from_string(backbone)

    def adapt(
        self, objects: SupportSet | Mapping[str, Sequence[Source]], progress: Progress | None = None
    ) -> Adapted:
        """Learn the objects in one forward pass, without a gradient step.

        objects: {name: [clip path, photo path, frames (T,H,W,3) or frame (H,W,3) uint8 RGB, ...]}.
        The result depends neither on the order of frames nor on batches. Raises InputError when an
        object cannot be used.
        """
        support = objects if isinstance(objects, SupportSet) else SupportSet.read(objects)
        frames, labels = support.frames()  # (N,S,S,3), (N,)
        report = progress or (lambda done, total: None)
        report(0, len(frames))
        rows = _run_all(self._set_encoder, "embedding", frames, lambda _: report(0, len(frames)))
        embedding = rows.mean(0, keepdims=True)  # (1,E)
        film = run(self._film_generator, "film", embedding)[0]  # (2C,)
        backbone = fold_film(self._backbone, self.card.sites, film)
        session = open_session(backbone.SerializeToString(), self._threads)
        z = _run_all(session, "features", frames, lambda done: report(done, len(frames)))  # (N,D)
        # Small matrices: with a thread a core, beside a busy process, BLAS takes ten times as long.
        with threadpool_limits(1, "blas"):
            head = fit(scaled(z, self.card.head.features), labels)
        floor = self.card.head.window_floor * float(np.median(np.linalg.norm(z, axis=1)))
        return Adapted(join(backbone, head, floor, support.names, self.card))


def load_model(path: str | Path | None = None) -> Personaliser:
    """Open a personaliser folder, by default the shipped one; InputError says what is wrong."""
    folder = Path(path or DEFAULT)
    card = read_card(folder)
    return Personaliser(card, *((folder / part).read_bytes() for part in PARTS))


def _run_all(
    session: InferenceSession, output: str, frames: np.ndarray, after: Callable[[int], None]
) -> np.ndarray:
    """One output for all frames, batch after batch; `after` is told how many are done."""
    rows = []
    for start in range(0, len(frames), BATCH):
        rows.append(run(session, output, frames[start : start + BATCH]))
        after(min(start + BATCH, len(frames)))
    return np.concatenate(rows)
