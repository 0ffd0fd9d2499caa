"""The video that a person gets: frames with their names drawn on, as a WebM in true time."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from app.naming.drawing import annotate, shown_size
from app.naming.frames import NamedFrame
from app.words.language import ENGLISH
from model import InputError

MAX_RATE = 30.0  # frames per second of the annotated video
MAX_GAP_SECONDS = 60.0  # a leap in time is not filled for ever


class VideoWriter:
    """Writes named frames as a VP8 WebM, which browsers play, at an even rate and in true time."""

    def __init__(
        self, path: Path, names: tuple[str, ...], rate: float, language: str = ENGLISH
    ) -> None:
        """rate: frames per second of the source, as far as it is known. language: of the words."""
        self._path, self._names, self._language = path, names, language
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
        place = int(named.time_s * self._rate + 0.5)  # the nearest: containers round their times
        if place < self._written:
            return
        drawn = annotate(self._sized(named.frame), self._names, named.sight, self._language)
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
            height, width = shown_size(*frame.shape[:2])
            self._size = (width, height)
        if frame.shape[1::-1] == self._size:
            return frame
        return cv2.resize(frame, self._size, interpolation=cv2.INTER_AREA)
