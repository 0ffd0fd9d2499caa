"""Clips and photos -> frames: decode, sample, crop. The input contract lives here.

A frame is (H, W, 3) uint8 RGB as a person sees it, a clip (T, SIDE, SIDE, 3). The contract never
trusts a file's name, nor the duration or number of frames that it claims, and it never holds a
clip whole.

A decoder is native code and may crash on a file made for that: a server calls `read_clip` and
`stream` in a child process.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from model.errors import InputError
from model.media import picture, video
from model.media.kinds import PICTURES, Decoded, LazyFrame, name_of, validate_media
from model.media.sampling import FRAMES_PER_CLIP, SIDE, select_frames, select_lazy_frames, square

__all__ = [
    "FRAMES_PER_CLIP",
    "SIDE",
    "claimed_seconds",
    "decode_jpeg",
    "decode_png",
    "encode_png",
    "read_clip",
    "select_frames",
    "square",
    "stream",
]

MAX_PAGE_PIXELS = 2048 * 2048  # of one frame from the page
MAX_CLIP_SECONDS = 120  # of a clip to learn from; `stream` has no such limit
MAX_CLIP_FRAMES = video.MAX_RATE * MAX_CLIP_SECONDS  # of a clip, whatever its times say


def read_clip(
    path: str | Path, count: int = FRAMES_PER_CLIP, budget: int | None = None
) -> np.ndarray:
    """The frames of a clip that `select_frames` takes, or a photo's: (T, SIDE, SIDE, 3) uint8.

    budget: pixels that may be decoded, frames together; None: as many as it takes. Raises
    InputError in one sentence that names the file.
    """
    path = Path(path)
    kind = validate_media(path)
    if kind not in PICTURES and video.proves_long(path, kind, MAX_CLIP_SECONDS):
        raise _too_long(path)
    with closing(_decoded(path, kind)) as decoded:
        frames = _of_bounded_length(path, _within(path, budget, decoded))
        clip = select_lazy_frames(frames, count)
    if not clip:
        raise InputError(
            f"{name_of(path)} holds no frame that can be decoded; record it again or save it as "
            "H.264."
        )
    return np.stack(clip)


def stream(path: str | Path, budget: int | None = None) -> Iterator[tuple[float, np.ndarray]]:
    """Every frame (H, W, 3) of a video that can be decoded, and its time in seconds.

    Times rise strictly. One frame is in memory at a time; a video may be hours long. The file is
    checked and opened at the first `next`, and let go of when the iterator ends or is closed.
    budget: as in `read_clip`.
    """
    path = Path(path)
    kind = validate_media(path)
    if kind in PICTURES and not picture.moves(path, kind):
        raise InputError(f"{name_of(path)} is a photo; give a video here.")
    with closing(_decoded(path, kind)) as decoded:
        for time_s, _, make in _within(path, budget, decoded):
            if (frame := make()) is not None:
                yield time_s, frame


def claimed_seconds(path: str | Path) -> float | None:
    """How long a video says it is, which is no more than a guess; None if it does not say."""
    path = Path(path)
    kind = validate_media(path)
    return None if kind in PICTURES else video.claimed_seconds(path, kind)


def decode_jpeg(data: bytes) -> np.ndarray:
    """One frame (H, W, 3) from the page; InputError unless it is a whole JPEG."""
    return picture.read_jpeg(data, MAX_PAGE_PIXELS)


def decode_png(data: bytes) -> np.ndarray:
    """One kept frame (SIDE, SIDE, 3), as `encode_png` wrote it; InputError for anything else."""
    return picture.read_png(data, SIDE)


def encode_png(frame: np.ndarray) -> bytes:
    """A frame (SIDE, SIDE, 3) to be kept, without loss."""
    return picture.write_png(frame)


def _decoded(path: Path, kind: str) -> Generator[Decoded]:
    return (picture if kind in PICTURES else video).frames(path, kind)


def _within(path: Path, budget: int | None, frames: Iterable[Decoded]) -> Iterator[Decoded]:
    """The same frames; InputError once more than `budget` pixels were decoded."""
    spent = 0
    for frame in frames:
        spent += frame.pixels
        if budget is not None and spent > budget:
            raise InputError(
                f"{name_of(path)} has more than {budget:,} pixels in its frames; "
                "save it at 1920 x 1080 or cut it shorter."
            )
        yield frame


def _of_bounded_length(path: Path, frames: Iterable[Decoded]) -> Iterator[LazyFrame]:
    for position, (time_s, _, make) in enumerate(frames):
        if time_s > MAX_CLIP_SECONDS or position >= MAX_CLIP_FRAMES:
            raise _too_long(path)
        yield make


def _too_long(path: Path) -> InputError:
    return InputError(
        f"{name_of(path)} is longer than the {MAX_CLIP_SECONDS} s ({MAX_CLIP_FRAMES:,} frames) of "
        "a clip to learn from; cut out the part that shows the object."
    )
