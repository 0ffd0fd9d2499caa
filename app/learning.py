"""Adapting in the background: after every change a new model, while the old one goes on answering.

A change that comes while a model is being made stops that work and starts again with the newer
things.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from app.rooms import Lesson, Room
from app.turn import Turn
from model import Adapted, InputError, SupportSet

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
Adapt = Callable[[SupportSet, Progress], Adapted]

OUR_FAULT = "Learning failed on our side; your things are safe. Change one of them to try again."


class _Overtaken(Exception):
    """A newer change of the same room made this work useless."""


class Learner:
    """Makes the models of all rooms, one after the other."""

    def __init__(self, adapt: Adapt, turn: Turn) -> None:
        self._adapt, self._turn = adapt, turn
        self._pool = ThreadPoolExecutor(1, "learner")

    def learn(self, room: Room) -> None:
        """Bring the room's model up to what is taught now; returns at once."""
        with room.lock:
            if room.closed:
                return
            version, taught = room.version, room.taught
            if len(taught.learnable) < 2:
                room.adapted = room.lesson = None
                room.settled = version
                return
            room.tell(
                {"type": "learning", "done": 0, "total": sum(t.shots for t in taught.learnable)}
            )
        future = self._pool.submit(self._work, room, version, taught.support())
        future.add_done_callback(partial(_report, room, version))

    def close(self) -> None:
        """Stop: what waits is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _work(self, room: Room, version: int, support: SupportSet) -> None:
        def progress(done: int, total: int) -> None:
            if room.version != version:
                raise _Overtaken
            self._turn.pass_on()
            room.tell({"type": "learning", "done": done, "total": total})

        if room.version != version:
            return
        start = time.perf_counter()
        try:
            with self._turn:
                adapted = self._adapt(support, progress)
        except _Overtaken:
            return
        seconds = time.perf_counter() - start
        with room.lock:
            if room.version != version:
                return
            room.adapted = adapted
            room.lesson = Lesson(int(support.shots.sum()), len(support.names), seconds)
            room.settled = version
            room.tell(learned(room.lesson, adapted))


def learned(lesson: Lesson, adapted: Adapted) -> dict[str, object]:
    """The message that a model is ready."""
    return {
        "type": "learned", "names": list(adapted.names),
        "frames": lesson.frames, "things": lesson.things, "seconds": round(lesson.seconds, 2),
    }  # fmt: skip


def _report(room: Room, version: int, work: Future[None]) -> None:
    error = None if work.cancelled() else work.exception()
    if error is None:
        return
    if not isinstance(error, InputError):
        log.error("adapting failed", exc_info=error)
    text = str(error) if isinstance(error, InputError) else OUR_FAULT
    with room.lock:
        if room.version == version:
            room.settled = version
            room.tell({"type": "unlearned", "text": text})
