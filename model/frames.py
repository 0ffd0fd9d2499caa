"""Clips and photos -> frames: decode, turn upright, sample, crop; the input contract of sec. 3 "Input" lives here.

A frame is always (H, W, 3) uint8 RGB, a clip (T, SIDE, SIDE, 3). Nobody else opens media. This file never trusts a
file's name, its claimed duration or its claimed number of frames, and never holds more than one large frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from model.errors import InputError

SIDE = 224  # pixels, the square that the model sees
FRAMES_PER_CLIP = 20  # frames kept of one clip, at most

ENDINGS = (
    ".mp4", ".m4v", ".mov", ".3gp", ".webm", ".mkv", ".avi", ".gif",
    ".jpg", ".jpeg", ".png", ".webp",
)  # fmt: skip
MAX_FILE_BYTES = 2**30
MAX_FRAME_PIXELS = 4096 * 4096
MAX_PAGE_PIXELS = 2048 * 2048
MAX_CLIP_SECONDS = 120


def square(frame: np.ndarray, side: int = SIDE) -> np.ndarray:
    """The centre square of a frame (H, W, 3), by area averaging to (side, side, 3); a smaller one grows linearly."""
    height, width = frame.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    centre = frame[top : top + short, left : left + short]
    return cv2.resize(
        centre, (side, side), interpolation=cv2.INTER_AREA if short >= side else cv2.INTER_LINEAR
    )


def choose(frames: Iterable[np.ndarray], count: int = FRAMES_PER_CLIP) -> np.ndarray:
    """At most `count` frames (T, SIDE, SIDE, 3), evenly spaced over a stream of unknown length."""
    kept, stride = [], 1
    for index, frame in enumerate(frames):
        if index % stride == 0:
            kept.append(square(frame))
        if len(kept) > 4 * count:
            kept, stride = kept[::2], 2 * stride
    if not kept:
        raise InputError("There is no frame to learn from.")
    picks = np.linspace(0, len(kept) - 1, min(count, len(kept))).round().astype(int)
    return np.stack([kept[i] for i in picks])


def read_clip(path: str | Path, count: int = FRAMES_PER_CLIP) -> np.ndarray:
    """The frames (T, SIDE, SIDE, 3) of a clip or a photo on disk, T <= count; InputError in words."""
    photo = (
        cv2.imread(str(path), cv2.IMREAD_COLOR_RGB) if Path(path).suffix in ENDINGS[-4:] else None
    )
    return choose([photo] if photo is not None else (frame for _, frame in stream(path)), count)


def stream(path: str | Path) -> Iterator[tuple[float, np.ndarray]]:
    """Every decoded frame of a video with its time in seconds, one in memory at a time."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        while True:
            ok, frame = capture.read()
            if not ok:
                break
            yield capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    finally:
        capture.release()


def decode_jpeg(data: bytes) -> np.ndarray:
    """A frame (H, W, 3) from the page; InputError for anything but a JPEG of at most 4 megapixels."""
    frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) if data else None
    if frame is None:
        raise InputError("The page sent a picture that is no JPEG; reload the page.")
    return frame
