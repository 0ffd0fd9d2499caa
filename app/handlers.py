"""What a person can do, as values in, values out: teach, change, watch. Its verbs are injected; no
web in here.

Naming a video and taking the model away are in `app.results`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.fair_lock import FairLock
from app.learning import Learner, learned, reported, unlearned
from app.naming.drawing import thumbnail
from app.naming.sight import Sight, Watch
from app.rooms import Message, Room
from app.session import Clip, TaughtObjects, Transition
from app.words.language import Refused, Said
from model import Adapted, InputError, Memory
from model.adapted import Answers
from model.frames import decode_jpeg, select_frames, square
from model.media.kinds import ENDINGS

MOMENT = 5  # frames of a moment that was wrongly named

ReadClip = Callable[[Room, Path], np.ndarray]


@dataclass(frozen=True)
class Answer:
    """What is seen in a frame right now."""

    names: tuple[str, ...]
    sight: Sight


@dataclass
class Watching:
    """One live stream, which starts afresh with each new model."""

    adapted: Adapted | None = None
    watch: Watch = field(default_factory=Watch)

    def see(self, adapted: Adapted, time_s: float, answers: Answers) -> Sight:
        """What `adapted` says of the frame at `time_s`, smoothed."""
        if adapted is not self.adapted:
            self.adapted, self.watch = adapted, Watch()
        return self.watch.see(time_s, answers)


@dataclass(frozen=True)
class Handlers:
    """The verbs on a room. samples: a folder like assets/samples."""

    learner: Learner
    read_clip: ReadClip
    lock: FairLock
    samples: Path

    def teach_recording(self, room: Room, name: str, jpegs: Sequence[bytes]) -> int:
        """Keep frames that the page streamed as a clip of a thing; returns how many were kept."""
        room.taught.check(name)
        if not jpegs:
            raise Refused(Said("nothing-arrived"))
        return self._teach(room, name, select_frames(_readable(jpegs)))

    def correct(self, room: Room, thing_id: str | None, jpegs: Sequence[bytes]) -> str:
        """Keep a moment that was wrongly named: as a clip of the thing that it shows, or, of None,
        as a counter-example; returns the id of what was kept.
        """
        thing = None if thing_id is None else room.taught.thing(thing_id)
        if thing is None:
            room.taught.check_foreign()
        frames = list(_readable(jpegs))
        if not frames:
            raise Refused(Said("nothing-to-remember"))
        some = np.linspace(0, len(frames) - 1, min(MOMENT, len(frames))).round().astype(int)
        clip = room.keep(np.stack([square(frames[i]) for i in some]))

        def keep(taught: TaughtObjects) -> TaughtObjects:
            return taught.reject(clip) if thing is None else taught.add(thing.name, clip)

        self.change(room, keep, [clip])
        return clip.id

    def teach_file(self, room: Room, name: str, path: Path) -> int:
        """Keep a clip or photo that was uploaded; returns how many frames were kept."""
        room.taught.check(name)
        return self._teach(room, name, self.read_clip(room, path))

    def teach_samples(self, room: Room) -> int:
        """Teach all sample objects; returns how many there are."""
        objects = sample_clips(self.samples, "clean")
        if not objects:
            raise InputError("The sample objects are not installed; record things of your own.")
        read = [
            (name, self.read_clip(room, path)) for name, paths in objects.items() for path in paths
        ]
        kept: list[tuple[str, Clip]] = []
        try:
            for name, frames in read:
                kept.append((name, room.keep(frames)))
        except InputError:  # all of them or none
            _delete([clip for _, clip in kept])
            raise

        def all_of_them(taught: TaughtObjects) -> TaughtObjects:
            for name, clip in kept:
                taught = taught.add(name, clip)
            return taught

        self.change(room, all_of_them, [clip for _, clip in kept])
        return len(objects)

    def remove_frame(self, room: Room, thing_id: str, clip_id: str, number: int) -> None:
        """Take one frame, by its number from 0, out of a clip; of a single one, the clip."""
        _, clip = room.taught.thing(thing_id).clip(clip_id)
        if not 0 <= number < clip.count:
            raise Refused(Said("frame-gone"))
        if clip.count == 1:
            return self.change(room, lambda taught: taught.remove_clips(thing_id, {clip_id}))
        shorter = room.keep(np.delete(clip.frames, number, axis=0))
        self.change(room, lambda taught: taught.replace_clip(thing_id, clip_id, shorter), [shorter])

    def forget_everything(self, room: Room) -> None:
        """As if the page had just been opened: nothing of what was taught is left, nor undone."""
        self.change(room, lambda taught: TaughtObjects())
        with room.lock:
            room.memory = Memory()
        for folder in room.shown.iterdir():
            shutil.rmtree(folder, ignore_errors=True)

    def change(self, room: Room, transition: Transition, new: Sequence[Clip] = ()) -> None:
        """Apply a transition, tell the page, learn again; a refused one changes nothing."""
        news = [clip_message(clip) for clip in new]
        with room.lock:
            before = room.taught
            try:
                if room.closed:
                    raise InputError("This page was closed.")
                room.taught = transition(before)
            except InputError:
                _delete(new)
                raise
            room.version += 1
            kept = {id(clip) for clip in room.taught.clips()}
            _delete([clip for clip in (*before.clips(), *new) if id(clip) not in kept])
            for message in (*news, state_message(room)):
                room.tell(message)
        self.learner.learn(room)

    def recognise(
        self, room: Room, watching: Watching, jpeg: bytes, time_s: float
    ) -> Answer | None:
        """Name what is in a frame of the page; None while nothing is learned."""
        adapted = room.adapted
        if adapted is None:
            return None
        frame = square(decode_jpeg(jpeg))
        with self.lock:
            answers = adapted.answers([frame])
        return Answer(adapted.names, watching.see(adapted, time_s, answers))

    def _teach(self, room: Room, name: str, frames: np.ndarray) -> int:
        clip = room.keep(frames)
        self.change(room, lambda taught: taught.add(name, clip), [clip])
        return len(frames)


def sample_clips(samples: Path, kind: str) -> dict[str, list[Path]]:
    """{object: its sample clips} of one kind, `clean` or `clutter`; underscores read as blanks."""
    return {
        folder.name.replace("_", " "): clips
        for folder in sorted(samples.glob("*"))
        if (clips := [p for p in sorted(folder.glob(f"{kind}/*")) if p.suffix.lower() in ENDINGS])
    }


def welcome(room: Room) -> list[Message]:
    """Everything a page must know that has just come (back) to its room."""
    messages = [clip_message(clip) for clip in room.taught.clips()] + [state_message(room)]
    if room.lesson and room.adapted:
        messages.append(learned(room.lesson, room.adapted))
    if room.report:
        messages.append(reported(room.report))
    if room.problem:
        messages.append(unlearned(room.problem))
    return messages


def state_message(room: Room) -> Message:
    """The things as the page lists them."""
    taught = room.taught
    return {
        "type": "state",
        "things": [
            {
                "id": thing.id,
                "name": thing.name,
                "clips": [{"id": clip.id, "frames": clip.count} for clip in thing.clips],
            }
            for thing in taught.things
        ],
        "foreign": [{"id": clip.id, "frames": clip.count} for clip in taught.foreign],
        "undo": taught.removed[-1].what.message if taught.removed else None,
        "learnable": len(taught.learnable),
    }


def clip_message(clip: Clip) -> Message:
    """The kept frames of a clip, as small pictures; sent once."""
    return {"type": "clip", "id": clip.id, "thumbs": [thumbnail(frame) for frame in clip.frames]}


def _readable(jpegs: Sequence[bytes]) -> Iterator[np.ndarray]:
    """The frames that can be decoded: one that came damaged does not spoil a recording."""
    for jpeg in jpegs:
        with suppress(InputError):
            yield decode_jpeg(jpeg)


def _delete(clips: Iterable[Clip]) -> None:
    for clip in clips:
        if isinstance(clip.kept, Path):
            clip.kept.unlink(missing_ok=True)
