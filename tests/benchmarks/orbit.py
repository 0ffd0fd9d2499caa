"""ORBIT's benchmark on a tree of the real one's size, with a method that costs nothing: how long
reading takes, and that memory does not grow with the tree.

    python -m tests.benchmarks.orbit
"""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from training.episodes.orbit import read_split
from training.evaluation.orbit.protocol import PROTOCOLS, tasks_of
from training.evaluation.orbit.run import Question, evaluate
from training.methods.catalogue import Chosen
from training.methods.frozen import cosine
from training.methods.learner import Clips, Recogniser, rows_of

USERS, OBJECTS = 17, 9  # of the test split, about
CLEAN, CLUTTER, FRAMES = 6, 2, 300  # videos an object, frames a video
SIDE = 64  # pixels: no more than telling the JPEGs apart takes


class Greys:
    """Cosine on the mean colours of 4 x 4 fields."""

    def adapt(self, support: Clips, labels: Tensor, ways: int) -> Recogniser:
        scorer = cosine(rows_of(_fields, support), labels, ways)
        return Recogniser(lambda frames: _fields(frames)[:, None], lambda x: scorer(x[:, 0]))


def _fields(frames: Tensor) -> Tensor:
    small = torch.nn.functional.adaptive_avg_pool2d(frames.permute(0, 3, 1, 2).float(), 4)
    return small.flatten(1)


def write_tree(root: Path, users: int) -> int:
    """Frames that are hard links to one JPEG an object; how many there are."""
    rng, count = np.random.default_rng(0), 0
    for user in range(users):
        for thing in range(OBJECTS):
            folder = root / "test" / f"P{user:03}" / f"thing {thing}"
            folder.mkdir(parents=True)
            picture = folder / "picture"
            noise = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
            picture.write_bytes(cv2.imencode(".jpg", noise)[1].tobytes())
            for kind, videos in (("clean", CLEAN), ("clutter", CLUTTER)):
                for video in range(videos):
                    name = f"P{user:03}--thing-{thing}--{kind}--{video}"
                    (folder / kind / name).mkdir(parents=True)
                    for frame in range(1, FRAMES + 1):
                        os.link(picture, folder / kind / name / f"{name}-{frame:05}.jpg")
                        count += 1
    return count


def _run(users: int) -> str:
    """Frames of the tree, frames asked, seconds and peak memory (MB) of a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "tree"
        there = write_tree(root, users)
        started = time.perf_counter()
        protocol = PROTOCOLS["2022"]
        tasks = tasks_of(read_split(root, "test"), protocol, "clu-ve", False, 0)
        question = Question(root, protocol, "clu-ve", 0, tuple(tasks))
        evaluate(question, Chosen("greys", Greys(), 0), None, Path(folder) / "out")
        seconds = time.perf_counter() - started
    asked = sum(len(video.frames) for task in tasks for video in task.videos)
    status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return json.dumps([there, asked, seconds, int(status["VmHWM"].split()[0]) / 1e3])


def main() -> None:
    print("users  frames  asked  seconds  peak MB")
    context, peaks = multiprocessing.get_context("spawn"), []
    for users in (2, USERS):
        with context.Pool(1) as pool:
            there, asked, seconds, peak = json.loads(pool.apply(_run, (users,)))
        peaks.append(peak)
        print(f"{users:5d}{there:8d}{asked:7d}{seconds:9.1f}{peak:9.0f}", flush=True)
    print(f"peak memory, {USERS} users beside 2: {peaks[1] / peaks[0]:.2f} x")


if __name__ == "__main__":
    ArgumentParser(description=__doc__).parse_args()
    main()
