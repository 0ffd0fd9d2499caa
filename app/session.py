"""What one person taught, a frozen value, and its transitions: each returns a new value or raises
InputError.

Knows nothing of the web, of files or of models; whoever holds the value swaps it for the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.words.language import Refused, Said
from app.words.name import checked
from model import InputError, SupportSet

MAX_THINGS = 50
MAX_FRAMES = 2000  # of one person; 300 MB on disk
MAX_FOREIGN = 10  # moments of what is none of the things
MAX_UNDO = 20  # removals that can be taken back, of MAX_FRAMES frames together


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

    def clip(self, clip_id: str) -> tuple[int, Clip]:
        """The position of a clip, and the clip."""
        for position, clip in enumerate(self.clips):
            if clip.id == clip_id:
                return position, clip
        raise Refused(Said("clip-gone"))


@dataclass(frozen=True)
class Removed:
    """What one removal took, and from where: a thing, or clips of a thing, or a moment."""

    what: Said  # for the person: "mug", "a clip of mug"
    thing: tuple[int, Thing] | None = None  # its position, and the thing
    owner: str = ""  # the id of the thing that had the clips; none: they were moments
    clips: tuple[tuple[int, Clip], ...] = ()  # their positions, rising
    instead: str = ""  # the id of the clip that came in place of the one, shorter by a frame

    def held(self) -> Iterator[Clip]:
        """The clips whose frames are needed to bring it back."""
        yield from self.thing[1].clips if self.thing else (clip for _, clip in self.clips)


@dataclass(frozen=True)
class TaughtObjects:
    """The things of one person, in the order in which they were taught.

    A thing and a clip have ids that no other person's have, so that what comes back from a file or
    a browser is known again: a thing has that of its first clip.
    """

    things: tuple[Thing, ...] = ()
    removed: tuple[Removed, ...] = ()  # what `undo` brings back, the latest last
    foreign: tuple[Clip, ...] = ()  # moments that were wrongly named: none of the things

    def add(self, name: str, clip: Clip) -> TaughtObjects:
        """Add a clip to the thing of that name, which is new unless there is one."""
        name = self.check(name, clip.count)
        thing = self.named(name)
        return self.extend(thing.id if thing else f"thing-{clip.id}", name, (clip,))

    def extend(self, thing_id: str, name: str, clips: tuple[Clip, ...]) -> TaughtObjects:
        """Add clips to the thing of that id; a new one, of that name, unless there is one."""
        self._check_room_for(sum(clip.count for clip in clips))
        for thing in self.things:
            if thing.id == thing_id:
                return self._swap(replace(thing, clips=thing.clips + clips))
        name = self.check(name, 0)
        return replace(self, things=(*self.things, Thing(thing_id, name, clips)))

    def check(self, name: str, frames: int = 1) -> str:
        """The tidied name, if a clip of so many frames may be added to the thing of that name."""
        name = checked(name)
        self._check_room_for(frames)
        if len(self.things) == MAX_THINGS and not self.named(name):
            raise Refused(Said("too-many-things", {"most": MAX_THINGS, "name": name}))
        return name

    def rename(self, thing_id: str, name: str) -> TaughtObjects:
        """Give a thing another name, which no other thing may have."""
        thing, name = self.thing(thing_id), checked(name)
        other = self.named(name)
        if other and other.id != thing_id:
            raise Refused(Said("name-taken", {"name": other.name}))
        return self._swap(replace(thing, name=name))

    def remove(self, thing_id: str) -> TaughtObjects:
        """Take a thing out; `undo` brings it back, as with everything that is removed."""
        thing = self.thing(thing_id)
        left = tuple(t for t in self.things if t is not thing)
        gone = Removed(
            Said("what-thing", {"name": thing.name}), thing=(self.things.index(thing), thing)
        )
        return replace(self, things=left, removed=self._remembering(gone))

    def remove_clips(self, thing_id: str, clip_ids: Collection[str]) -> TaughtObjects:
        """Take clips out of a thing, in one step."""
        thing = self.thing(thing_id)
        gone = tuple((n, clip) for n, clip in enumerate(thing.clips) if clip.id in clip_ids)
        if not gone or len(gone) < len(clip_ids):
            raise Refused(Said("clip-gone"))
        what = Said("what-clips", {"count": len(gone), "name": thing.name})
        removed = Removed(what, owner=thing_id, clips=gone)
        left = tuple(clip for clip in thing.clips if clip.id not in clip_ids)
        taught = self._swap(replace(thing, clips=left))
        return replace(taught, removed=self._remembering(removed))

    def replace_clip(self, thing_id: str, clip_id: str, shorter: Clip) -> TaughtObjects:
        """Put what is left of a clip, without one of its frames, in its place."""
        thing = self.thing(thing_id)
        position, clip = thing.clip(clip_id)
        clips = (*thing.clips[:position], shorter, *thing.clips[position + 1 :])
        removed = Removed(
            Said("what-frame", {"name": thing.name}),
            owner=thing_id,
            clips=((position, clip),),
            instead=shorter.id,
        )
        taught = self._swap(replace(thing, clips=clips))
        return replace(taught, removed=self._remembering(removed))

    def reject(self, moment: Clip) -> TaughtObjects:
        """Remember frames that show none of the things."""
        self.check_foreign()
        return replace(self, foreign=(*self.foreign, moment))

    def check_foreign(self) -> None:
        """InputError unless one more moment can be remembered."""
        if len(self.foreign) == MAX_FOREIGN:
            raise Refused(Said("too-many-moments", {"most": MAX_FOREIGN}))

    def forget(self, clip_id: str) -> TaughtObjects:
        """Take back that a moment showed none of the things."""
        gone = tuple((n, clip) for n, clip in enumerate(self.foreign) if clip.id == clip_id)
        if not gone:
            raise Refused(Said("moment-gone"))
        left = tuple(clip for clip in self.foreign if clip.id != clip_id)
        removed = self._remembering(Removed(Said("what-moment"), clips=gone))
        return replace(self, foreign=left, removed=removed)

    def undo(self) -> TaughtObjects:
        """Put what was removed last back in its place."""
        if not self.removed:
            raise Refused(Said("nothing-to-undo"))
        *earlier, last = self.removed
        taught = replace(self, removed=tuple(earlier))
        if last.thing:
            return taught._bring_back(*last.thing)
        if not last.owner:
            taught.check_foreign()
            return replace(taught, foreign=_with(taught.foreign, last.clips))
        thing = taught.thing(last.owner)
        left = tuple(clip for clip in thing.clips if clip.id != last.instead)
        clips = _with(left, last.clips)
        more = sum(c.count for c in clips) - thing.shots
        taught._check_room_for(more)
        return taught._swap(replace(thing, clips=clips))

    def _can_undo(self) -> bool:
        try:
            self.undo()
        except InputError:
            return False
        return True

    def _bring_back(self, position: int, thing: Thing) -> TaughtObjects:
        if self.named(thing.name):
            raise Refused(Said("undo-name-taken", {"name": thing.name}))
        self._check_room_for(thing.shots)
        if len(self.things) == MAX_THINGS:
            values = {"most": MAX_THINGS, "name": thing.name}
            raise Refused(Said("undo-too-many-things", values))
        return replace(self, things=(*self.things[:position], thing, *self.things[position:]))

    def _remembering(self, removed: Removed) -> tuple[Removed, ...]:
        """What can be taken back with one removal more; the oldest give way.

        A thing that could not come back just now stays the first to do so: this one may make room.
        """
        latest = [removed, *reversed(self.removed)]
        if self.removed and self.removed[-1].thing and not self._can_undo():
            latest[:2] = reversed(latest[:2])
        kept, frames = [], 0
        for one in latest:
            frames += sum(clip.count for clip in one.held())
            if kept and (frames > MAX_FRAMES or len(kept) == MAX_UNDO):
                break
            kept.append(one)
        return tuple(reversed(kept))

    def thing(self, thing_id: str) -> Thing:
        """The thing of that id."""
        for thing in self.things:
            if thing.id == thing_id:
                return thing
        raise Refused(Said("thing-gone"))

    def named(self, name: str) -> Thing | None:
        """The thing of that tidied name; names that differ in capitals only are one."""
        return next((t for t in self.things if t.name.casefold() == name.casefold()), None)

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
            values = {"count": len(things), "name": empty[0] if empty else ""}
            raise Refused(Said("teach-more-clips" if empty else "teach-more", values))
        return things

    def support(self) -> SupportSet:
        """What there is to adapt to, all of it in memory; InputError as in `enough`."""
        things = self.enough()
        return SupportSet(
            tuple(thing.name for thing in things),
            tuple(tuple(clip.frames for clip in thing.clips) for thing in things),
        )

    def clips(self) -> Iterator[Clip]:
        """Every clip that is still needed, those that `undo` would bring back included."""
        yield from self.present()
        for removed in self.removed:
            yield from removed.held()

    def present(self) -> Iterator[Clip]:
        """The clips of all things, and the moments."""
        yield from (clip for thing in self.things for clip in thing.clips)
        yield from self.foreign

    def _check_room_for(self, frames: int) -> None:
        total = sum(thing.shots for thing in self.things) + frames
        if total > MAX_FRAMES:
            raise Refused(Said("too-many-frames", {"total": total, "most": MAX_FRAMES}))

    def _swap(self, thing: Thing) -> TaughtObjects:
        return replace(self, things=tuple(thing if t.id == thing.id else t for t in self.things))


def _with(clips: tuple[Clip, ...], more: tuple[tuple[int, Clip], ...]) -> tuple[Clip, ...]:
    """The clips, and each of the others back at its position."""
    found = list(clips)
    for position, clip in more:
        found.insert(position, clip)
    return tuple(found)


Transition = Callable[[TaughtObjects], TaughtObjects]
