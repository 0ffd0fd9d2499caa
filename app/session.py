"""What one person taught, a frozen value, and its transitions: each returns a new value or raises
InputError.

Knows nothing of the web, of files or of models; whoever holds the value swaps it for the next one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from model import InputError, SupportSet
from model.support import check_name

MAX_THINGS = 50
MAX_FRAMES = 2000  # of one person; 300 MB on disk
MAX_FOREIGN = 10  # moments of what is none of the things


@dataclass(frozen=True)
class Clip:
    """The frames that were kept of one recording, file or photo."""

    id: str
    count: int  # T
    kept: np.ndarray | Path  # the frames, or the .npy file that holds them

    @property
    def frames(self) -> np.ndarray:
        """(T, 224, 224, 3) uint8 RGB, read each time: a clip holds neither memory nor descriptor.

        Raises InputError if the file has gone, with its page.
        """
        if isinstance(self.kept, np.ndarray):
            return self.kept
        try:
            return np.load(self.kept)
        except (OSError, ValueError) as error:
            raise InputError("A clip has gone with its page; open the page again.") from error


@dataclass(frozen=True)
class Thing:
    """A named object and its clips; it may have lost all of them."""

    id: str
    name: str
    clips: tuple[Clip, ...]

    @property
    def shots(self) -> int:
        return sum(clip.count for clip in self.clips)


@dataclass(frozen=True)
class TaughtObjects:
    """The things of one person, in the order in which they were taught."""

    things: tuple[Thing, ...] = ()
    removed: tuple[int, Thing] | None = None  # position and thing: what `undo` brings back
    foreign: tuple[Clip, ...] = ()  # moments that were wrongly named: none of the things
    next_id: int = 1

    def add(self, name: str, clip: Clip) -> TaughtObjects:
        """Add a clip to the thing of that name, which is new unless there is one."""
        name = self.check(name, clip.count)
        if thing := self._named(name):
            return self._swap(replace(thing, clips=(*thing.clips, clip)))
        thing = Thing(f"thing-{self.next_id}", name, (clip,))
        return replace(self, things=(*self.things, thing), next_id=self.next_id + 1)

    def check(self, name: str, frames: int = 1) -> str:
        """The tidied name, if a clip of so many frames may be added to the thing of that name."""
        name = tidy(name)
        check_name(name)
        self._check_room_for(frames)
        if len(self.things) == MAX_THINGS and not self._named(name):
            raise InputError(f"There are {MAX_THINGS} things; remove one before you add {name!r}.")
        return name

    def rename(self, thing_id: str, name: str) -> TaughtObjects:
        """Give a thing another name, which no other thing may have."""
        thing, name = self.thing(thing_id), tidy(name)
        check_name(name)
        other = self._named(name)
        if other and other.id != thing_id:
            raise InputError(
                f"Another thing is called {other.name!r} already; give this one its own name."
            )
        return self._swap(replace(thing, name=name))

    def remove(self, thing_id: str) -> TaughtObjects:
        """Take a thing out; `undo` brings the latest one back."""
        thing = self.thing(thing_id)
        left = tuple(t for t in self.things if t is not thing)
        return replace(self, things=left, removed=(self.things.index(thing), thing))

    def remove_clip(self, thing_id: str, clip_id: str) -> TaughtObjects:
        """Take one clip out of a thing."""
        thing = self.thing(thing_id)
        left = tuple(clip for clip in thing.clips if clip.id != clip_id)
        if len(left) == len(thing.clips):
            raise InputError("That clip is not here any more.")
        return self._swap(replace(thing, clips=left))

    def reject(self, moment: Clip) -> TaughtObjects:
        """Remember frames that show none of the things."""
        self.check_foreign()
        return replace(self, foreign=(*self.foreign, moment))

    def check_foreign(self) -> None:
        """InputError unless one more moment can be remembered."""
        if len(self.foreign) == MAX_FOREIGN:
            raise InputError(
                f"{MAX_FOREIGN} moments are remembered as none of your things; forget one first."
            )

    def forget(self, clip_id: str) -> TaughtObjects:
        """Take back that a moment showed none of the things."""
        if clip_id not in self.foreign_clips:
            raise InputError("That moment is forgotten already.")
        return replace(self, foreign=tuple(c for c in self.foreign if c.id != clip_id))

    def undo(self) -> TaughtObjects:
        """Put the thing that was removed last back in its place."""
        if self.removed is None:
            raise InputError("There is nothing to bring back.")
        position, thing = self.removed
        if self._named(thing.name):
            raise InputError(
                f"There is a new {thing.name!r} now; rename it first, then bring the old one back."
            )
        self._check_room_for(thing.shots)
        if len(self.things) == MAX_THINGS:
            raise InputError(
                f"There are {MAX_THINGS} things; remove another one before you bring "
                f"{thing.name!r} back."
            )
        return replace(
            self, things=(*self.things[:position], thing, *self.things[position:]), removed=None
        )

    def thing(self, thing_id: str) -> Thing:
        """The thing of that id."""
        for thing in self.things:
            if thing.id == thing_id:
                return thing
        raise InputError("That thing is not here any more.")

    @property
    def learnable(self) -> tuple[Thing, ...]:
        """The things that have a clip."""
        return tuple(thing for thing in self.things if thing.clips)

    @property
    def lesson_clips(self) -> tuple[tuple[str, ...], ...]:
        """The ids of the clips of each learnable thing: while they stay, only names can change."""
        return tuple(tuple(clip.id for clip in thing.clips) for thing in self.learnable)

    @property
    def foreign_clips(self) -> tuple[str, ...]:
        """The ids of the moments that show none of the things."""
        return tuple(clip.id for clip in self.foreign)

    def enough(self) -> tuple[Thing, ...]:
        """At least two things with a clip; or InputError says what is missing."""
        things = self.learnable
        if len(things) < 2:
            empty = [thing.name for thing in self.things if not thing.clips]
            raise InputError(
                f"Teach at least 2 things first; you have {len(things)}"
                + (f" and {empty[0]!r} has no clip yet." if empty else ".")
            )
        return things

    def support(self) -> SupportSet:
        """What there is to adapt to, all of it in memory; InputError as in `enough`."""
        things = self.enough()
        return SupportSet(
            tuple(thing.name for thing in things),
            tuple(tuple(clip.frames for clip in thing.clips) for thing in things),
        )

    def clips(self) -> Iterator[Clip]:
        """Every clip that is still needed, the one `undo` would bring back included."""
        things = (*self.things, self.removed[1]) if self.removed else self.things
        yield from (clip for thing in things for clip in thing.clips)
        yield from self.foreign

    def _check_room_for(self, frames: int) -> None:
        total = sum(thing.shots for thing in self.things) + frames
        if total > MAX_FRAMES:
            raise InputError(
                f"That would make {total} frames, more than the {MAX_FRAMES} that are kept here; "
                "remove a clip or a thing first."
            )

    def _named(self, name: str) -> Thing | None:
        return next((t for t in self.things if t.name.casefold() == name.casefold()), None)

    def _swap(self, thing: Thing) -> TaughtObjects:
        return replace(self, things=tuple(thing if t.id == thing.id else t for t in self.things))


Transition = Callable[[TaughtObjects], TaughtObjects]


def tidy(name: str) -> str:
    """A typed name without stray blanks and in one Unicode form: what looks alike is alike."""
    return " ".join(unicodedata.normalize("NFC", name).split())
