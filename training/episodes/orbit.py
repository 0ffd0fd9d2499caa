"""Reading a data set in ORBIT's layout (Massiceti et al., 2021), the real one or a rendered one.

    ROOT/{train,validation,test}/<user>/<object>/{clean,clutter}/<video>/<frame>.jpg
    ROOT/annotations/{train,validation,test}/<video>.json    {frame file: {issue: bool, ...}}

What is damaged is named: as an error, or as a warning where the caller wants to go on without it.
How tasks are drawn from it is `tasks`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from model.errors import InputError
from model.frames import decode_jpeg, square

SPLITS = ("train", "validation", "test")
MAX_FRAMES = 1000  # of a video, as the benchmark has it
ANNOTATED_SIDE = 1080  # pixels that annotations count in, whatever the frames' size
ISSUES = (
    "object_not_present_issue",
    "framing_issue",
    "viewpoint_issue",
    "blur_issue",
    "occlusion_issue",
    "overexposed_issue",
    "underexposed_issue",
)


@dataclass(frozen=True)
class Video:
    """One video: a folder of frames, and where its annotations would be."""

    folder: Path
    annotations: Path

    def frames(self) -> tuple[Path, ...]:
        """Its frames in order, the first MAX_FRAMES; InputError if there is none."""
        return _listed(self.folder)


@dataclass(frozen=True)
class OrbitObject:
    """One object of a user."""

    name: str
    clean: tuple[Video, ...]
    clutter: tuple[Video, ...]


@dataclass(frozen=True)
class User:
    """One person and their objects, in alphabetical order."""

    name: str
    objects: tuple[OrbitObject, ...]


def read_split(root: Path, split: str) -> tuple[User, ...]:
    """The users of a split; InputError if it is not there or not laid out as ORBIT is."""
    if not root.is_dir():
        raise InputError(f"There is no folder {root}.")
    there = [name for name in SPLITS if (root / name).is_dir()]
    if not there:
        raise InputError(
            f"{root} is not an ORBIT tree: it has no folder train, validation or test."
        )
    if split not in there:
        raise InputError(f"{root} has no split {split!r}; it has {', '.join(there)}.")
    users = []
    for folder in _folders(root / split):
        objects = tuple(_thing(root, split, path) for path in _folders(folder))
        users.append(User(folder.name, objects))
    if not any(thing.clean for user in users for thing in user.objects):
        raise InputError(
            f"{root / split} holds no <user>/<object>/clean/<video>/ folder; is it an ORBIT tree?"
        )
    return tuple(users)


def load_frame(path: Path) -> np.ndarray:
    """(S, S, 3) uint8 RGB; InputError that names the file."""
    try:
        return square(decode_jpeg(path.read_bytes()))
    except InputError as error:
        raise InputError(f"The frame {path} is not a whole JPEG.") from error
    except OSError as error:
        raise InputError(f"The frame {path} cannot be read: {error.strerror}.") from error


@dataclass(frozen=True)
class Filter:
    """Which frames of a video count: all conditions hold (AND).

    A condition is an issue, or `no_` and an issue. An issue that was not judged (null) fulfils
    neither, and a frame without a note no condition.
    """

    conditions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for condition in self.conditions:
            if condition.removeprefix("no_") not in ISSUES:
                known = ", ".join(ISSUES)
                raise InputError(f"No annotation is called {condition!r}; there are {known}.")

    def frames(self, video: Video) -> tuple[Path, ...]:
        """The frames of a video that count, in order; InputError if its notes cannot tell."""
        if not self.conditions:
            return video.frames()
        notes = annotations_of(video)
        return tuple(path for path in video.frames() if self._holds(notes.get(path.name, {})))

    def _holds(self, note: dict[str, Any]) -> bool:
        return all(
            note.get(c.removeprefix("no_")) is (not c.startswith("no_")) for c in self.conditions
        )


def in_sight(root: Path, query: Literal["clutter", "clean"]) -> Filter:
    """Clutter frames that show the object, where the tree says which do."""
    if query == "clean" or not (root / "annotations").is_dir():
        return Filter()
    return Filter(("no_object_not_present_issue",))


@lru_cache(maxsize=512)
def annotations_of(video: Video) -> dict[str, dict[str, Any]]:
    """{frame file: {issue or box: value}} of a video; InputError that names the file at fault."""
    path = video.annotations
    if not path.is_file():
        raise InputError(f"The annotations {path} of {video.folder.name} are missing.")
    try:
        notes = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"The annotations {path} are not JSON.") from error
    if not isinstance(notes, dict) or not all(isinstance(n, dict) for n in notes.values()):
        raise InputError(f"The annotations {path} are not of the form {{frame: {{issue: ...}}}}.")
    if not any(frame.name in notes for frame in video.frames()):
        raise InputError(f"The annotations {path} speak of no frame of {video.folder.name}.")
    return notes


def _thing(root: Path, split: str, folder: Path) -> OrbitObject:
    def videos(kind: str) -> tuple[Video, ...]:
        notes = root / "annotations" / split
        return tuple(Video(p, notes / f"{p.name}.json") for p in _folders(folder / kind))

    return OrbitObject(folder.name, videos("clean"), videos("clutter"))


def _folders(path: Path) -> Sequence[Path]:
    """The folders in a folder; a video that is still being written ends in .part."""
    if not path.is_dir():
        return []
    return sorted(p for p in path.iterdir() if p.is_dir() and p.suffix != ".part")


@lru_cache(maxsize=4096)
def _listed(folder: Path) -> tuple[Path, ...]:
    frames = sorted(p for p in folder.iterdir() if p.suffix == ".jpg")
    if not frames:
        raise InputError(f"The video {folder} holds no frame (.jpg).")
    return tuple(frames[:MAX_FRAMES])
