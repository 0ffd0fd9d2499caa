"""Personaliser: the meta-trained model. One forward pass over a support set makes an Adapted.

frames -> set encoder -> mean e -> FiLM generator -> folded backbone -> features -> head -> one ONNX
file
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from threading import Lock

import numpy as np
from onnxruntime import InferenceSession
from threadpoolctl import threadpool_limits

from model.adapted import Adapted
from model.card import FINE, MIDDLE, PARTS, Card, read_card
from model.confidence.counter_examples import mistaken_for
from model.confidence.report import Report, report
from model.confidence.unknown import own_looks
from model.errors import InputError
from model.frames import SIDE
from model.graph.join import Fitted, fold_film, join, kept_of, shows_fine
from model.head import fit, normalised, object_means
from model.memory import Memory, key
from model.runtime import open_session, parse, run, run_all
from model.support import Source, SupportSet, read_clips

DEFAULT = Path(__file__).resolve().parent.parent / "assets" / "simple_cnaps"
BATCH = 16  # support frames per run; the answer does not depend on it

FITTING = Lock()

Progress = Callable[[int, int], None]  # (frames done, in all), once a batch; may raise to stop


@dataclass(frozen=True)
class Seen:
    """What the forward pass leaves of a support set of N frames: enough to fit a head again."""

    names: tuple[str, ...]  # K
    labels: np.ndarray  # (N,) in [0, K)
    clips: np.ndarray  # (N,) which clip of its object each frame is of
    film: np.ndarray  # (2C,) float32, the task's
    features: np.ndarray  # (N, D) float32, under it
    middles: np.ndarray  # (N, C) float32: what the middle of the fine map has beyond the rest; C is
    # 0 where the backbone shows none, and colours are (0, ...)
    colours: np.ndarray  # (N, 3, MIDDLE * MIDDLE) float32, of the middle cells
    maps: np.ndarray | None = None  # (B, D, G, G) of counter-examples, under it


class Personaliser:
    """The parts of a personaliser folder, read-only: threads may share one.

    Raises InputError for parts that do not do what the card says.
    """

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
        parts = [parse(part) for part in (set_encoder, film_generator, backbone)]
        self._backbone = parts[-1]
        self._check()

    def adapt(
        self, objects: SupportSet | Mapping[str, Sequence[Source]], progress: Progress | None = None
    ) -> Adapted:
        """Learn the objects in one forward pass, without a gradient step.

        objects: {name: [clip path, photo path, frames (T,H,W,3) or frame (H,W,3) uint8 RGB, ...]}.
        The result depends neither on the order of frames nor on batches (but for a card with
        `together`, above so many frames). Raises InputError when an object cannot be used.
        """
        return self.fit(self.see(objects, progress))

    def see(
        self,
        objects: SupportSet | Mapping[str, Sequence[Source]],
        progress: Progress | None = None,
        memory: Memory | None = None,
        counter_examples: Sequence[Source] = (),
    ) -> Seen:
        """The one forward pass; raises InputError as `adapt` does.

        memory: of the same person's support set as it was before: what was seen then is not looked
        at again, and the result is the same. counter_examples: clips, photos or frames that show
        none of the objects, though a model may have said so; a personaliser without calibration
        makes nothing of them.
        """
        support = objects if isinstance(objects, SupportSet) else SupportSet.read(objects)
        clips = [clip for own in support.clips for clip in own]
        keys, total = [key(clip) for clip in clips], int(support.shots.sum())
        memory = memory or Memory()
        report = progress or (lambda done, total: None)
        report(0, total)

        def embed(frames: np.ndarray) -> np.ndarray:
            return _run_all(self._set_encoder, "embedding", frames, lambda _: report(0, total))

        if self.card.together:
            rows = self._embed_together(np.concatenate(clips), lambda: report(0, total))
        else:
            rows = memory.embeddings.of(keys, clips, embed)
        embedding = rows.mean(0, keepdims=True)  # (1,E)
        film = run(self._film_generator, "film", embedding)[0]  # (2C,)

        @cache
        def backbone() -> InferenceSession:
            folded = fold_film(self._backbone, self.card.sites, film)
            return open_session(folded.SerializeToString(), self._threads)

        def look(frames: np.ndarray) -> np.ndarray:
            kept, known = kept_of(self._backbone.graph), total - len(frames)
            return _run_all(backbone(), kept, frames, lambda n: report(known + n, total))

        def look_for_maps(frames: np.ndarray) -> np.ndarray:
            return _run_all(backbone(), "map", frames, lambda _: report(total, total))

        rows = memory.features.of(keys, clips, look, film.tobytes())  # (N,D) or (N,D+C+48)
        maps = None
        if counter_examples and self.card.calibration:
            others = read_clips("counter-example", counter_examples)
            new = [key(clip) for clip in others]
            maps = memory.maps.of(new, others, look_for_maps, film.tobytes())  # (B,D,G,G)
        if not np.isfinite(rows).all():
            raise InputError("The personaliser gives no finite features; copy its folder again.")
        own = max(self.card.features, rows.shape[1] - 3 * MIDDLE**2)
        z, middles, colours = np.split(rows, [self.card.features, own], axis=1)
        colours = colours.reshape(-1, 3, MIDDLE**2)
        of = support.names, support.labels(), support.clip_numbers()
        return Seen(*of, film, z, middles, colours, maps)

    def fit(self, seen: Seen) -> Adapted:
        """The head on features that were seen, and all of it as one file."""
        known, z, head = self.card.calibration, seen.features, self.card.head
        # Small matrices: with a thread a core, beside a busy process, BLAS takes ten times as long.
        # The limit is the whole process's: two at once would each restore what the other had set.
        with FITTING, threadpool_limits(1, "blas"):
            rows = normalised(z, head.features)
            fitted = Fitted(
                fit(rows, seen.labels, head.kind, self.card.clutter),
                rows,
                middles=object_means(seen.middles, seen.labels),
                colours=seen.colours,
                floor=head.window_floor * float(np.median(np.linalg.norm(z, axis=1))),
                looks=own_looks(z, seen.labels, seen.clips, known.typical) if known else None,
            )
            if known and fitted.looks and seen.maps is not None:
                offsets = fitted.looks.offsets(known)
                found = mistaken_for(seen.maps, head.windows, z, seen.labels, offsets)
                fitted = replace(fitted, counter_examples=found)
        backbone = fold_film(self._backbone, self.card.sites, seen.film)
        return Adapted(join(backbone, fitted, seen.names, self.card))

    def report(self, seen: Seen) -> Report:
        """How good the model of these objects will be, as far as they tell by themselves."""
        known, head = self.card.calibration, self.card.head
        scale = head.temperature * (known.sharpness_for(seen.labels) if known else 1.0)
        rows = normalised(seen.features, head.features)
        with FITTING, threadpool_limits(1, "blas"):
            fitting = partial(fit, kind=head.kind, clutter=self.card.clutter)
            return report(seen.names, rows, seen.labels, seen.clips, scale, fitting)

    def _embed_together(self, frames: np.ndarray, after: Callable[[], None]) -> np.ndarray:
        """Embeddings (N,E) by a set encoder that normalises `together` frames by their statistics;
        a last frame that would stand alone is one of the part before.
        """
        starts = [*range(0, len(frames), self.card.together)]
        if len(starts) > 1 and len(frames) - starts[-1] == 1:
            starts.pop()
        rows = []
        for start, end in zip(starts, [*starts[1:], len(frames)], strict=True):
            after()
            rows.append(run(self._set_encoder, "embedding", frames[start:end]))
        return np.concatenate(rows)

    def _check(self) -> None:
        """Ask each part about one frame; raise InputError unless it answers as the card says."""
        frame = np.full((1, SIDE, SIDE, 3), 127, np.uint8)
        channels = [site.channels for site in self.card.sites]
        tensors = {tensor.name: tensor for tensor in self._backbone.graph.initializer}
        for site in self.card.sites:
            for name in (site.weight, site.bias):
                if name not in tensors or list(tensors[name].dims[:1]) != [site.channels]:
                    raise InputError(f"its backbone has no site {site.name!r} as in its card")
        embedding = run(self._set_encoder, "embedding", frame)
        _check_answer("set encoder", embedding, self.card.embedding)
        film = run(self._film_generator, "film", embedding)
        _check_answer("FiLM generator", film, 2 * sum(channels))
        backbone = fold_film(self._backbone, self.card.sites, film[0])
        finer = ("fine", "support") if shows_fine(self._backbone.graph) else ()
        session = open_session(backbone.SerializeToString(), 1)
        features, *rest = run_all(session, ("features", *finer), frame)
        _check_answer("backbone", features, self.card.features)
        if rest:
            fine, kept = rest
            if fine.ndim != 4 or fine.shape[2:] != (FINE, FINE):
                raise InputError(f"its backbone's fine map is {fine.shape}, not of {FINE} cells")
            size = self.card.features + fine.shape[1] + 3 * MIDDLE**2
            _check_answer("backbone's support", kept, size)


def _check_answer(part: str, answer: np.ndarray, size: int) -> None:
    if answer.shape != (1, size) or not np.isfinite(answer).all():
        raise InputError(f"its {part} answers {answer.shape}, not (1, {size}) as in its card")


def load_model(path: str | Path | None = None) -> Personaliser:
    """Open a personaliser folder, by default the shipped one; InputError says what is wrong."""
    folder = Path(path or DEFAULT)
    card = read_card(folder)
    try:
        return Personaliser(card, *((folder / part).read_bytes() for part in PARTS))
    except InputError as error:
        reason = str(error).rstrip(".")
        raise InputError(
            f"The personaliser folder {folder.name!r} is damaged: {reason}; copy it again."
        ) from error


def _run_all(
    session: InferenceSession, output: str, frames: np.ndarray, after: Callable[[int], None]
) -> np.ndarray:
    """One output for all frames, batch after batch; `after` is told how many are done."""
    rows = []
    for start in range(0, len(frames), BATCH):
        rows.append(run(session, output, frames[start : start + BATCH]))
        after(min(start + BATCH, len(frames)))
    return np.concatenate(rows)
