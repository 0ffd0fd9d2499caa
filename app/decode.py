"""Decoding what people upload in a process of its own: a decoder that crashes or hangs takes
nothing else along.

The child opens the media through `model.frames`, with limits on memory, and lives on until it fails
once.
"""

from __future__ import annotations

import multiprocessing
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np

from model.errors import InputError
from model.frames import read_clip, stream

SECONDS = 60.0  # for one clip
VIDEO_SECONDS = 300.0  # for looking through a video
MAX_VIDEO_FRAMES = 20_000
MAX_VIDEO_SECONDS = 2 * 60 * 60  # of its own time: its gaps are filled when it is written
MEMORY_BYTES = 6 * 2**30  # of address space, threads' stacks and the libraries included


@dataclass(frozen=True)
class VideoFacts:
    """What decoding a whole video showed, whatever its header claims."""

    frames: int
    seconds: float


def count_frames(path: str) -> VideoFacts:
    """Decode all of a video that is about to be named; InputError when that is not possible."""
    count, seconds = 0, 0.0
    for time_s, _ in stream(path):
        count, seconds = count + 1, time_s
        if count > MAX_VIDEO_FRAMES:
            raise InputError(
                f"This video has more than {MAX_VIDEO_FRAMES} frames; cut it, or name it on the "
                "command line, which has no limit."
            )
        if seconds > MAX_VIDEO_SECONDS:
            raise InputError(
                f"This video is longer than {MAX_VIDEO_SECONDS // 3600} hours; cut it, or name it "
                "on the command line, which has no limit."
            )
    return VideoFacts(count, seconds)


class Decoder:
    """A fixed number of children that decode, started when they are needed."""

    def __init__(self, children: int = 2) -> None:
        self._free: Queue[_Child] = Queue()
        for _ in range(children):
            self._free.put(_Child())

    def read_clip(self, path: Path) -> np.ndarray:
        """`model.frames.read_clip` in a child: (T, 224, 224, 3) uint8 RGB."""
        return self._ask(read_clip, path, SECONDS)

    def count_frames(self, path: Path) -> VideoFacts:
        """`count_frames` in a child: afterwards the video is known to decode from end to end."""
        return self._ask(count_frames, path, VIDEO_SECONDS)

    def close(self) -> None:
        """End the children that are idle."""
        while not self._free.empty():
            self._free.get().stop()

    def _ask(self, work: Callable[[str], Any], path: Path, seconds: float) -> Any:
        child = self._free.get()
        try:
            return child.ask(work, str(path), seconds)
        finally:
            self._free.put(child)


class _Child:
    def __init__(self) -> None:
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None

    def ask(self, work: Callable[[str], Any], path: str, seconds: float) -> Any:
        pipe = self._pipe or self._start()
        try:
            pipe.send((work, path))
            if not pipe.poll(seconds):
                self.stop()
                raise InputError(
                    f"Reading this file took more than {seconds:.0f} s; use a shorter clip."
                )
            answer = pipe.recv()
        except (EOFError, OSError) as error:
            self.stop()
            raise InputError(
                "This file made the decoder fail; save it as an ordinary mp4 and try again."
            ) from error
        if isinstance(answer, InputError):
            raise answer
        return answer

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.join()
        if self._pipe:
            self._pipe.close()
        self._process = self._pipe = None

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        self._process, self._pipe = process, ours
        return ours


def _serve(pipe: Connection) -> None:
    """The child: answer one question after the other until the pipe closes."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C ends the parent, whose pipe then ends this one
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    while True:
        try:
            work, path = pipe.recv()
        except EOFError:
            return
        try:
            answer = work(path)
        except InputError as error:
            answer = error
        except MemoryError:
            answer = InputError(
                "This file needs too much memory; save it smaller, 1920 pixels wide say."
            )
        pipe.send(answer)
