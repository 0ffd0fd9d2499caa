"""`profile.json`: what a profile says of itself, read with as little trust as any upload."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from app.session import MAX_FOREIGN, MAX_FRAMES, MAX_THINGS, TaughtObjects
from app.words.name import tidy
from model import InputError
from model.frames import FRAMES_PER_CLIP
from model.support import check_name

FORMAT = "teach-it-your-things"
VERSION = 1
MAX_BYTES = 2**20  # of the JSON; 50 things with a photo each for every frame take 0.2
MAX_SETTINGS = 20
MAX_SETTING = 100  # letters of its name, and of its value

ID = re.compile(r"[0-9a-z-]{1,40}")  # a file of that name is harmless


@dataclass(frozen=True)
class KeptClip:
    """A clip as a profile lists it."""

    id: str
    frames: int


@dataclass(frozen=True)
class KeptThing:
    """A thing as a profile lists it."""

    id: str
    name: str
    clips: tuple[KeptClip, ...]


@dataclass(frozen=True)
class Profile:
    """What a profile holds, but for its frames."""

    things: tuple[KeptThing, ...] = ()
    foreign: tuple[KeptClip, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)

    def clips(self) -> Iterator[KeptClip]:
        """Every clip, in the order of the file."""
        yield from (clip for thing in self.things for clip in thing.clips)
        yield from self.foreign

    def to_json(self) -> bytes:
        """As it stands in the file."""
        about = {"format": FORMAT, "version": VERSION}
        return json.dumps(about | asdict(self), ensure_ascii=False, indent=1).encode()


def profile_of(taught: TaughtObjects, settings: dict[str, str]) -> Profile:
    """What a profile of these things says."""
    return Profile(
        tuple(
            KeptThing(t.id, t.name, tuple(KeptClip(c.id, c.count) for c in t.clips))
            for t in taught.things
        ),
        tuple(KeptClip(clip.id, clip.count) for clip in taught.foreign),
        settings,
    )


def parse(data: bytes) -> Profile:
    """The profile of a `profile.json`; InputError says what is wrong with it, as half a sentence
    ("it is of version 2").
    """
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError("its profile.json is no JSON") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InputError("its profile.json is not one of this app")
    version = found.get("version")
    if type(version) is not int or version < 1:
        raise InputError("it does not say its version")
    if version > VERSION:
        raise InputError(
            f"it is of version {version} and this app reads up to {VERSION}, so get a newer app"
        )
    profile = Profile(
        tuple(_thing(thing) for thing in _list(found, "things")),
        tuple(_clip(clip) for clip in _list(found, "foreign")),
        parse_settings(found.get("settings")),
    )
    _check(profile)
    return profile


def parse_settings(found: object) -> dict[str, str]:
    """A few short words by name; InputError for anything else."""
    if not isinstance(found, dict) or len(found) > MAX_SETTINGS:
        raise InputError(f"it has no settings, or more than {MAX_SETTINGS}")
    for words in found.items():
        if not all(isinstance(w, str) and len(w) <= MAX_SETTING and w.isprintable() for w in words):
            raise InputError(f"a setting is no word of up to {MAX_SETTING} letters")
    return found


def _list(found: dict[str, Any], key: str) -> list[Any]:
    value = found.get(key)
    if not isinstance(value, list):
        raise InputError(f"it does not list its {key}")
    return value


def _thing(found: object) -> KeptThing:
    if not isinstance(found, dict):
        raise InputError("one of its things is none")
    name = found.get("name")
    if not isinstance(name, str):
        raise InputError("one of its things has no name")
    try:
        check_name(tidy(name))
    except InputError as error:
        raise InputError(f"one of its names cannot be used: {str(error).rstrip('.')}") from error
    return KeptThing(_id(found), tidy(name), tuple(_clip(clip) for clip in _list(found, "clips")))


def _clip(found: object) -> KeptClip:
    if not isinstance(found, dict):
        raise InputError("one of its clips is none")
    frames = found.get("frames")
    if type(frames) is not int or not 1 <= frames <= FRAMES_PER_CLIP:
        raise InputError(f"one of its clips has not 1 to {FRAMES_PER_CLIP} frames")
    return KeptClip(_id(found), frames)


def _id(found: dict[str, Any]) -> str:
    own = found.get("id")
    if not isinstance(own, str) or not ID.fullmatch(own):
        raise InputError("one of its parts has no id")
    return own


def _check(profile: Profile) -> None:
    """InputError unless the parts are different ones, and no more than can be taught."""
    frames = sum(clip.frames for thing in profile.things for clip in thing.clips)
    for many, most, what in (
        (len(profile.things), MAX_THINGS, "things"),
        (frames, MAX_FRAMES, "frames"),
        (len(profile.foreign), MAX_FOREIGN, "moments that are none of the things"),
    ):
        if many > most:
            raise InputError(f"it has {many} {what}, more than {most}")
    for what, ids in (
        ("things", [thing.id for thing in profile.things]),
        ("clips", [clip.id for clip in profile.clips()]),
        ("names", [thing.name.casefold() for thing in profile.things]),
    ):
        if len(set(ids)) < len(ids):
            raise InputError(f"two of its {what} are the same")
