"""The support set D_S (LITE paper, sec. 2): what a person taught, frames of named objects."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.errors import InputError
from model.frames import SIDE, read_clip, square

Clip = np.ndarray  # (T, SIDE, SIDE, 3) uint8 RGB
Source = str | Path | np.ndarray  # a clip or photo on disk, or frames in memory

MAX_NAME = 100  # characters
MAX_OBJECTS = 200
UNSEEN = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")  # controls, marks of direction, line ends
JOINERS = "\u200c\u200d"  # invisible, but part of emoji and of words in some scripts


@dataclass(frozen=True)
class SupportSet:
    """K named objects with their clips, checked: what `Personaliser.adapt` adapts to.

    names: K different, non-empty strings; clips: for each of them one or more (T, 224, 224, 3)
    uint8 RGB arrays. Raises InputError for anything else.
    """

    names: tuple[str, ...]
    clips: tuple[tuple[Clip, ...], ...]

    def __post_init__(self) -> None:
        if not self.names:
            raise InputError(
                "There is nothing to learn from: give at least one object with a clip."
            )
        check_names(self.names)
        if len(self.names) != len(self.clips):
            raise InputError(
                f"{len(self.names)} names do not fit {len(self.clips)} lists of clips."
            )
        for name, clips in zip(self.names, self.clips, strict=True):
            if not clips:
                raise InputError(f"{name!r} has no clip yet; add a clip or a photo of it.")
            for clip in clips:
                if clip.dtype != np.uint8 or clip.shape[1:] != (SIDE, SIDE, 3) or not len(clip):
                    raise InputError(
                        f"{name}: a clip must be uint8 RGB of shape (T, {SIDE}, {SIDE}, 3); "
                        f"got {clip.dtype} {clip.shape}."
                    )

    @classmethod
    def read(cls, objects: Mapping[str, Sequence[Source]]) -> SupportSet:
        """Read {name: [path or frames, ...]}; InputError names the object at fault.

        Names that are one in Unicode are one object, by the name that comes first.
        """
        clips: dict[str, tuple[Clip, ...]] = {}
        spelt: dict[str, str] = {}
        for name, sources in objects.items():
            check_name(name)
            if len(sources) == 0:
                raise InputError(f"{name!r} has no clip yet; add a clip or a photo of it.")
            first = spelt.setdefault(unicodedata.normalize("NFC", name), name)
            clips[first] = clips.get(first, ()) + read_clips(name, sources)
        return cls(tuple(clips), tuple(clips.values()))

    @property
    def shots(self) -> np.ndarray:
        """(K,) frames of each object, n_k."""
        return np.array([sum(map(len, clips)) for clips in self.clips])

    def frames(self) -> tuple[np.ndarray, np.ndarray]:
        """All frames (N, 224, 224, 3) uint8 RGB, object after object, and labels (N,) in [0, K)."""
        return (
            np.concatenate([clip for clips in self.clips for clip in clips]),
            self.labels(),
        )

    def labels(self) -> np.ndarray:
        """(N,) in [0, K): the object of each of `frames`."""
        return np.repeat(np.arange(len(self.names)), self.shots)

    def clip_numbers(self) -> np.ndarray:
        """(N,) which clip of its object each of `frames` is of, from 0."""
        lengths = [[len(clip) for clip in clips] for clips in self.clips]
        return np.concatenate([np.repeat(np.arange(len(own)), own) for own in lengths])


def check_names(names: Sequence[str]) -> None:
    """Raise InputError unless these can name the objects of one model."""
    if len(names) > MAX_OBJECTS:
        raise InputError(f"{len(names)} objects are more than the {MAX_OBJECTS} of one model.")
    seen: set[str] = set()
    for name in names:
        check_name(name)
        if (one_form := unicodedata.normalize("NFC", name)) in seen:
            raise InputError(f"Two objects are called {name!r}; give each its own name.")
        seen.add(one_form)


def check_name(name: str) -> None:
    """Raise InputError unless `name` can stand in a list, a file and a table."""
    if not isinstance(name, str) or not name.strip():
        raise InputError("An object needs a name.")
    if len(name) > MAX_NAME:
        raise InputError(
            f"The name {name[:20]!r}... has {len(name)} characters; use at most {MAX_NAME}."
        )
    if any(unicodedata.category(c) in UNSEEN and c not in JOINERS for c in name):
        raise InputError(
            f"The name {name!r} holds characters that cannot be shown; use letters and digits."
        )


def read_clips(name: str, sources: Sequence[Source]) -> tuple[Clip, ...]:
    """Each source as a clip (T, 224, 224, 3); InputError begins with `name`."""
    if isinstance(sources, str | Path | np.ndarray):
        one = "frames" if isinstance(sources, np.ndarray) else repr(str(sources))
        raise InputError(f"{name}: give a list of clips, even of one: [{one}].")
    return tuple(_clip(name, source) for source in sources)


def _clip(name: str, source: Source) -> Clip:
    if isinstance(source, str | Path):
        try:
            return read_clip(source)
        except InputError as error:
            raise InputError(f"{name}: {error}") from error
    if not isinstance(source, np.ndarray):
        raise InputError(f"{name}: give paths or frames; got {type(source).__name__}.")
    frames = source[None] if source.ndim == 3 else source
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or 0 in frames.shape:
        raise InputError(
            f"{name}: frames must be uint8 RGB of shape (T, H, W, 3); "
            f"got {source.dtype} {source.shape}."
        )
    if frames.shape[1:3] == (SIDE, SIDE):
        return frames
    return np.stack([square(frame) for frame in frames])
