"""Episodes with objects left out, and what a model of the others says of all of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
from tqdm import tqdm

from model import Personaliser, SupportSet, load_model
from model.confidence.unknown import Calibration, OwnLooks, own_looks
from training.episodes.domains.mixture import episodes_of
from training.episodes.episode import Episode, load
from training.settings.config import TrainConfig

FOREIGN = 10  # frames of another episode
LENGTHS = (1, 3, 10)  # frames a clip, of a third of the episodes each: how many are taught varies
# With it likeness is c_k itself, and probabilities are as the head has them.
PLAIN = Calibration(
    1, own=0, others=0, typical=0.8, base=0.5, from_own=0, from_others=0, steepness=20
)
LEFT_OUT, ELSEWHERE = -1, -2  # targets of frames that show no taught object


@dataclass(frozen=True)
class Shown:
    """What a model of some of an episode's objects says of frames, before calibration."""

    labels: np.ndarray  # (N,) of the support
    looks: OwnLooks
    likeness: np.ndarray  # (M, K) c_k
    apart: np.ndarray  # (M, K) d_k; 0 where the personaliser tells no colours
    logits: np.ndarray  # (M, K)
    targets: np.ndarray  # (M,) in [0, K), LEFT_OUT or ELSEWHERE

    def familiar(self, calibration: Calibration) -> np.ndarray:
        """s (M,) of `model.confidence.unknown`."""
        apart = calibration.colour * self.apart
        return (self.likeness - self.looks.offsets(calibration) - apart).max(1)


def plain(folder: Path) -> Personaliser:
    """The personaliser with likeness and logits as they are before calibration."""
    personaliser = load_model(folder)
    personaliser.card = replace(personaliser.card, calibration=PLAIN)
    return personaliser


def tasks(
    personaliser: Personaliser, config: TrainConfig, validation: bool, count: int
) -> Iterator[Shown]:
    """Of every episode a model of two objects and more; the others are left out."""
    pairs = (
        (number, next(stream), next(stream))
        for numbers, stream in _streams(config, validation, count)
        for number in numbers
    )
    for number, episode, another in tqdm(pairs, "episodes", count, leave=False, disable=None):
        rng = np.random.default_rng([config.seed, validation, number])
        yield _shown(personaliser, episode, another.task.query[:, 0].numpy(), rng)


def _streams(
    config: TrainConfig, validation: bool, count: int
) -> Iterator[tuple[range, Iterator[Episode]]]:
    """Of every length of clips the numbers of its tasks, and two episodes for each of them."""
    ends = [count * i // len(LENGTHS) for i in range(len(LENGTHS) + 1)]
    for length, start, end in zip(LENGTHS, ends, ends[1:], strict=False):
        episodes = episodes_of(replace(config, clip_length=length), validation)
        yield range(start, end), load(episodes, range(2 * start, 2 * end), config.workers)


def _shown(
    personaliser: Personaliser, episode: Episode, foreign: np.ndarray, rng: np.random.Generator
) -> Shown:
    task = episode.task
    order = rng.permutation(task.ways)
    taught = order[: rng.integers(2, task.ways)] if task.ways > 2 else order
    clips = [task.support[task.labels == int(k)].numpy() for k in taught]
    support = SupportSet(
        tuple(str(i) for i in range(len(taught))), tuple(tuple(own) for own in clips)
    )
    seen = personaliser.see(support)
    looks = own_looks(seen.features, seen.labels, seen.clips, PLAIN.typical)
    coloured = copy.copy(personaliser)
    coloured.card = replace(personaliser.card, calibration=replace(PLAIN, colour=1.0))
    sessions = [ort.InferenceSession(p.fit(seen).to_bytes()) for p in (personaliser, coloured)]
    place = np.full(task.ways, LEFT_OUT)
    place[taught] = np.arange(len(taught))
    foreign = foreign[rng.permutation(len(foreign))[:FOREIGN]]
    frames = np.concatenate([task.query[:, 0].numpy(), foreign])
    targets = np.concatenate([place[task.targets.numpy()], np.full(len(foreign), ELSEWHERE)])

    def answers(session: ort.InferenceSession) -> list[np.ndarray]:  # likeness, logits
        starts = range(0, len(frames), 16)
        rows = [session.run(["likeness", "logits"], {"frames": frames[i : i + 16]}) for i in starts]
        return [np.concatenate(row).astype(np.float64) for row in zip(*rows, strict=True)]

    (likeness, logits), (less, _) = map(answers, sessions)
    return Shown(seen.labels, looks, likeness, likeness - less, logits, targets)
