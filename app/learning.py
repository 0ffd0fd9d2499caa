"""Adapting in the background: after every change a new model, while the old one goes on answering.

A change that comes while a model is being made stops that work and starts again with the newer
things.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Protocol

import numpy as np

from app.fair_lock import FairLock
from app.rooms import Lesson, Message, Room
from app.session import TaughtObjects
from app.words.language import Said
from app.words.language import problem as why
from app.words.report_card import told
from model import Adapted, InputError, Memory, Report, Seen, SupportSet

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]


class Teacher(Protocol):
    """What of `model.Personaliser` is used."""

    def see(
        self,
        objects: SupportSet,
        progress: Progress,
        memory: Memory,
        counter_examples: Sequence[np.ndarray],
    ) -> Seen: ...
    def fit(self, seen: Seen) -> Adapted: ...
    def report(self, seen: Seen) -> Report: ...


OUR_FAULT = Said("learning-failed")


class _Overtaken(Exception):
    """A newer change of the same room made this work useless."""


class Learner:
    """Makes the models of all rooms, one after the other."""

    def __init__(self, teacher: Teacher, lock: FairLock) -> None:
        self._teacher, self._lock = teacher, lock
        self._pool = ThreadPoolExecutor(1, "learner")

    def learn(self, room: Room) -> None:
        """Bring the room's model up to what is taught now; returns at once."""
        with room.lock:
            if room.closed:
                return
            version, taught = room.version, room.taught
            if len(taught.learnable) < 2:
                room.adapted = room.lesson = room.report = None
                room.settled, room.problem = version, {}
                return
            if _renamed(room):
                return
            room.tell(
                {"type": "learning", "done": 0, "total": sum(t.shots for t in taught.learnable)}
            )
        future = self._pool.submit(self._work, room, version, taught)
        future.add_done_callback(partial(_failed, room, version))

    def close(self) -> None:
        """Stop: what waits is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _work(self, room: Room, version: int, taught: TaughtObjects) -> None:
        def progress(done: int, total: int) -> None:
            if room.version != version:
                raise _Overtaken
            self._lock.yield_turn()
            room.tell({"type": "learning", "done": done, "total": total})

        if room.version != version:
            return
        support, others = taught.support(), [clip.frames for clip in taught.foreign]
        start = time.perf_counter()
        try:
            with self._lock:
                seen = self._teacher.see(support, progress, room.memory, others)
                adapted = self._teacher.fit(seen)
        except _Overtaken:
            return
        seconds = time.perf_counter() - start
        with room.lock:
            if room.version != version:
                return
            clips, foreign = taught.lesson_clips, taught.foreign_clips
            lesson = Lesson(len(seen.labels), len(seen.names), seconds, clips, foreign)
            room.adapted, room.lesson, room.report = adapted, lesson, None
            room.settled, room.problem = version, {}
            room.tell(learned(lesson, adapted))
        try:
            report = self._teacher.report(seen)
        except Exception:  # the model is good without it
            log.exception("no report card")
            return
        with room.lock:
            if room.lesson is lesson and room.adapted:  # perhaps renamed meanwhile
                room.report = replace(report, names=room.adapted.names)
                room.tell(reported(room.report))


def is_current(room: Room) -> bool:
    """Whether the room's model is one of exactly what is taught; only while its lock is held."""
    taught = room.taught
    return (
        room.adapted is not None
        and _same_pictures(room.lesson, taught)
        and room.adapted.names == tuple(thing.name for thing in taught.learnable)
    )


def _same_pictures(lesson: Lesson | None, taught: TaughtObjects) -> bool:
    """Whether a lesson was of what is taught, but for names."""
    return (
        lesson is not None
        and lesson.clips == taught.lesson_clips
        and lesson.foreign == taught.foreign_clips
    )


def _renamed(room: Room) -> bool:
    """Settle a change after which the model needs other names at most: nothing is learned again."""
    taught, lesson = room.taught, room.lesson
    if not (room.adapted and lesson and _same_pictures(lesson, taught)):
        return False
    names = tuple(thing.name for thing in taught.learnable)
    if room.adapted.names != names:
        room.adapted = room.adapted.renamed(names)
    room.settled, room.problem = room.version, {}
    room.tell(learned(lesson, room.adapted))
    if room.report:
        room.report = replace(room.report, names=names)
        room.tell(reported(room.report))
    return True


def learned(lesson: Lesson, adapted: Adapted) -> Message:
    """The message that a model is ready."""
    return {
        "type": "learned", "names": list(adapted.names),
        "frames": lesson.frames, "things": lesson.things, "seconds": round(lesson.seconds, 2),
    }  # fmt: skip


def reported(report: Report) -> Message:
    """The message of the report card: sentences, and in percent what was named how."""
    return {
        "type": "report",
        "lines": [said.message for said in told(report)],
        "names": list(report.names),
        "named": [
            None if np.isnan(row).any() else (100 * row).round().astype(int).tolist()
            for row in report.named
        ],
    }


def unlearned(problem: Message) -> Message:
    """The message that what is taught could not be learned, and an older model answers."""
    return {"type": "unlearned", **problem}


def _failed(room: Room, version: int, work: Future[None]) -> None:
    error = None if work.cancelled() else work.exception()
    if error is None:
        return
    if not isinstance(error, InputError):
        log.error("adapting failed", exc_info=error)
    problem = why(error) if isinstance(error, InputError) else OUR_FAULT.told
    with room.lock:
        if room.version == version:
            room.settled, room.problem = version, problem
            room.tell(unlearned(problem))
