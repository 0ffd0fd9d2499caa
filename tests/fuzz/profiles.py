"""Mutated profiles, opened in a room where something is taught: refused in one sentence, and what
was there stays; or opened, with frames of the right shape.

Half of the damage is done to the file; the other half to the JSON or to a frame in it, packed anew,
so that no checksum tells.
"""

from __future__ import annotations

import io
import json
import random
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from app.profile.file import MANIFEST, read_profile, write_profile
from app.profile.opening import MERGE, Profiles
from app.rooms import Room
from app.session import TaughtObjects
from model import InputError
from tests.app.fakes import BLUE, GREEN, RED, frames, house
from tests.fuzz.media import mutated

VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1e999, 2**63, "", "x" * 101, "../x", "\u202e", [], {}, [[]], 21, "2"),
)


def run(count: int, seed: int, only: int | None = None) -> list[str]:
    """Open `count` mutated files; a line for each that ended otherwise than it should."""
    return outcomes(count, seed, only)[1]


def outcomes(count: int, seed: int, only: int | None = None) -> tuple[int, list[str]]:
    """How many were refused, and a line for each that ended otherwise than it should."""
    refused, failures = 0, []
    with tempfile.TemporaryDirectory() as place:
        home = house(Path(place))
        room = home.rooms.open()
        whole = _whole(room, Path(place) / "whole.zip")
        for clip in (room.keep(frames(colour)) for colour in (RED, GREEN)):
            room.taught = room.taught.add("mug", clip)
        profiles = Profiles(home.handlers, lambda room, path: read_profile(path))
        for n in range(count) if only is None else [only]:
            chance = random.Random(f"{seed} {n}")
            path = Path(place) / f"{n}.zip"
            damaged = _packed_anew(whole, chance) if n % 2 else mutated(whole, whole, chance)
            path.write_bytes(damaged)
            before, files = room.taught, set(room.folder.iterdir())
            try:
                profiles.open(room, path, MERGE)
                right = all(clip.frames.shape[1:] == (224, 224, 3) for clip in room.taught.clips())
                failure = "" if right else "frames of another shape"
                home.handlers.change(room, lambda _, before=before: before)
            except InputError as error:
                refused += 1
                failure = "" if "\n" not in str(error) else "more than one line"
            except Exception as error:  # what fuzzing looks for
                failure = f"{type(error).__name__}: {error}"
            path.unlink()
            if room.taught != before or set(room.folder.iterdir()) != files:
                failure += " and what was there did not stay as it was"
            if failure:
                failures.append(f"profiles {n}: {failure}")
        home.handlers.learner.close()
    return refused, failures


def _whole(room: Room, path: Path) -> bytes:
    taught = TaughtObjects()
    for name, colour in (("keys", BLUE), ("mug", RED)):
        taught = taught.add(name, room.keep(frames(colour, 2)))
    write_profile(path, taught.reject(room.keep(frames(GREEN, 1))), {"speak": "off"})
    return path.read_bytes()


def _packed_anew(data: bytes, chance: random.Random) -> bytes:
    """The same zip with another JSON, or another frame, or entry."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    frame = chance.choice([name for name in entries if name != MANIFEST])
    match chance.randrange(5):
        case 0:
            entries[MANIFEST] = mutated(entries[MANIFEST], entries[frame], chance)
        case 1 | 2:
            found = json.loads(entries[MANIFEST])
            for _ in range(chance.choice([1, 1, 3])):
                _change(found, chance)
            entries[MANIFEST] = json.dumps(found).encode()
        case 3:
            entries[frame] = mutated(entries[frame], entries[MANIFEST], chance)
        case 4:
            name = chance.choice(["../x.png", "/etc/x", f"{frame}x", "frames/", "a\\b", "\n"])
            entries[name] = entries.pop(frame) if chance.random() < 0.5 else bytes(9)
    packed = io.BytesIO()
    kind = chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
    with zipfile.ZipFile(packed, "w", kind) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return packed.getvalue()


def _change(found: Any, chance: random.Random) -> None:
    """Put something else, nothing or twice the same somewhere into a JSON value."""
    while True:
        keys = list(found) if isinstance(found, dict) else list(range(len(found)))
        if not keys:
            return
        key = chance.choice(keys)
        if isinstance(found[key], dict | list) and found[key] and chance.random() < 0.8:
            found = found[key]
            continue
        match chance.randrange(4):
            case 0 | 1:
                found[key] = chance.choice(VALUES)
            case 2:
                del found[key]
            case 3:
                if isinstance(found, list):
                    found.append(found[key])
                else:
                    found[key] = [found[key]] * 3
        return
