"""Which files are let in: by name, bytes, pixels and what their first bytes say they are.

Decoders pick a format by content and then do what the content asks for: FFmpeg plays a playlist
that names other files of this machine, and an image library allocates whatever a header claims.
So the kind is decided here, from a short list, before any of them sees a file. Decodes nothing.
"""

from __future__ import annotations

import os
import stat
import struct
import unicodedata
from pathlib import Path

from model.errors import InputError

MAX_FILE_BYTES = 2**30  # of any file
MAX_PHOTO_BYTES = 128 * 2**20  # a photo is read whole
MAX_PHOTO_PIXELS = 2**26  # 67 megapixels; decoded: 200 MB
MAX_FRAME_PIXELS = 4096 * 4096  # of a video; decoded: 50 MB. 5.3K fits, 8K does not

ENDINGS = (
    *(".mp4", ".m4v", ".mov", ".3gp", ".webm", ".mkv", ".avi", ".gif"),
    *(".jpg", ".jpeg", ".png", ".webp"),
)
PHOTOS = ("jpeg", "png", "webp")  # kinds; the others are videos

# The first box of an MP4, M4V, MOV or 3GP file; those after `ftyp` are old QuickTime's.
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_STILL_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"jp2 ", b"jpx ", b"jxl ")
# JPEG markers without a length, and the frame headers: SOF0 to SOF15, less DHT, JPG and DAC.
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def admit(path: Path) -> str:
    """The kind of a file on disk, if it may be decoded; InputError in words if it may not."""
    name = name_of(path)
    if "\0" in os.fspath(path) or not _is_unicode(os.fspath(path)):  # OpenCV crashes on such a name
        raise InputError(f"{name} has a name or folder that cannot be read; rename it.")
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{name} is not a file; give one clip or photo.")
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror}); check its path.") from error
    if not head:
        raise InputError(f"{name} is empty (0 bytes); record it or copy it again.")
    found = kind(head)
    limit = MAX_PHOTO_BYTES if found in PHOTOS else MAX_FILE_BYTES
    if status.st_size > limit:
        raise InputError(
            f"{name} has {status.st_size / 1e6:,.0f} MB, more than the {limit / 1e6:,.0f} MB that "
            "can be read; cut it shorter or save it smaller."
        )
    if path.suffix.lower() not in ENDINGS or _is_other_photo(head):
        wanted = ", ".join(ENDINGS)
        raise InputError(f"{name} is of a kind that cannot be read; save it as one of {wanted}.")
    if found is None:
        raise InputError(
            f"{name} holds neither a video nor a photo, whatever its name says; give another file."
        )
    if found == "gif" and (canvas := size(head)):
        check_frame(path, *canvas)  # FFmpeg makes the canvas when it opens the file
    return found


def check_frame(path: Path, width: int, height: int) -> None:
    """Raise InputError if a video's frames are too large to decode."""
    if width * height > MAX_FRAME_PIXELS:
        raise InputError(
            f"{name_of(path)} has frames of {width} x {height} pixels, more than the "
            f"{MAX_FRAME_PIXELS / 1e6:.1f} million that can be read; save it at 1920 x 1080."
        )


def name_of(path: Path) -> str:
    """What a person calls the file: no folder, and nothing that would break the line."""
    return "".join("?" if unicodedata.category(c) in ("Cc", "Cs") else c for c in path.name)


def _is_unicode(text: str) -> bool:
    return not any(unicodedata.category(c) == "Cs" for c in text)


def kind(head: bytes) -> str | None:
    """One of "jpeg", "png", "webp", "mp4", "matroska", "avi", "gif"; None for anything else."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"  # WebM too
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head.startswith(b"RIFF"):
        return {b"WEBP": "webp", b"AVI ": "avi"}.get(head[8:12])
    return "mp4" if head[4:8] in _BOXES and not _is_other_photo(head) else None


def _is_other_photo(head: bytes) -> bool:
    """Whether this is a HEIC, AVIF, JPEG 2000 or JPEG XL photo: those share MP4's boxes."""
    return head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS


def size(data: bytes) -> tuple[int, int] | None:
    """(width, height) that a JPEG, PNG, WebP or GIF claims; None if its header is damaged."""
    read = {"jpeg": _jpeg_size, "png": _png_size, "webp": _webp_size, "gif": _gif_size}
    name = kind(data[:64])
    if name not in read:
        return None
    try:
        return read[name](data)
    except (struct.error, IndexError):  # the header is cut off
        return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _BARE_MARKERS:
            at += 2
        elif marker in _FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        else:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None


def _png_size(data: bytes) -> tuple[int, int] | None:
    return struct.unpack_from(">II", data, 16) if data[12:16] == b"IHDR" else None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    chunk = data[12:16]
    if chunk == b"VP8X":  # the canvas, less one, in 24 bits each
        width, height = struct.unpack_from("<I", data, 24)[0], struct.unpack_from("<I", data, 27)[0]
        return (width & 0xFFFFFF) + 1, (height & 0xFFFFFF) + 1
    if chunk == b"VP8L":  # the same in 14 bits each
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _gif_size(data: bytes) -> tuple[int, int]:
    return struct.unpack_from("<HH", data, 6)
