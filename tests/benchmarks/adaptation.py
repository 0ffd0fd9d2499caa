"""What adaptation and the exported file cost, beside the bare backbone on the same frames.

A ratio is the median of ratios of neighbouring runs, so that a machine that slows down for a while
slows both sides of it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from model import Adapted, Memory, load_model
from model.adapted import BATCH
from model.personaliser import DEFAULT
from model.runtime import open_session, run

REPEATS = 7


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def photos(count: int, seed: int = 0) -> np.ndarray:
    """(count, 224, 224, 3) uint8: blurred noise, which costs a convolution what a photo costs."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 14, 14, 3), dtype=np.uint8)
    return coarse.repeat(16, 1).repeat(16, 2)


def objects(frames: int, count: int) -> dict[str, list[np.ndarray]]:
    """`frames` frames shared out among `count` objects."""
    shared = np.array_split(photos(frames), count)
    return {f"object {k}": [part] for k, part in enumerate(shared)}


def adapt_against_the_backbone() -> None:
    """Adapting to 200 frames of 10 objects / one pass of the bare backbone over the same frames."""
    personaliser, taught = load_model(), objects(200, 10)
    frames = np.concatenate([clips[0] for clips in taught.values()])
    session = open_session((DEFAULT / "backbone.onnx").read_bytes(), os.cpu_count() or 1)

    def bare() -> None:
        for start in range(0, len(frames), BATCH):
            run(session, "features", frames[start : start + BATCH])

    pairs = [(timed(lambda: personaliser.adapt(taught)), timed(bare)) for _ in range(REPEATS)]
    ratio = float(np.median([a / b for a, b in pairs]))
    seconds = float(np.median([a for a, _ in pairs]))
    print(f"adapt 200 frames, 10 objects: {ratio:.2f} x the backbone alone ({seconds:.2f} s)")


def one_more_against_anew() -> None:
    """A twelfth object of 4 clips x 20 frames beside eleven / adapting to the twelve anew."""
    personaliser, clips, pairs = load_model(), photos(960).reshape(12, 4, 20, 224, 224, 3), []
    taught = {f"object {k}": list(own) for k, own in enumerate(clips)}
    eleven = {name: taught[name] for name in list(taught)[:11]}
    for _ in range(5):
        memory = Memory()
        personaliser.see(eleven, memory=memory)
        more = timed(lambda memory=memory: personaliser.fit(
            personaliser.see(taught, memory=memory)))  # fmt: skip
        pairs.append((more, timed(lambda: personaliser.adapt(taught))))
    ratio = float(np.median([a / b for a, b in pairs]))
    seconds = float(np.median([a for a, _ in pairs]))
    print(f"one more object beside eleven: {ratio:.2f} x adapting anew ({seconds:.2f} s)")


def exported_against_the_backbone() -> None:
    """A frame through the exported file / through the bare backbone, and the sizes of both."""
    backbone = (DEFAULT / "backbone.onnx").read_bytes()
    exported = load_model().adapt(objects(200, 10)).to_bytes()
    ours, bare = open_session(exported, 1), open_session(backbone, 1)
    frame, ratios = photos(1), []
    for _ in range(REPEATS):
        pairs = [
            (
                timed(lambda: run(ours, "probabilities", frame)),
                timed(lambda: run(bare, "features", frame)),
            )
            for _ in range(30)
        ]
        ratios.append(np.median([a for a, _ in pairs]) / np.median([b for _, b in pairs]))
    more = (len(exported) - len(backbone)) / 1e6
    print(f"exported file, a frame: {np.median(ratios):.2f} x the backbone alone")
    print(f"exported file, 10 objects x 20 frames: backbone + {more:.2f} MB")


def scaling() -> None:
    """Seconds and peak memory of a fresh process that adapts, from 50 to 1,000 frames."""
    print("frames  objects  seconds  ms a frame  peak MB  file MB")
    context = multiprocessing.get_context("spawn")
    for frames, count in [(50, 2), (100, 5), (200, 10), (500, 25), (1000, 50)]:
        with context.Pool(1) as pool:
            seconds, peak, size = json.loads(pool.apply(_adapt_once, (frames, count)))
        print(
            f"{frames:6d}{count:9d}{seconds:9.2f}{1e3 * seconds / frames:12.1f}"
            f"{peak:9.0f}{size:9.1f}"
        )


def _adapt_once(frames: int, count: int) -> str:
    personaliser, taught = load_model(), objects(frames, count)
    made: list[Adapted] = []
    seconds = float(
        np.median([timed(lambda: made.append(personaliser.adapt(taught))) for _ in range(5)])
    )
    # VmHWM, and not getrusage's maximum, which a new process takes over from the one that started
    # it.
    status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) / 1e3
    return json.dumps([seconds, peak, len(made[-1].to_bytes()) / 1e6])
