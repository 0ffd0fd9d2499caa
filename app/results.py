"""What leaves the app: a video with names on it, its curves and table; the adapted model."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from app.decode import VideoFacts
from app.overlay import Stretch, VideoWriter, stretches
from app.rooms import Room
from app.turn import Turn
from app.video import NamedFrame, name_video, write_csv
from model import Adapted, InputError, load_adapted

COMPARED = 60  # taught frames that a saved model must answer like the live one
COMPARED_AT_ONCE = 8  # in one turn
TOLERANCE = 1e-4  # in probability
PATIENCE_SECONDS = 60.0

Item = TypeVar("Item")
NO_PICTURE = np.zeros((0, 0, 3), np.uint8)  # in place of frames that were drawn already


@dataclass(frozen=True)
class NamedVideo:
    """A video, named: two files for the person, and what a plot and a list need."""

    video: Path
    csv: Path
    names: tuple[str, ...]
    times: np.ndarray  # (F,) seconds
    probabilities: np.ndarray  # (F, K) smoothed
    seen: tuple[Stretch, ...]


@dataclass(frozen=True)
class Step:
    """How far the work is."""

    done: int  # frames
    total: int


@dataclass(frozen=True)
class Exported:
    """A model that was saved, opened again and found to answer like the live one."""

    file: Path
    size: int  # bytes
    names: tuple[str, ...]
    compared: int  # frames
    difference: float  # the largest, in probability


@dataclass(frozen=True)
class Results:
    """Makes results in the room's folder of things that its page may fetch."""

    count_frames: Callable[[Path], VideoFacts]
    turn: Turn

    def name_video(self, room: Room, path: Path, title: str) -> Iterator[Step | NamedVideo]:
        """Name every frame of a video: steps on the way, at the end the result. Raises InputError.

        title: the name that the video has for the person.
        """
        adapted = _learned(room)
        facts = self.count_frames(path)
        folder, stem = room.new_shown("video"), file_stem(title)
        video, table = folder / f"{stem}-named.webm", folder / f"{stem}.csv"
        rate = (facts.frames - 1) / facts.seconds if facts.seconds > 0 else 1.0
        named: list[NamedFrame] = []
        try:
            with VideoWriter(video, adapted.names, rate) as writer:
                for frame in _in_turn(self.turn, name_video(adapted, path)):
                    writer.add(frame)
                    named.append(replace(frame, frame=NO_PICTURE))
                    if room.closed:
                        raise InputError("This page was closed.")
                    yield Step(len(named), facts.frames)
            write_csv(table, adapted.names, named)
        except OSError as error:
            raise InputError(f"The results could not be saved: {error.strerror}.") from error
        times = np.array([frame.time_s for frame in named])
        rows = np.array([frame.probabilities for frame in named])
        seen = stretches(adapted.names, times, rows)
        yield NamedVideo(video, table, adapted.names, times, rows, seen)

    def export(self, room: Room) -> Exported:
        """Save the model, open the file again and compare answers on taught frames."""
        adapted, support = _learned(room), room.taught.support()
        file = room.new_shown("model") / "my-things.onnx"
        adapted.save(file)
        frames, _ = support.frames()
        some = frames[np.linspace(0, len(frames) - 1, min(COMPARED, len(frames))).astype(int)]
        try:
            size = file.stat().st_size
        except OSError as error:  # its page was closed and took the folder along
            raise InputError("The saved model is gone; open this tab again.") from error
        difference = self._difference(adapted, load_adapted(file), some)
        if not difference <= TOLERANCE:
            file.unlink()
            raise InputError(
                f"The saved model answered differently from the live one (by {difference:.1g}), so "
                "it is not offered; change one of your things and try again."
            )
        return Exported(file, size, adapted.names, len(some), difference)

    def _difference(self, live: Adapted, saved: Adapted, frames: np.ndarray) -> float:
        """The largest difference between two models' probabilities, a turn for a few frames."""
        largest = 0.0
        for start in range(0, len(frames), COMPARED_AT_ONCE):
            batch = frames[start : start + COMPARED_AT_ONCE]
            with self.turn:
                apart = np.abs(saved.predict(batch) - live.predict(batch)).max()
            largest = float(np.maximum(largest, apart))  # keeps a NaN
        return largest


def file_stem(title: str) -> str:
    """A short file name without an ending, made of letters, digits, - and _ only."""
    stem = re.sub(r"[^\w-]+", "-", Path(title).stem, flags=re.ASCII).strip("-")[:40]
    return stem or "video"


def _learned(room: Room) -> Adapted:
    """The model of what is taught now; waits while it is being made."""
    room.taught.support()  # says what is missing
    end = time.monotonic() + PATIENCE_SECONDS
    while room.settled != room.version and time.monotonic() < end:
        time.sleep(0.05)
    if room.adapted is None or room.settled != room.version:
        raise InputError("Your things are not learned yet; wait until it says so, then try again.")
    return room.adapted


def _in_turn(turn: Turn, items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each made while it is our turn to run the model."""
    while True:
        with turn:
            item = next(items, None)
        if item is None:
            return
        yield item
