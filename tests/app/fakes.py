"""A model that learns at once: it names a frame after the thing of the nearest mean colour."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from app.fair_lock import FairLock
from app.handlers import Handlers
from app.learning import Learner
from app.rooms import Message, Room, Rooms
from app.session import Clip, TaughtObjects
from model import Memory, Report, Seen, SupportSet
from model.adapted import Answers

RED, GREEN, BLUE = (220, 30, 30), (30, 200, 40), (30, 40, 220)


def frames(colour: tuple[int, int, int], count: int = 3, side: int = 224) -> np.ndarray:
    """A clip (T, S, S, 3) of one colour."""
    return np.full((count, side, side, 3), colour, np.uint8)


def jpeg(colour: tuple[int, int, int], side: int = 224) -> bytes:
    """What the page sends: a JPEG of one colour."""
    picture = cv2.cvtColor(frames(colour, 1, side)[0], cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", picture)[1].tobytes()


@dataclass(frozen=True)
class FakeAdapted:
    names: tuple[str, ...]
    means: np.ndarray  # (K, 3)
    foreign: np.ndarray | None = None  # (B, 3) colours of counter-examples

    def predict(self, pictures: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        seen = np.array([picture.mean((0, 1)) for picture in pictures])
        near = np.exp(-np.linalg.norm(seen[:, None] - self.means[None], axis=2) / 20)
        return (near / near.sum(1, keepdims=True)).astype(np.float32)

    def answers(self, pictures: Sequence[np.ndarray] | np.ndarray) -> Answers:
        rows = self.predict(pictures)
        if self.foreign is None:
            return Answers(rows, None, None)
        seen = np.array([picture.mean((0, 1)) for picture in pictures])
        near, far = (
            np.linalg.norm(seen[:, None] - colours[None], axis=2).min(1)
            for colours in (self.foreign, self.means)
        )
        everywhere = np.tile(np.array([0, 0, 1, 1], np.float32), (len(rows), 1))
        return Answers(rows, (near < far).astype(np.float32), everywhere)

    def renamed(self, names: Sequence[str]) -> FakeAdapted:
        return replace(self, names=tuple(names))


def adapt(support: SupportSet, progress: Callable[[int, int], None]) -> FakeAdapted:
    pictures, labels = support.frames()
    progress(len(labels), len(labels))
    means = [pictures[labels == k].mean((0, 1, 2)) for k in range(len(support.names))]
    return FakeAdapted(support.names, np.array(means))


@dataclass(frozen=True)
class FakeSeen(Seen):
    adapted: Any = None


class FakeTeacher:
    """In place of a personaliser: what `adapt` makes, and a report card of what was seen."""

    def __init__(self, adapt: Callable[..., Any] = adapt) -> None:
        self._adapt = adapt

    def see(
        self,
        objects: SupportSet,
        progress: Callable[[int, int], None],
        memory: Memory,
        counter_examples: Sequence[np.ndarray],
    ) -> Seen:
        nothing = np.zeros((len(objects.labels()), 0), np.float32)
        return FakeSeen(
            objects.names, objects.labels(), objects.clip_numbers(),
            nothing, nothing, nothing, nothing,
            np.concatenate(counter_examples) if counter_examples else None,
            self._adapt(objects, progress),
        )  # fmt: skip

    def fit(self, seen: Seen) -> Any:
        assert isinstance(seen, FakeSeen)
        adapted = seen.adapted.renamed(seen.names)
        if seen.maps is not None:  # here the frames themselves
            adapted = replace(adapted, foreign=seen.maps.mean((1, 2)))
        return adapted

    def report(self, seen: Seen) -> Report:
        ways = len(seen.names)
        return Report(seen.names, (1,) * ways, np.eye(ways), np.eye(ways), None, ())


class HeldAdapt:
    """As `adapt`, but each call waits until it is let go; remembers what it was asked to learn."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.go = threading.Semaphore(0)
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, support: SupportSet, progress: Callable[[int, int], None]) -> FakeAdapted:
        self.asked.append(support.names)
        self.started.release()
        assert self.go.acquire(timeout=10)
        return adapt(support, progress)


def read_colour(room: Room, path: Path) -> np.ndarray:
    """In place of decoding: a file holds the name of a colour."""
    return frames({"red": RED, "green": GREEN, "blue": BLUE}[path.read_text()])


@dataclass(frozen=True)
class House:
    """Rooms and handlers as the app has them, with fakes in place of the model."""

    rooms: Rooms
    handlers: Handlers


def house(folder: Path, adapt: Callable = adapt, read_clip: Callable = read_colour) -> House:
    for name in ("private", "shown", "samples"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    lock = FairLock()
    rooms = Rooms(folder / "private", folder / "shown")
    return House(
        rooms, Handlers(Learner(FakeTeacher(adapt), lock), read_clip, lock, folder / "samples")
    )


class Page:
    """Collects what a room tells its page."""

    def __init__(self, room: Room) -> None:
        self.heard: list[Message] = []
        room.page = self.heard.append

    def wait(self, kind: str, seconds: float = 10.0) -> Message:
        """The next message of that kind, which is then forgotten with all before it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for index, message in enumerate(self.heard):
                if message["type"] == kind:
                    del self.heard[: index + 1]
                    return message
            time.sleep(0.005)
        raise AssertionError(f"no {kind!r} within {seconds} s; heard {self.heard}")


def told(taught: TaughtObjects) -> list[Any]:
    """Everything that a profile keeps, pixels included."""
    things = [(thing.id, thing.name, *map(pixels, thing.clips)) for thing in taught.things]
    return [things, [pixels(clip) for clip in taught.foreign]]


def pixels(clip: Clip) -> tuple[str, bytes]:
    return clip.id, clip.frames.tobytes()
