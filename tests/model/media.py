"""Media for the tests, made on the spot: frames that carry their number, written by PyAV."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

BITS = 14  # a frame's number, as black and white bars inside its centre square


def numbered(number: int, width: int = 160, height: int = 120) -> np.ndarray:
    """A grey frame (height, width, 3) whose centre square is the bar code of `number`."""
    frame = np.full((height, width, 3), 128, np.uint8)
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    for bit in range(BITS):
        columns = slice(left + bit * short // BITS, left + (bit + 1) * short // BITS)
        frame[top : top + short, columns] = 235 if number >> bit & 1 else 16
    return frame


def number_of(frame: np.ndarray) -> int:
    """The number that `numbered` drew, also after coding and resizing."""
    height, width = frame.shape[:2]
    short = min(height, width)
    middle, left = height // 2, (width - short) // 2
    bars = [frame[middle, left + int((bit + 0.5) * short / BITS)].mean() for bit in range(BITS)]
    return sum(1 << bit for bit, grey in enumerate(bars) if grey > 128)


def write_video(
    path: Path,
    codec: str,
    frames: Iterable[np.ndarray],
    rate: int = 30,
    pixels: str = "yuv420p",
    times_ms: Sequence[int] | None = None,
    container_options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
) -> Path:
    """A video of these RGB frames; `times_ms` makes its frame rate vary."""
    quick = {"deadline": "realtime", "cpu-used": "8"} if codec.startswith("libvpx") else {}
    with av.open(str(path), "w", options=container_options or {}) as container:
        video: Any = None
        for index, frame in enumerate(frames):
            if video is None:
                video = container.add_stream(
                    codec, rate=rate, options=quick | (codec_options or {})
                )
                video.height, video.width = frame.shape[:2]
                video.pix_fmt = pixels
                if times_ms:
                    video.codec_context.time_base = Fraction(1, 1000)
            picture = av.VideoFrame.from_ndarray(frame, "rgb24")
            if times_ms:
                picture.pts, picture.time_base = times_ms[index], Fraction(1, 1000)
            container.mux(video.encode(picture))
        container.mux(video.encode())
    return path


def repeat_one_frame(path: Path, frame: np.ndarray, seconds: int, claim: bool = True) -> Path:
    """A long video for little work: one coded H.264 frame, muxed once a second."""
    options = {} if claim or path.suffix == ".mp4" else {"live": "1"}  # WebM without a duration
    with av.open(str(path), "w", options=options) as container:
        video: Any = container.add_stream("libx264" if claim else "libvpx", rate=1)
        video.height, video.width = frame.shape[:2]
        video.pix_fmt = "yuv420p"
        (packet, *_) = video.encode(av.VideoFrame.from_ndarray(frame, "rgb24")) or video.encode()
        coded = bytes(packet)
        for second in range(seconds):
            again = av.Packet(coded)
            again.stream, again.time_base, again.is_keyframe = video, Fraction(1), True
            again.pts = again.dts = second
            container.mux(again)
    return path


def decoded(path: Path) -> tuple[list[float], list[np.ndarray]]:
    """The oracle: times and RGB frames of a video by PyAV."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        first = container.streams.video[0].start_time or 0
        return (
            [float((f.pts - first) * f.time_base) for f in frames],  # type: ignore[operator]
            [f.to_ndarray(format="rgb24") for f in frames],
        )


def turn(path: Path, degrees: int) -> Path:
    """Write a rotation into an MP4's track header, as a phone does; players then turn clockwise."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44  # a 3 x 3 matrix of 32-bit numbers, 16.16
    a, b = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    for place, value in enumerate((a, b, 0, -b, a)):
        data[at + 4 * place : at + 4 * place + 4] = (value << 16).to_bytes(4, "big", signed=True)
    path.write_bytes(data)
    return path


def claim_duration(path: Path, milliseconds: float) -> Path:
    """Overwrite the duration that a Matroska file claims."""
    data = bytearray(path.read_bytes())
    at = data.index(b"\x44\x89\x88") + 3
    data[at : at + 8] = np.array(milliseconds, ">f8").tobytes()
    path.write_bytes(data)
    return path


def open_files() -> list[str]:
    """The files that this process holds open (Linux)."""
    links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    return [os.readlink(link) for link in links if os.path.islink(link)]
