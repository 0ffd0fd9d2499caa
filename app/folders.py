"""A folder of objects, as people have them on disk: one folder of clips or photos for each object.

What a system leaves behind is passed over; what cannot be read is left out and named; clips that
lie deeper are not guessed at, but the refusal says where they are.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from model import InputError
from model.media.kinds import ENDINGS, HEAD, kind, printable

NAMED = 10  # of what was left out
# Left by macOS, Windows, phones' bins and network drives; names with a leading dot are, too.
LEFTOVERS = {"__macosx", "thumbs.db", "desktop.ini", "$recycle.bin", "@eadir"}


@dataclass(frozen=True)
class ObjectsFolder:
    """What a folder holds: clips to learn from, and what was left out."""

    objects: dict[str, list[str]]  # name -> paths of its clips and photos
    left_out: tuple[str, ...]  # files and folders, as "mug/notes.txt"

    def __str__(self) -> str:
        """One line about what was left out; empty if nothing was."""
        if not self.left_out:
            return ""
        more = len(self.left_out) - NAMED
        names = [printable(part) for part in self.left_out[:NAMED]]
        return f"Left out, no clip or photo of an object: {', '.join(names)}" + (
            f" and {more} more." if more > 0 else "."
        )


def read_objects(folder: Path) -> ObjectsFolder:
    """The clips of each object, by the names of the folders; at least two objects, or InputError.

    Two folders whose names are one in Unicode are one object.
    """
    if not folder.is_dir():
        raise InputError(
            f"There is no folder {folder}; give one with a folder of clips per object."
        )
    inside = list(_children(folder))
    children = [child for child in inside if child.is_dir()]
    if len(children) < 2:
        deeper = [child for child in children if len(list(_with_clips(child))) > 1]
        hint = f" {deeper[0]} holds more; give that one." if deeper else ""
        raise InputError(
            f"{folder} holds {len(children)} object folders; teach at least 2 objects.{hint}"
        )
    objects: dict[str, list[str]] = {}
    spelt: dict[str, str] = {}  # a name in one Unicode form -> as it was met first
    left_out = [child.name for child in inside if not child.is_dir()]
    for child in children:
        name = spelt.setdefault(unicodedata.normalize("NFC", child.name), child.name)
        clips, others = _clips(child)
        objects.setdefault(name, []).extend(map(str, clips))
        left_out += [other.relative_to(folder).as_posix() for other in others]
    return ObjectsFolder(objects, tuple(left_out))


def _clips(folder: Path) -> tuple[list[Path], list[Path]]:
    """The clips of one object, and what else is there; in ORBIT's layout they are in `clean`."""
    place = folder / "clean" if (folder / "clean").is_dir() else folder
    found = list(_children(place))
    clips = [child for child in found if child.is_file() and _is_media(child)]
    if not clips and (deeper := next(_with_clips(place), None)):
        raise InputError(
            f"{folder} holds no clip itself, but {deeper} does; put the clips of an object right "
            "into its folder."
        )
    return clips, [child for child in found if child not in clips]


def _children(folder: Path) -> Iterator[Path]:
    for child in sorted(folder.iterdir()):
        if not child.name.startswith(".") and child.name.casefold() not in LEFTOVERS:
            yield child


def _with_clips(folder: Path) -> Iterator[Path]:
    """The folders right inside `folder` that hold clips."""
    for child in _children(folder):
        if child.is_dir() and any(f.is_file() and _is_media(f) for f in _children(child)):
            yield child


def _is_media(path: Path) -> bool:
    """Whether a file is a clip or photo by its content, or calls itself one: a damaged clip is
    refused in words when it is read, not left out.
    """
    if path.suffix.lower() in ENDINGS:
        return True
    with path.open("rb") as file:
        return kind(file.read(HEAD)) is not None
