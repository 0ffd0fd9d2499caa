"""Which frames of a stream a model learns from, and how it sees them: the square, the spread.

The input of Simple CNAPs is SIDE x SIDE; a clip gives few frames, spread over all of it, that
differ. Pure numpy and resizing: a file, a recording and a test go through the same code.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from model.errors import InputError
from model.media.kinds import LazyFrame

SIDE = 224  # pixels, the square that the model sees
FRAMES_PER_CLIP = 20  # frames kept of one clip, at most

CELLS = 16  # cells a side, for telling near-duplicates
NEAR = 5  # grey levels of 255: coding and sensor noise stay under it, a hand-held camera does not


def square(frame: np.ndarray, side: int = SIDE) -> np.ndarray:
    """The centre square of a frame (H, W, 3) uint8, as (side, side, 3).

    Area averaging; linear interpolation if the frame is smaller than that. An odd row or column
    too many is taken from the bottom or the right.
    """
    height, width = frame.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    centre = frame[top : top + short, left : left + short]
    shrinks = short >= side
    return cv2.resize(
        centre, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )


def select_frames(frames: Iterable[np.ndarray], count: int = FRAMES_PER_CLIP) -> np.ndarray:
    """At most `count` frames of a stream of unknown length, squared: (T, SIDE, SIDE, 3) uint8.

    One pass in constant memory: every s-th frame is kept, and s doubles whenever 4 * count are.
    Of these, near-duplicates of an earlier one are left out: frames that differ from it by at most
    NEAR grey levels in every cell (and colour) of a CELLS x CELLS mean. `count` of the rest are
    taken, evenly spaced. So a still camera on a still thing gives one frame, and the same frames
    always give the same answer.
    """
    clip = select_lazy_frames(((lambda frame=frame: frame) for frame in frames), count)
    if not clip:
        raise InputError("This recording holds no frame yet; record for a second or more.")
    return np.stack(clip)


def select_lazy_frames(frames: Iterable[LazyFrame], count: int) -> list[np.ndarray]:
    """As `select_frames`, of frames that are made only when they are kept; may be empty."""
    if count < 1:
        raise ValueError(f"at least 1 frame must be selected; got {count}")
    kept: list[tuple[int, np.ndarray]] = []  # (position, SIDE x SIDE frame)
    stride = 1
    for position, retrieve in enumerate(frames):
        if position % stride:
            continue
        frame = retrieve()
        if frame is None:
            continue
        while len(kept) >= 4 * count:
            stride *= 2
            kept = [(at, earlier) for at, earlier in kept if at % stride == 0]
        if position % stride == 0:
            kept.append((position, square(frame)))
    different = _without_near_duplicates([frame for _, frame in kept])
    picks = np.linspace(0, len(different) - 1, min(count, len(different))).round().astype(int)
    return [different[i] for i in picks]


def _without_near_duplicates(frames: list[np.ndarray]) -> list[np.ndarray]:
    different: list[np.ndarray] = []
    seen = np.empty((0, CELLS, CELLS, 3), np.int16)
    for frame in frames:
        cells = cv2.resize(frame, (CELLS, CELLS), interpolation=cv2.INTER_AREA).astype(np.int16)
        if (np.abs(seen - cells).max(axis=(1, 2, 3)) > NEAR).all():
            different.append(frame)
            seen = np.concatenate([seen, cells[None]])
    return different
