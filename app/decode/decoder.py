"""Decoding what people upload, each file in a fresh, confined child process.

A decoder that crashes, hangs or is taken over takes nothing else along and finds nobody's pixels.
What a child says is checked here: it is as little trusted as the file that it read.
"""

from __future__ import annotations

import logging
import math
import socket
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.decode.children import Children
from app.decode.wire import Broken, receive
from app.decode.work import (
    CLIP_CPU_SECONDS,
    CLIP_SECONDS,
    PROFILE_SECONDS,
    VIDEO_CPU_SECONDS,
    VIDEO_SECONDS,
)
from app.naming.drawing import MAX_SIDE, MIN_SIDE
from app.naming.frames import Seen
from app.profile.file import Read
from app.profile.manifest import MAX_BYTES, parse
from app.rooms import Room
from app.waiting_line import WaitingLine
from app.words.language import Refused, Said
from model import InputError
from model.frames import FRAMES_PER_CLIP, SIDE

log = logging.getLogger(__name__)

CLIPS_AT_ONCE = 2  # children that read clips
VIDEOS_AT_ONCE = 3  # children that look through videos; the system shares the cores between them
FRAME_SECONDS = 60.0  # within which a video must give its next frame
WAIT_SECONDS = 0.5  # between two words to whoever waits in line
MAX_WORDS = 1000  # letters of a sentence

SQUARE_BYTES = SIDE * SIDE * 3
CLOSED = Said("page-closed")
FAILED = "This file made the decoder fail; save it as an ordinary mp4 and try again."


@dataclass(frozen=True)
class Waiting:
    """Somebody else comes first."""

    ahead: int  # files of other people

    @property
    def said(self) -> Said:
        """For whoever waits."""
        return Said("waiting", {"count": self.ahead}) if self.ahead else Said("waiting-own")


class Decoder:
    """Reads files for rooms, fairly: see `WaitingLine`."""

    def __init__(self, folder: Path) -> None:
        """folder: empty, for the children to work in."""
        self._children = Children(folder)
        self._clips, self._videos = WaitingLine(CLIPS_AT_ONCE), WaitingLine(VIDEOS_AT_ONCE)

    def read_clip(self, room: Room, path: Path) -> np.ndarray:
        """`model.frames.read_clip` in a child: (T, 224, 224, 3) uint8 RGB; tells who waits so."""
        with (
            self._turn(room) as still_wanted,
            self._children.start("clip", path, CLIP_SECONDS, CLIP_CPU_SECONDS) as line,
        ):
            most = FRAMES_PER_CLIP * SQUARE_BYTES
            facts, body = _next(line, most, _until(CLIP_SECONDS, still_wanted))
        return _clip(facts, body)

    @contextmanager
    def read_profile(self, room: Room, path: Path) -> Iterator[Read]:
        """`app.profile.file.read_profile` in a child; tells who waits so."""
        with self._turn(room) as still_wanted:
            look = _until(PROFILE_SECONDS, still_wanted)
            line = self._children.start("profile", path, PROFILE_SECONDS, CLIP_CPU_SECONDS)
            with closing(line):
                _, said = _next(line, 2 * MAX_BYTES, look)
                try:
                    profile = parse(bytes(said))
                except InputError as error:  # which the child did not find wrong
                    raise _unbelievable(str(error)) from error

                def clips() -> Iterator[np.ndarray]:
                    for clip in profile.clips():
                        facts, body = _next(line, clip.frames * SQUARE_BYTES, look)
                        if len(frames := _clip(facts, body)) != clip.frames:
                            raise _unbelievable(f"{len(frames)} frames for {clip.frames}")
                        yield frames

                yield profile, clips()

    def look_through(
        self, room: Room, path: Path, still_wanted: Callable[[], None]
    ) -> Generator[Waiting | Seen]:
        """Every frame of a video, decoded in a child as they are taken.

        still_wanted: called several times a second; what it raises ends the child at once.
        """
        with self._videos.ticket(room.token) as ticket:
            while not ticket.wait(WAIT_SECONDS):
                still_wanted()
                yield Waiting(ticket.ahead)
            end = time.monotonic() + VIDEO_SECONDS
            line = self._children.start("video", path, VIDEO_SECONDS, VIDEO_CPU_SECONDS)
            with closing(line):
                last, size = -math.inf, None
                while True:
                    seconds = min(FRAME_SECONDS, end - time.monotonic())
                    most = SQUARE_BYTES + 3 * MAX_SIDE * MAX_SIDE
                    facts, body = _next(line, most, _until(seconds, still_wanted))
                    if facts.get("end") is True and size:
                        return
                    seen = _seen(facts, body)
                    if seen.time_s <= last or seen.picture.shape != (size or seen.picture.shape):
                        raise _unbelievable("time or size of a frame")
                    last, size = seen.time_s, seen.picture.shape
                    yield seen

    @contextmanager
    def _turn(self, room: Room) -> Iterator[Callable[[], None]]:
        """Wait in line for a child that reads a clip; what it gives raises when nobody waits."""

        def still_wanted() -> None:
            if room.closed:
                raise Refused(CLOSED)

        with self._clips.ticket(room.token) as ticket:
            told = None
            while not ticket.wait(WAIT_SECONDS):
                still_wanted()
                if (waiting := Waiting(ticket.ahead)) != told:
                    room.tell({"type": "waiting", **waiting.said.message})
                    told = waiting
            still_wanted()
            yield still_wanted

    def close(self) -> None:
        """End every child."""
        self._children.stop()


def _until(seconds: float, still_wanted: Callable[[], None]) -> Callable[[], None]:
    end = time.monotonic() + seconds

    def look() -> None:
        still_wanted()
        if time.monotonic() > end:
            raise InputError(
                f"Reading this file took more than {seconds:.0f} s; use a shorter clip."
            )

    return look


def _next(
    line: socket.socket, most: int, look: Callable[[], None]
) -> tuple[dict[str, Any], bytearray]:
    try:
        facts, body = receive(line, most, look)
    except Broken as error:
        log.warning("the line to a decoder broke: %s", error)
        raise InputError(FAILED) from error
    if "failed" in facts:
        log.warning("decoding failed: %.300r", facts["failed"])
        raise InputError(FAILED)
    if "problem" in facts:
        words = str(facts["problem"])[:MAX_WORDS]
        raise InputError("".join(letter if letter.isprintable() else "?" for letter in words))
    return facts, body


def _seen(facts: dict[str, Any], body: bytearray) -> Seen:
    time_s, share = (_number(facts.get(key)) for key in ("time_s", "share"))
    if time_s is None or time_s < 0 or not 0 <= (share or 0) <= 1:
        raise _unbelievable(f"time {time_s}, share {share}")
    size = facts.get("size")
    if (
        not isinstance(size, list)
        or len(size) != 2
        or not all(isinstance(side, int) and MIN_SIDE <= side <= MAX_SIDE for side in size)
    ):
        raise _unbelievable(f"size {size!r}")
    square = _pixels(body[:SQUARE_BYTES], (SIDE, SIDE, 3))
    return Seen(time_s, square, _pixels(body[SQUARE_BYTES:], (*size, 3)), share)


def _clip(facts: dict[str, Any], body: bytearray) -> np.ndarray:
    count = facts.get("frames")
    if not isinstance(count, int) or not 1 <= count <= FRAMES_PER_CLIP:
        raise _unbelievable(f"{count!r} frames")
    return _pixels(body, (count, SIDE, SIDE, 3))


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None


def _pixels(body: bytearray, shape: tuple[int, ...]) -> np.ndarray:
    if len(body) != math.prod(shape):
        raise _unbelievable(f"{len(body)} bytes for {shape}")
    return np.frombuffer(body, np.uint8).reshape(shape)


def _unbelievable(what: str) -> InputError:
    log.warning("a decoder said what cannot be: %.300s", what)
    return InputError(FAILED)
