"""Opening a profile in a room, whole or not at all, and saving what is taught there as one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from app.handlers import Handlers
from app.profile.file import Read, write_profile
from app.profile.manifest import KeptThing, Profile
from app.rooms import Room
from app.session import Clip, TaughtObjects, Thing
from app.words.language import Refused, Said
from app.words.name import tidy
from model import InputError
from model.support import MAX_NAME

MERGE, RENAME = "merge", "rename"  # what happens to a thing whose name another one has here
SHOWN = 5  # names in a sentence


class SameNames(Refused):
    """Things of the profile have names that other things have here: somebody must say what now."""

    def __init__(self, names: tuple[str, ...]) -> None:
        some = [*names[:SHOWN], "…"] if len(names) > SHOWN else names
        super().__init__(Said("same-question", {"names": some}))
        self.names = names


@dataclass(frozen=True)
class Opened:
    """What came with a profile."""

    things: int
    frames: int  # that were not here before
    settings: dict[str, str]


@dataclass(frozen=True)
class Profiles:
    """The verbs on profiles. read: `app.decode.decoder.Decoder.read_profile`."""

    handlers: Handlers
    read: Callable[[Room, Path], AbstractContextManager[Read]]

    def open(self, room: Room, path: Path, same: str = "") -> Opened:
        """Add what a file holds to what is taught; clips that are here already stay as they are.

        same: MERGE or RENAME. Raises SameNames without it, and InputError when the file cannot be
        used; then nothing has changed.
        """
        kept: dict[str, Clip] = {}
        with self.read(room, path) as (profile, parts):
            taught, empty = room.taught, np.empty(0, np.uint8)
            here = {clip.id for clip in taught.present()}
            to_undo = {clip.id for clip in taught.clips()} - here
            new = [clip for clip in profile.clips() if clip.id not in here]
            planned = {clip.id: Clip(clip.id, clip.frames, empty) for clip in new}
            join(taught, profile, planned, same)  # before anything is decoded
            try:
                for clip, frames in zip(profile.clips(), parts, strict=True):
                    if clip.id in planned:
                        own = "" if clip.id in to_undo else clip.id
                        kept[clip.id] = room.keep(frames, own)
            except InputError:
                for clip in kept.values():
                    cast(Path, clip.kept).unlink(missing_ok=True)
                raise
        clips = list(kept.values())
        self.handlers.change(room, lambda taught: join(taught, profile, kept, same), clips)
        frames = sum(clip.count for clip in clips)
        return Opened(len(profile.things), frames, profile.settings)

    def save(self, room: Room, path: Path, settings: dict[str, str], clip_id: str = "") -> None:
        """Write a profile of what is taught, or of one clip of it."""
        taught = room.taught if not clip_id else _only(room.taught, clip_id)
        if not taught.things and not taught.foreign:
            raise Refused(Said("nothing-to-save"))
        try:
            write_profile(path, taught, settings)
        except OSError as error:
            raise InputError(f"The file could not be made: {error.strerror}.") from error


def join(
    taught: TaughtObjects, profile: Profile, clips: dict[str, Clip], same: str
) -> TaughtObjects:
    """What is taught, with the things of a profile. clips: those of its clips that are new.

    A thing is known by its id and keeps the name that it has here; of things by the same name,
    `same` says whether they are one. Raises SameNames and InputError.
    """
    here = {clip.id for clip in taught.present()}
    clips = {name: clip for name, clip in clips.items() if name not in here}
    ids = {thing.id for thing in taught.things}
    both = [t.name for t in profile.things if t.id not in ids and taught.named(t.name)]
    if both and same not in (MERGE, RENAME):
        raise SameNames(tuple(both))
    for thing in profile.things:
        own = tuple(clips[clip.id] for clip in thing.clips if clip.id in clips)
        thing_id, name = thing.id, thing.name
        if thing_id not in ids and (other := taught.named(name)):
            if same == MERGE:
                thing_id = other.id
            else:
                name = _free(taught, name)
        taught = taught.extend(_unused(taught, thing, thing_id, own), name, own)
    for clip in profile.foreign:
        if clip.id in clips:
            taught = taught.reject(clips[clip.id])
    return taught


def _unused(taught: TaughtObjects, thing: KeptThing, thing_id: str, clips: tuple[Clip, ...]) -> str:
    """The id, or another one if an undo may bring back the thing that has it."""
    gone = {removed.thing[1].id for removed in taught.removed if removed.thing}
    return f"thing-{clips[0].id}" if thing_id in gone and clips else thing_id


def _free(taught: TaughtObjects, name: str) -> str:
    """The name with the first number that makes it another one than is taught."""
    number = 2
    while taught.named(free := tidy(f"{name[: MAX_NAME - 4]} {number}")):
        number += 1
    return free


def _only(taught: TaughtObjects, clip_id: str) -> TaughtObjects:
    """One clip or moment of what is taught."""
    for thing in taught.things:
        for clip in thing.clips:
            if clip.id == clip_id:
                return TaughtObjects((Thing(thing.id, thing.name, (clip,)),))
    return TaughtObjects(foreign=tuple(clip for clip in taught.foreign if clip.id == clip_id))
