"""ORBIT's test split at its full size: what evaluating it takes beside two of its users.

    python -m tests.benchmarks.orbit

17 users, 158 objects, 898 clean and 300 clutter videos are the test split's, by the benchmark's own
lists of clusters; 703 frames a video is the mean of the whole data set (2,687,934 frames in 3,822
videos). The frames are links to 64 small pictures, and the method is the nearest mean colour: what
is measured is the decoding and the bookkeeping, no disk and no network. Takes half an hour, and
840,000 links on the disk.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from tests.training.tree import note
from training.episodes.orbit import read_split
from training.evaluation.orbit import run
from training.evaluation.orbit.protocol import PROTOCOLS, tasks_of
from training.experiments.cost import status
from training.methods.catalogue import Chosen
from training.methods.learner import Clips, Recogniser, rows_of

USERS, OBJECTS, CLEAN, CLUTTER, FRAMES = 17, 158, 898, 300, 703
FEW = 2  # users of the smaller split
PICTURES = 64
SIDE = 224  # pixels


class NearestColour:
    """Names a frame by the nearest mean colour of an object."""

    def adapt(self, support: Clips, labels: Tensor, ways: int) -> Recogniser:
        rows = rows_of(_colour, support)
        means = torch.stack([rows[labels == k].mean(0) for k in range(ways)])
        return Recogniser(
            lambda frames: _colour(frames)[:, None], lambda x: -torch.cdist(x[:, 0], means)
        )


def _colour(frames: Tensor) -> Tensor:
    return frames.float().mean((1, 2))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        start = time.perf_counter()
        write_split(root)
        print(f"written in {time.perf_counter() - start:.0f} s")
        for protocol in PROTOCOLS:
            few, whole = (measured(root, protocol, users) for users in (FEW, USERS))
            print(
                f"{protocol}, clu-ve, one task a user: {whole.frames:,} frames asked in "
                f"{whole.seconds:.0f} s, {whole.megabytes:.0f} MB more than before; of {FEW} users "
                f"{few.frames:,} frames, {few.megabytes:.0f} MB"
            )


@dataclass(frozen=True)
class Taken:
    """What an evaluation took, from the drawing of its tasks to its record."""

    frames: int  # asked
    seconds: float
    megabytes: float  # of memory at its peak, above what the imports and the tasks take


def measured(root: Path, protocol: str, users: int) -> Taken:
    """An evaluation in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_evaluate, (root, protocol, users))


def _evaluate(root: Path, name: str, users: int) -> Taken:
    start, protocol = time.perf_counter(), replace(PROTOCOLS[name], tasks=1)
    people = read_split(root, "test")[:users]
    tasks = tuple(tasks_of(people, protocol, "clu-ve", True, 0))
    asked = run.Question(root, protocol, "clu-ve", 0, tasks)
    method = Chosen("nearest colour", NearestColour(), 0)
    before = status("VmHWM")
    run.evaluate(asked, method, None, root / "runs" / f"{name}-{users}")
    return Taken(
        sum(len(video.frames) for task in tasks for video in task.videos),
        time.perf_counter() - start,
        (status("VmHWM") - before) / 2**20,
    )


def write_split(root: Path) -> None:
    """The test split; its videos differ in which pictures they begin with."""
    pictures, rng = [], np.random.default_rng(0)
    (root / "pictures").mkdir()
    for number in range(PICTURES):
        tint = rng.integers(0, 256, (7, 7, 3), dtype=np.uint8)
        pictures.append(root / "pictures" / f"{number}.jpg")
        picture = cv2.resize(tint, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(pictures[-1]), picture)
    notes = root / "annotations" / "test"
    notes.mkdir(parents=True)
    for number, (folder, kind) in enumerate(_videos(root / "test")):
        folder.mkdir(parents=True)
        told = {}
        for frame in range(FRAMES):
            link = folder / f"{folder.name}-{frame + 1:05d}.jpg"
            link.hardlink_to(pictures[(7 * number + frame) % PICTURES])
            told[link.name] = note(kind, frame + 1)
        (notes / f"{folder.name}.json").write_text(json.dumps(told))


def _videos(test: Path) -> Iterator[tuple[Path, str]]:
    """(folder, kind) of every video, dealt to the objects in turn, as the objects to the users."""
    for count, kind in ((CLEAN, "clean"), (CLUTTER, "clutter")):
        for number in range(count):
            thing = number % OBJECTS
            user, name = f"P{100 + thing % USERS}", f"thing {thing:03d}"
            video = f"{user}--thing-{thing:03d}--{kind}--Zj_1--{number}Hv"
            yield test / user / name / kind / video, kind


if __name__ == "__main__":
    main()
