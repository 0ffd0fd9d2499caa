"""Poor clips, made of good ones: each spoilt in one way that the coach has a hint for.

Where a thing is in the first, the middle and the last frame of a clip was drawn by hand, and
stands in boxes.csv as left, top, right, bottom in % of the square; clips that cut it off by
themselves have no box. Clips of one `place` were taken at one place.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from app.naming.sight import Watch
from model import Adapted
from model.frames import square, stream
from tests.app.hands import lay_over
from training.episodes.augment import SKINS

STEP = 0.1  # s between two frames, as the coach looks
LOOKS = 20  # of a spoilt clip, at most
STILL = 25  # frames of a clip in which nothing moves
SIDE = 224  # pixels of a frame
FAR = 0.2  # of the picture: the longer side of a thing that is too small
SIDES = ("left", "right", "top", "bottom")


@dataclass(frozen=True)
class Clip:
    """What the coach would look at."""

    thing: str
    name: str
    place: str
    frames: list[np.ndarray]  # T of (224, 224, 3) uint8
    boxes: np.ndarray | None  # (T, 4) pixels


def read(folder: Path) -> list[Clip]:
    """The clean clips of a folder <thing>/clean/*.mp4 that boxes.csv knows."""
    with open(Path(__file__).with_name("boxes.csv"), newline="") as file:
        rows = {(row["thing"], row["clip"]): row for row in csv.DictReader(file)}
    clips = []
    for path in sorted(folder.glob("*/clean/*.mp4")):
        if row := rows.get((path.parts[-3], path.stem)):
            frames = looks(path)
            clips.append(Clip(row["thing"], row["clip"], row["place"], frames, _boxes(row, frames)))
    return clips


def looks(path: Path) -> list[np.ndarray]:
    """The frames of a clip that the coach would look at."""
    due, frames = 0.0, []
    for seconds, frame in stream(path):
        if seconds >= due - 0.001:
            frames.append(square(frame))
            due = seconds + STEP
    return frames


def _boxes(row: dict[str, str], frames: list[np.ndarray]) -> np.ndarray | None:
    if not row["first"]:
        return None
    keys = np.array([row[key].split() for key in ("first", "middle", "last")], float)
    share = np.linspace(0, 1, len(frames))
    ways = [np.interp(share, (0, 0.5, 1), keys[:, k]) for k in range(4)]
    return (np.stack(ways, 1) * SIDE / 100).round().astype(int)


def dark(clip: Clip, rng: np.random.Generator) -> Clip:
    return replace(clip, frames=[_noisy(0.12 * frame, rng) for frame in clip.frames])


def out_of_focus(clip: Clip, rng: np.random.Generator) -> Clip:
    blurred = [cv2.GaussianBlur(frame, (0, 0), 4) for frame in clip.frames]
    return replace(clip, frames=[_noisy(frame, rng) for frame in blurred])


def shaken(clip: Clip, rng: np.random.Generator) -> Clip:
    """Each frame drawn out over a tenth of the picture, in one direction."""
    kernel, angle = np.zeros((23, 23), np.float32), rng.uniform(0, np.pi)
    reach = 11 * np.array([np.cos(angle), np.sin(angle)])
    ends = [tuple((11 + sign * reach).astype(int).tolist()) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    kernel /= kernel.sum()
    frames = [_noisy(cv2.filter2D(frame, -1, kernel), rng) for frame in clip.frames]
    return replace(clip, frames=frames)


def unmoved(clip: Clip, rng: np.random.Generator) -> Clip:
    return replace(clip, frames=[_noisy(clip.frames[0], rng) for _ in range(STILL)])


def covered(clip: Clip, rng: np.random.Generator) -> Clip:
    """A hand lies over the thing and goes with it."""
    assert clip.boxes is not None
    skin, angle = SKINS[rng.integers(len(SKINS))], rng.uniform(0, 2 * np.pi)
    held = zip(clip.frames, clip.boxes, strict=False)
    frames = [_noisy(lay_over(frame, box, skin, angle), rng) for frame, box in held]
    return replace(clip, frames=frames)


def far_away(clip: Clip, rng: np.random.Generator) -> Clip:
    """As from a place where the thing fills a fifth of the picture."""

    def window(box: np.ndarray) -> tuple[float, float, float]:
        side = max(box[2] - box[0], box[3] - box[1]) / FAR
        return (box[0] + box[2] - side) / 2, (box[1] + box[3] - side) / 2, side

    return _moved(clip, window)


def cut_off(side: str) -> Callable[[Clip, np.random.Generator], Clip]:
    """Half of the thing is beyond that side."""

    def window(box: np.ndarray) -> tuple[float, float, float]:
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        ways = {"left": (x, 0), "right": (x - SIDE, 0), "top": (0, y), "bottom": (0, y - SIDE)}
        return (*ways[side], SIDE)

    return lambda clip, rng: _moved(clip, window)


# Each way to spoil a clip that needs nothing but the clip, and the coach's hint for it.
STAGED: dict[str, tuple[str, Callable[[Clip, np.random.Generator], Clip]]] = {
    "too dark": ("dark", dark),
    "out of focus": ("blurred", out_of_focus),
    "shaken": ("blurred", shaken),
    "nothing moves": ("still", unmoved),
    "too small": ("small", far_away),
    "a hand covers it": ("hand", covered),
    **{f"cut off, {side}": (side, cut_off(side)) for side in SIDES},
}


def again(clip: Clip, clips: list[Clip]) -> tuple[Clip, Clip]:
    """(before, now): the thing's other clip if it was taken at one place; else the halves of it."""
    for other in clips:
        if other.thing == clip.thing and other.name != clip.name and other.place == clip.place:
            return other, clip
    half = len(clip.frames) // 2
    return replace(clip, frames=clip.frames[:half]), replace(clip, frames=clip.frames[half:])


def elsewhere(clip: Clip, clips: list[Clip]) -> Clip:
    """A clip from another place, of the same thing if there is one."""
    others = [other for other in clips if other.place != clip.place]
    return next((other for other in others if other.thing == clip.thing), others[0])


def answers(adapted: Adapted, clip: Clip) -> list[dict[str, object]]:
    """What the app answers to each frame."""
    told, watch = adapted.answers(np.array(clip.frames)), Watch()
    seen = [watch.see(STEP * n, told, n) for n in range(len(clip.frames))]
    return [
        {
            "names": adapted.names,
            "p": sight.probabilities.tolist(),
            "named": sight.named,
            "where": sight.where,
        }
        for sight in seen
    ]


def _noisy(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.clip(frame + rng.normal(0, 3, frame.shape), 0, 255).astype(np.uint8)


def _moved(clip: Clip, window: Callable[[np.ndarray], tuple[float, float, float]]) -> Clip:
    """Through another window (left, top, side: pixels), which may go beyond the frame: there
    stands, to and fro, what is beside the thing.
    """
    assert clip.boxes is not None
    frames = []
    for frame, box in zip(clip.frames, clip.boxes, strict=False):
        left, top, side = (int(value) for value in window(box))
        across = _beyond(np.arange(left, left + side), box[0], box[2])
        down = _beyond(np.arange(top, top + side), box[1], box[3])
        seen = frame[np.ix_(down, across)]
        frames.append(cv2.resize(seen, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    return replace(clip, frames=frames)


def _beyond(at: np.ndarray, first: int, last: int) -> np.ndarray:
    """Pixels of a frame for places `at`, of which those outside are mirrored without the thing."""
    before, after = max(2, int(first)), max(2, SIDE - int(last))
    outside = np.where(at < 0, -at - 1, at - SIDE)
    lengths = np.where(at < 0, before, after)
    there = np.abs((outside + lengths - 1) % (2 * lengths - 2) - (lengths - 1))
    mirrored = np.where(at < 0, there, SIDE - 1 - there)
    return np.where((at >= 0) & (at < SIDE), at, np.clip(mirrored, 0, SIDE - 1))
