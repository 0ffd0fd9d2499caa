"""The file of a profile: written whole, and read bit by bit, whoever made it.

An entry is read no further than its kind may be long, so a bomb stops where it begins to swell; an
entry that no profile has, with a path in its name say, refuses the file.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from app.profile.manifest import MAX_BYTES, KeptClip, Profile, parse, profile_of
from app.session import TaughtObjects
from model import InputError
from model.frames import SIDE, decode_png, encode_png
from model.media.kinds import name_of, printable

MANIFEST = "profile.json"
MAX_FRAME_BYTES = 2 * SIDE * SIDE * 3  # of a PNG; noise takes half of it
MAX_FILE_BYTES = 320 * 2**20  # 2,000 frames of noise; of what is filmed 160
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# What `zipfile` raises, besides its own error, on files made for that.
DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError, RuntimeError,
    ValueError, OverflowError, KeyError, IndexError, OSError,
)  # fmt: skip

Read = tuple[Profile, Iterator[np.ndarray]]  # a profile, and the frames of each of its clips


def write_profile(path: Path, taught: TaughtObjects, settings: dict[str, str]) -> None:
    """Save what was taught, but not what could still be undone; settings: what the page is set to.

    Raises OSError, as of a full disk.
    """
    profile = profile_of(taught, settings)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        file.writestr(_entry(MANIFEST), profile.to_json())
        for kept, clip in zip(profile.clips(), taught.present(), strict=True):
            for name, frame in zip(_frames(kept), clip.frames, strict=True):
                file.writestr(_entry(name), encode_png(frame))


@contextmanager
def read_profile(path: Path) -> Iterator[Read]:
    """A profile and, in its order, the frames (T, 224, 224, 3) of each clip, read one by one.

    Raises InputError in one sentence, also while they are taken; what came before must then not be
    used: a profile is opened whole or not at all.
    """
    with ExitStack() as stack:
        with _in_words(path):
            if (size := path.stat().st_size) > MAX_FILE_BYTES:
                raise InputError(f"it has {size >> 20} MB, more than {MAX_FILE_BYTES >> 20}")
            file = stack.enter_context(zipfile.ZipFile(path))
            profile = _checked(file)
        yield profile, _clips(path, file, profile)


def _checked(file: zipfile.ZipFile) -> Profile:
    """What the file says of itself, if it holds that and nothing else."""
    names = file.namelist()
    if MANIFEST not in names:
        raise InputError(f"it holds no {MANIFEST}")
    profile = parse(_bytes(file, MANIFEST, MAX_BYTES))
    expected = {MANIFEST, *(name for clip in profile.clips() for name in _frames(clip))}
    if strange := [name for name in names if name not in expected]:
        raise InputError(
            f"it holds {len(strange)} entries that no profile has, such as "
            f"{printable(strange[0][:60])!r}"
        )
    if missing := expected.difference(names):
        raise InputError(f"{len(missing)} of its frames are missing")
    if len(names) > len(expected):
        raise InputError("two of its entries have the same name")
    return profile


def _clips(path: Path, file: zipfile.ZipFile, profile: Profile) -> Iterator[np.ndarray]:
    for clip in profile.clips():
        with _in_words(path):
            frames = [decode_png(_bytes(file, name, MAX_FRAME_BYTES)) for name in _frames(clip)]
        yield np.stack(frames)


def _bytes(file: zipfile.ZipFile, name: str, most: int) -> bytes:
    """What an entry unpacks to, as far as it may."""
    entry = file.getinfo(name)
    if entry.compress_type not in PACKED or entry.flag_bits & 1:
        raise InputError("it is packed or locked in a way that no profile is")
    with file.open(entry) as content:
        data = content.read(most + 1)
    if len(data) > most:
        raise InputError(f"{name} has more than the {most:,} bytes that it may have")
    return data


def _frames(clip: KeptClip) -> list[str]:
    """The entries of a clip's frames."""
    return [f"frames/{clip.id}/{number}.png" for number in range(clip.frames)]


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name)  # without a date: nobody needs to know when


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Make a sentence of what is wrong with a file."""
    name = name_of(path)
    try:
        yield
    except InputError as error:
        reason = str(error).rstrip(".")
        raise InputError(f"{name} was not opened: {reason}; nothing was changed.") from error
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}.") from error
    except PermissionError as error:
        raise InputError(f"You may not read {path}; ask whoever it belongs to.") from error
    except DAMAGE as error:
        raise InputError(
            f"{name} was not opened: it is no zip, or damaged; nothing was changed. Save it again, "
            "or take another copy."
        ) from error
