"""Clips and photos -> frames: decode, turn upright, sample, crop. The input contract lives here.

A frame is (H, W, 3) uint8 RGB, a clip (T, SIDE, SIDE, 3); nobody else opens media. This file never
trusts a file's name, nor the duration or number of frames that it claims; it never holds a clip
whole, and it never gives FFmpeg anything but a known container of a local file.

A decoder is native code and may crash on a file made for that: a server calls `read_clip` and
`stream` in a child process.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from model import intake
from model.errors import InputError
from model.intake import ENDINGS, MAX_PHOTO_PIXELS, PHOTOS, admit, check_frame, name_of
from model.sampling import FRAMES_PER_CLIP, SIDE, MadeLater, choose, choose_made_later, square

__all__ = [
    "ENDINGS",
    "FRAMES_PER_CLIP",
    "SIDE",
    "choose",
    "claimed_seconds",
    "decode_jpeg",
    "read_clip",
    "square",
    "stream",
]

MAX_PAGE_PIXELS = 2048 * 2048  # of one frame from the page
MAX_CLIP_SECONDS = 120  # of a clip to learn from; `stream` has no such limit
MAX_RATE = 240  # frames a second that are believed
MAX_CLIP_FRAMES = MAX_RATE * MAX_CLIP_SECONDS  # of a clip to learn from, whatever its times say
DECODER_THREADS = 2  # every thread of FFmpeg's holds frames of its own


def read_clip(
    path: str | Path, count: int = FRAMES_PER_CLIP, budget: int | None = None
) -> np.ndarray:
    """The frames of a clip that `choose` takes, or the one of a photo: (T, SIDE, SIDE, 3) uint8.

    budget: pixels that may be decoded, frames together; None: as many as it takes.
    """
    path = Path(path)
    if admit(path) in PHOTOS:
        return square(_photo(path))[None]
    if _proves_long(path):
        raise _too_long(path)
    with _opened(path) as capture:
        frames = _within(path, budget, capture)
        clip = choose_made_later(_of_bounded_length(path, frames), count)
        if not clip:
            raise _no_frame(path, capture)
    return np.stack(clip)


def stream(path: str | Path, budget: int | None = None) -> Iterator[tuple[float, np.ndarray]]:
    """Every frame (H, W, 3) of a video that can be decoded, and its time in seconds.

    Times rise strictly. One frame is in memory at a time; a video may be hours long. The file is
    checked and opened at the first `next`, and let go of when the iterator ends or is closed.
    """
    path = Path(path)
    if admit(path) in PHOTOS:
        raise InputError(f"{name_of(path)} is a photo; give a video here.")
    with _opened(path) as capture:
        some = False
        for time_s, retrieve in _within(path, budget, capture):
            if (frame := retrieve()) is not None:
                some = True
                yield time_s, frame
        if not some:
            raise _no_frame(path, capture)


def claimed_seconds(path: str | Path) -> float | None:
    """How long a video says it is; no more than a guess. None if it does not say."""
    if admit(path := Path(path)) in PHOTOS:
        return None
    with _opened(path) as capture:
        rate, frames = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        return frames / rate if rate > 0 and frames > 0 else None


def decode_jpeg(data: bytes) -> np.ndarray:
    """One frame (H, W, 3) from the page."""
    size = intake.size(data) if intake.kind(data) == "jpeg" else None
    if size is not None and size[0] * size[1] > MAX_PAGE_PIXELS:
        raise InputError(
            f"The camera's picture has {size[0]} x {size[1]} pixels; send at most "
            f"{MAX_PAGE_PIXELS / 1e6:.1f} million."
        )
    frame = _decoded(data) if size is not None else None
    if frame is None:
        raise InputError("The camera's picture is not a whole JPEG; reload the page and try again.")
    return frame


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    _be_quiet()
    capture = cv2.VideoCapture(
        os.path.abspath(path),  # so that no name is taken for a protocol ("concat:a.mp4")
        cv2.CAP_FFMPEG,  # and none for a pattern of many files (CAP_IMAGES)
        [cv2.CAP_PROP_N_THREADS, DECODER_THREADS],
    )
    try:
        if not capture.isOpened():
            raise InputError(
                f"{name_of(path)} cannot be opened as a video: it is damaged, cut off, or holds "
                "sound only; record or copy it again."
            )
        check_frame(
            path,
            int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        yield capture
    finally:
        capture.release()


def _grabbed(capture: cv2.VideoCapture) -> Iterator[tuple[float, MadeLater]]:
    """(time in seconds, function that makes the frame): making it is most of the work.

    All frames have the size of the first: OpenCV scales those that a video changes on the way.
    """

    def retrieve() -> np.ndarray | None:
        try:
            decoded, frame = capture.retrieve()
        except cv2.error:  # a damaged frame: the next one may be whole
            return None
        return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) if decoded else None

    rate = capture.get(cv2.CAP_PROP_FPS)
    step = 1 / rate if 1 <= rate <= MAX_RATE else 1 / 30  # for frames without a time of their own
    last = -step
    while capture.grab():
        time_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        last = time_s if time_s > last else last + step
        yield last, retrieve


def _within(
    path: Path, budget: int | None, capture: cv2.VideoCapture
) -> Iterator[tuple[float, MadeLater]]:
    """The grabbed frames; InputError once more than `budget` pixels were decoded."""
    pixels = capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    for index, frame in enumerate(_grabbed(capture)):
        if budget is not None and (index + 1) * pixels > budget:
            raise InputError(
                f"{name_of(path)} has more than {budget / 1e9:.0f} billion pixels in its frames; "
                "save it at 1920 x 1080 or cut it shorter."
            )
        yield frame


def _of_bounded_length(
    path: Path, grabbed: Iterable[tuple[float, MadeLater]]
) -> Iterator[MadeLater]:
    for position, (time_s, retrieve) in enumerate(grabbed):
        if time_s > MAX_CLIP_SECONDS or position >= MAX_CLIP_FRAMES:
            raise _too_long(path)
        yield retrieve


def _proves_long(path: Path) -> bool:
    """Whether a clip says it is too long and a frame past the limit bears it out.

    Saves decoding up to the limit. A file may also claim too much or too little: then this says
    no, and `_of_bounded_length` decides.
    """
    with _opened(path) as capture:
        rate, frames = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if not 1 <= rate <= MAX_RATE or frames / rate <= MAX_CLIP_SECONDS:
            return False
        capture.set(cv2.CAP_PROP_POS_MSEC, 1000 * (MAX_CLIP_SECONDS + 1))
        return capture.grab() and capture.get(cv2.CAP_PROP_POS_MSEC) > 1000 * MAX_CLIP_SECONDS


def _photo(path: Path) -> np.ndarray:
    """A photo (H, W, 3), turned as its EXIF says; white shines through where it is transparent."""
    data = path.read_bytes()
    size = intake.size(data)
    if size is not None and size[0] * size[1] > MAX_PHOTO_PIXELS:
        raise InputError(
            f"{name_of(path)} has {size[0]} x {size[1]} pixels, more than the "
            f"{MAX_PHOTO_PIXELS / 1e6:.0f} million of a photo; save it smaller."
        )
    photo = _decoded(data) if size is not None else None
    if photo is None:
        raise InputError(
            f"{name_of(path)} is damaged or was cut off; take or copy the photo again."
        )
    alpha = _alpha(data) if intake.kind(data) != "jpeg" else None
    if alpha is not None:
        for top in range(0, len(photo), 256):  # a band at a time: this needs 16 bits
            rows = slice(top, top + 256)
            opaque = alpha[rows, :, None].astype(np.uint16)
            photo[rows] = (photo[rows] * opaque + 255 * (255 - opaque) + 127) // 255
    return photo


def _alpha(data: bytes) -> np.ndarray | None:
    """The opacity (H, W) uint8 of a PNG or WebP, turned as its EXIF says; None if it has none."""
    pixels, metadata_kinds, metadata = cv2.imdecodeWithMetadata(
        np.frombuffer(data, np.uint8), flags=cv2.IMREAD_UNCHANGED
    )
    if pixels is None or pixels.ndim < 3 or pixels.shape[2] < 4:
        return None
    alpha = pixels[..., 3] if pixels.dtype == np.uint8 else (pixels[..., 3] // 257).astype(np.uint8)
    # OpenCV turns no picture that it decodes with its alpha. As a grey picture of its own, it does.
    _, coded = cv2.imencodeWithMetadata(".png", alpha, metadata_kinds, metadata)
    return cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)


def _decoded(data: bytes) -> np.ndarray | None:
    _be_quiet()
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error:
        return None


def _too_long(path: Path) -> InputError:
    return InputError(
        f"{name_of(path)} is longer than the {MAX_CLIP_SECONDS} s ({MAX_CLIP_FRAMES:,} frames) of "
        "a clip to learn from; cut out the part that shows the object."
    )


def _no_frame(path: Path, capture: cv2.VideoCapture) -> InputError:
    code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    if code.to_bytes(4, "little").upper() == b"AV01":
        return InputError(
            f"{name_of(path)} is coded as AV1, which cannot be decoded here; save it as H.264 "
            "(the camera's setting may be called Most compatible)."
        )
    return InputError(
        f"{name_of(path)} holds no frame that can be decoded; record it again or save it as H.264."
    )


def _be_quiet() -> None:
    """Before the first file, not on import: what OpenCV and FFmpeg print is said by our errors.

    A person who sets these variables wants to see it, and does.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
