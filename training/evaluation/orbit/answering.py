"""One task answered by one method, frame after frame: never a video set in memory."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from training.episodes.orbit import load_frame
from training.evaluation.orbit.metrics import Named
from training.evaluation.orbit.protocol import Asked, UserTask
from training.evaluation.record.cost import Cost, counted, timed
from training.evaluation.record.personalising import personalised
from training.methods.catalogue import Chosen
from training.methods.learner import CHUNK, Recogniser


class Files:
    """Clips that are read when they are asked for (`training.methods.learner.Clips`)."""

    def __init__(self, clips: Sequence[Sequence[Path]]) -> None:
        self.clips = clips
        self.seconds = 0.0  # spent on reading

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, rows: slice, /) -> Tensor:
        start = time.perf_counter()
        read = torch.stack([frames_of(clip) for clip in self.clips[rows]])
        self.seconds += time.perf_counter() - start
        return read


def frames_of(paths: Sequence[Path]) -> Tensor:
    """(B, S, S, 3) uint8; a frame that stands there several times is read once."""
    known = {path: torch.from_numpy(load_frame(path)) for path in dict.fromkeys(paths)}
    return torch.stack([known[path] for path in paths])


@dataclass(frozen=True)
class Answered:
    """What a method said of a task. All but the MACs to personalise only where it was measured."""

    videos: tuple[Named, ...]
    personalise: Cost
    name: Cost  # of a frame


def answer(method: Chosen, task: UserTask, clip_length: int, measure: bool) -> Answered:
    """measure: time it, and count what naming a frame takes."""
    labels, name = torch.tensor(task.labels), Cost()
    recogniser, personalise = personalised(
        method, Files(task.clips), labels, len(task.objects), measure
    )
    videos = tuple(
        Named(task.user, task.number, task.objects[asked.label], asked.name, asked.label,
              given(recogniser, asked, clip_length, name))
        for asked in task.videos
    )  # fmt: skip
    frames = sum(len(asked.frames) for asked in task.videos)
    name.seconds = (name.seconds + method.spared()[1]) / frames
    if measure:
        some = frames_of(task.videos[0].frames[:CHUNK])
        with counted(name):
            recogniser.logits(recogniser.features(some))
        name.macs = (name.macs + method.spared()[0]) // len(some)
    return Answered(videos, personalise, name)


def given(recogniser: Recogniser, asked: Asked, clip_length: int, cost: Cost) -> tuple[int, ...]:
    """The label of every frame: its row is the mean over it and the frames before, `clip_length` in
    all; before the first stands the first, repeated. cost: gets the seconds.
    """
    labels: list[int] = []
    past: deque[Tensor] = deque(maxlen=clip_length)
    for start in range(0, len(asked.frames), CHUNK):
        frames = frames_of(asked.frames[start : start + CHUNK])
        with timed(cost):
            rows = []
            for row in recogniser.features(frames):  # (W, D)
                past.extend([row] * (1 if past else clip_length))
                rows.append(torch.stack(list(past)).mean(0))
            labels += recogniser.logits(torch.stack(rows)).argmax(1).tolist()
    return tuple(labels)
