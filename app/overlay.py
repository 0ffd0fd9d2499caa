"""Drawing: names and bars on the frames of a video, the video itself, thumbnails, and the curves of
a plot.

Only drawing; what is drawn comes from `app.video`. Never decodes media.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from app.video import NamedFrame
from model import InputError

MAX_SIDE = 960  # pixels of the annotated video; larger ones shrink
MAX_RATE = 30.0  # frames per second of the annotated video
THUMB = 72  # pixels
POINTS = 400  # of each curve, at most
MAX_GAP_SECONDS = 60.0  # a leap in time is not filled for ever
BARS = 3  # the likeliest things drawn on a frame

Colour = tuple[int, int, int]
# Okabe and Ito's colours, told apart by colour-blind people too; written as RGB.
COLOURS: tuple[Colour, ...] = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (204, 121, 167), (213, 94, 0), (0, 114, 178),
)  # fmt: skip


def thumbnail(frame: np.ndarray) -> str:
    """A frame (S, S, 3) as the data URL of a small JPEG."""
    small = cv2.resize(frame, (THUMB, THUMB), interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 75]
    )
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()


def annotate(frame: np.ndarray, names: tuple[str, ...], probabilities: np.ndarray) -> np.ndarray:
    """A copy of a frame (H, W, 3) with the likeliest things on a dark band at its foot."""
    height, width = frame.shape[:2]
    size = max(12, min(height // 16, width // 14))  # pixels of the text
    line, edge = round(1.5 * size), max(4, size // 2)
    order = np.argsort(-probabilities)[: min(BARS, len(names))]
    top = height - line * len(order) - edge
    picture = frame.copy()
    picture[top:] = (picture[top:] * 0.35).astype(np.uint8)
    face = cv2.FontFace("sans")
    middle = width // 2
    for row, k in enumerate(order):
        y = top + edge // 2 + row * line
        text = _fitting(names[k], face, size, middle - 2 * edge, picture.shape)
        weight = 700 if row == 0 else 400
        cv2.putText(picture, text, (edge, y + size), (255, 255, 255), face, size, weight)
        room = width - middle - edge - round(3.2 * size)
        cv2.rectangle(picture, (middle, y + size // 4), (middle + room, y + size), (90, 90, 90), -1)
        full = middle + round(room * float(probabilities[k]))
        cv2.rectangle(
            picture, (middle, y + size // 4), (full, y + size), COLOURS[k % len(COLOURS)], -1
        )
        percent = f"{100 * probabilities[k]:.0f} %"
        cv2.putText(
            picture,
            percent,
            (middle + room + edge // 2, y + size),
            (255, 255, 255),
            face,
            size,
            weight,
        )
    return picture


def _fitting(text: str, face: cv2.FontFace, size: int, room: int, shape: tuple[int, ...]) -> str:
    """`text`, shortened until it is at most `room` pixels wide."""
    short = text
    while len(short) > 1 and cv2.getTextSize(shape[1::-1], short, (0, 0), face, size)[2] > room:
        text = text[:-1]
        short = text + "…"
    return short


class VideoWriter:
    """Writes named frames as a VP8 WebM, which browsers play, at an even rate and in true time."""

    def __init__(self, path: Path, names: tuple[str, ...], rate: float) -> None:
        """rate: frames per second of the source, as far as it is known."""
        self._path, self._names = path, names
        self._rate = min(MAX_RATE, max(1.0, rate))
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._last: np.ndarray | None = None
        self._written = 0

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer:
            self._writer.release()
        if kind is None and (not self._path.exists() or not self._path.stat().st_size):
            raise InputError("The annotated video could not be written; is the disk full?")

    def add(self, named: NamedFrame) -> None:
        """Draw one frame at its place in time; one that comes too soon is left out."""
        place = int(named.time_s * self._rate + 1e-6)
        if place < self._written:
            return
        drawn = annotate(self._sized(named.frame), self._names, named.probabilities)
        bgr = cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR)
        if self._writer is None:
            codec = cv2.VideoWriter.fourcc(*"VP80")
            path = str(self._path)
            self._writer = cv2.VideoWriter(path, cv2.CAP_FFMPEG, codec, self._rate, self._size)
        gap = min(place - self._written, round(MAX_GAP_SECONDS * self._rate))
        for _ in range(gap):  # the picture before stands until this one comes
            self._writer.write(bgr if self._last is None else self._last)
        self._writer.write(bgr)
        self._last = bgr
        self._written = place + 1

    def _sized(self, frame: np.ndarray) -> np.ndarray:
        if self._size == (0, 0):
            scale = min(1.0, MAX_SIDE / max(frame.shape[:2]))
            # VP8 wants even sides; text wants some room.
            height, width = (max(64, round(side * scale / 2) * 2) for side in frame.shape[:2])
            self._size = (width, height)
        return cv2.resize(frame, self._size, interpolation=cv2.INTER_AREA)


@dataclass(frozen=True)
class Stretch:
    """A piece of a video in which one thing was the likeliest."""

    start_s: float
    end_s: float
    name: str
    confidence: float  # mean


def stretches(
    names: tuple[str, ...], times: np.ndarray, probabilities: np.ndarray
) -> tuple[Stretch, ...]:
    """From times (F,) and probabilities (F, K): a stretch for each run of one likeliest thing."""
    best = probabilities.argmax(1)
    cuts = [0, *(np.flatnonzero(np.diff(best)) + 1), len(best)]
    return tuple(
        Stretch(
            float(times[a]),
            float(times[b - 1]),
            names[best[a]],
            float(probabilities[a:b, best[a]].mean()),
        )
        for a, b in pairwise(cuts)
    )


def thinned(times: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most POINTS rows of times (F,) and probabilities (F, K), each the mean of a run."""
    runs = np.array_split(np.arange(len(times)), min(POINTS, len(times)))
    return (
        np.array([times[run].mean() for run in runs]),
        np.array([probabilities[run].mean(0) for run in runs]),
    )
