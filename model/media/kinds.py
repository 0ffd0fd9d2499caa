"""Which files may be decoded: by name, bytes and what their first bytes say they are.

Decoders pick a format by content and then do what the content asks for: FFmpeg plays a playlist
that names other files of this machine, and an image library allocates whatever a header claims.
So the kind is decided here, from a short list, before any of them sees a file. A file's name never
decides. Decodes nothing.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from model.errors import InputError

MAX_FILE_BYTES = 2**30  # of a video
MAX_PICTURE_BYTES = 128 * 2**20  # a picture is read whole
MAX_PHOTO_PIXELS = 2**26  # 67 megapixels; decoded: 200 MB
MAX_FRAME_PIXELS = 4096 * 4096  # of a clip; decoded: 50 MB. 5.3K fits, 8K does not

PICTURES = ("jpeg", "png", "gif", "webp", "heif", "avif")  # Pillow's; some of them move
VIDEOS = ("mp4", "matroska", "avi", "mpegts", "mpegps")  # FFmpeg's

# What file pickers offer and what advice names; reading goes by content.
VIDEO_ENDINGS = (".mp4", ".m4v", ".mov", ".3gp", ".webm", ".mkv", ".avi", ".mts", ".gif")
PHOTO_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif")
ENDINGS = (*VIDEO_ENDINGS, *PHOTO_ENDINGS)

BREAKING = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, marks of direction, line ends
HEAD = 400  # bytes that tell the kind: two packets of an MPEG transport stream
_TS_PACKETS = {0: 188, 4: 192}  # where its sync byte first stands -> bytes from one to the next

# The first box of an MP4, M4V, MOV or 3GP file; those after `ftyp` are old QuickTime's.
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
# Pictures that no decoder here reads: JPEG 2000 and JPEG XL (both ways), TIFF, BMP.
_OTHER_PICTURES = (
    *(b"\0\0\0\x0cjP  ", b"\0\0\0\x0cJXL ", b"\xff\x0a", b"\xff\x4f\xff\x51"),
    *(b"II*\0", b"MM\0*", b"BM"),
)

LazyFrame = Callable[[], np.ndarray | None]
"""Makes a frame (H, W, 3) uint8 RGB, None if it is damaged; valid until the next is asked for."""


class Decoded(NamedTuple):
    """A frame that was decoded, but not yet converted: making it is most of the work."""

    time_s: float  # seconds since the start; rises strictly
    pixels: int  # as coded
    make: LazyFrame


def validate_media(path: Path) -> str:
    """The kind of a file on disk, one of PICTURES or VIDEOS; InputError if it may not be decoded.

    A file must have a readable name, be a regular file, have a size within the limits, and start
    like one of the kinds.
    """
    name = name_of(path)
    if "\0" in os.fspath(path) or not _is_unicode(os.fspath(path)):
        raise InputError(f"{name} has a name or folder that cannot be read; rename it.")
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{name} is not a file; give one clip or photo.")
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror}); check its path.") from error
    if not head:
        raise InputError(f"{name} is empty (0 bytes); record it or copy it again.")
    found = kind(head)
    limit = MAX_PICTURE_BYTES if found in PICTURES and found != "gif" else MAX_FILE_BYTES
    if status.st_size > limit:
        raise InputError(
            f"{name} has {status.st_size / 1e6:,.0f} MB, more than the {limit / 1e6:,.0f} MB that "
            "can be read; cut it shorter or save it smaller."
        )
    if head.startswith(_OTHER_PICTURES):
        wanted = ", ".join(PHOTO_ENDINGS)
        raise InputError(f"{name} is of a kind that cannot be read; save it as one of {wanted}.")
    if found is None:
        raise InputError(
            f"{name} holds neither a video nor a photo, whatever its name says; give another file."
        )
    return found


def check_frame(name: str, width: int, height: int) -> None:
    """Raise InputError if the frames of the clip called `name` are too large to decode."""
    if width * height > MAX_FRAME_PIXELS:
        raise InputError(
            f"{name} has frames of {width} x {height} pixels, more than the "
            f"{MAX_FRAME_PIXELS / 1e6:.1f} million that can be read; save it at 1920 x 1080."
        )


def name_of(path: Path) -> str:
    """What a person calls the file: no folder, and nothing that would break the line."""
    return printable(path.name or str(path))


def printable(text: str) -> str:
    """A text in one line, with ? for what would break it or turn it around."""
    return "".join("?" if unicodedata.category(c) in BREAKING else c for c in text)


def _is_unicode(text: str) -> bool:
    return not any(unicodedata.category(c) == "Cs" for c in text)


def kind(head: bytes) -> str | None:
    """The kind that the first HEAD bytes of a file show, one of PICTURES or VIDEOS, or None."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head.startswith(b"RIFF"):
        return {b"WEBP": "webp", b"AVI ": "avi"}.get(head[8:12])
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"  # WebM too
    if head.startswith(b"\0\0\1\xba"):
        return "mpegps"
    if head[4:8] == b"ftyp" and head[8:12] in _AVIF_BRANDS + _HEIF_BRANDS:
        # `mif1` says "a still picture"; which one, the compatible brands say.
        size = int.from_bytes(head[:4])
        return "avif" if any(brand in head[8:size] for brand in _AVIF_BRANDS) else "heif"
    if head[4:8] in _BOXES:
        return "mp4"
    for first, step in _TS_PACKETS.items():
        if head[first : first + step + 1 : step] == b"GG":
            return "mpegts"
    return None
