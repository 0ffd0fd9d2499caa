"""Videos -> frames, by FFmpeg through PyAV: the picture that a player shows.

The default track, upright (display matrix, mirrors included), de-interlaced, with square pixels,
on white where it is transparent, in the RGB of BT.709 (tone-mapped from HDR), at its own time.
FFmpeg reads from an open file in a container that was named to it, and nothing else of this
machine.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.filter import Graph
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from model.errors import InputError
from model.media.kinds import MAX_FRAME_PIXELS, Decoded, check_frame, name_of

MAX_RATE = 240  # frames a second that are believed
THREADS = 2  # every thread of FFmpeg's holds frames of its own
BUFFER = 2**18  # bytes FFmpeg asks for at a time
# A larger frame is never allocated. Up to this size it is, so that a sentence can say its size.
MAX_ALLOCATED_PIXELS = 4 * MAX_FRAME_PIXELS

CONTAINERS = {
    "mp4": "mov",
    "matroska": "matroska",
    "avi": "avi",
    "mpegts": "mpegts",
    "mpegps": "mpeg",
}
# FFmpeg's own decoders leave the transparency of WebM out; the reference decoders do not.
ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
NO_PICTURE = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.dependent
RGB = "out_primaries=bt709:out_transfer=bt709:out_color_matrix=bt709:out_range=full"


def frames(path: Path, kind: str) -> Generator[Decoded]:
    """Every frame of a video that can be decoded, in its order; InputError if there is none.

    A damaged frame is left out. Frames that change their size on the way are shown in that of the
    first.
    """
    name = name_of(path)
    with _opened(path, kind) as (container, stream):
        check_frame(name, stream.codec_context.width, stream.codec_context.height)
        start = float((stream.start_time or 0) * (stream.time_base or 0))
        step = _step(stream)
        picture = _Picture(name, stream.sample_aspect_ratio)
        last, some = -step, False
        for frame in _deinterlaced(_decoded(container, stream)):
            check_frame(name, frame.width, frame.height)
            last, some = risen(frame.time, start, last, step), True
            yield Decoded(last, frame.width * frame.height, lambda frame=frame: picture.of(frame))
        if not some:
            raise InputError(
                f"{name} holds no frame that can be decoded; record it again or save it as H.264."
            )


def proves_long(path: Path, kind: str, seconds: float) -> bool:
    """Whether a video says that it is longer than this and a frame past the limit bears it out.

    Saves decoding up to the limit. A file may also claim too much or too little: then this says
    no, and whoever reads the frames sees their times.
    """
    with _opened(path, kind) as (container, stream):
        if not container.duration or container.duration / av.time_base <= seconds:
            return False
        start = float((stream.start_time or 0) * (stream.time_base or 0))
        with suppress(FFmpegError):
            container.seek(round((start + seconds + 1) * av.time_base))
            for packet in container.demux(stream):
                if packet.pts is not None and packet.time_base:
                    return float(packet.pts * packet.time_base) - start > seconds
    return False


def claimed_seconds(path: Path, kind: str) -> float | None:
    """How long a video says it is; None if it does not say."""
    with _opened(path, kind) as (container, _):
        return container.duration / av.time_base if container.duration else None


def risen(time_s: float | None, start: float, last: float, step: float) -> float:
    """The time of a frame since `start`, all in seconds; `step` after the `last` one if it has no
    later time of its own.
    """
    own = -1.0 if time_s is None else time_s - start
    return own if own > last else last + step


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[tuple[InputContainer, VideoStream]]:
    with path.open("rb") as file:
        try:
            container = av.open(
                file,
                "r",
                format=CONTAINERS[kind],
                options={"max_pixels": str(MAX_ALLOCATED_PIXELS)},
                metadata_errors="replace",
                buffer_size=BUFFER,
            )
        except (FFmpegError, ValueError) as error:
            raise _damaged(path) from error
        with container:
            stream = _shown(container)
            if stream is None or not stream.codec_context:
                raise _damaged(path)
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = THREADS
            stream.codec_context.options = {"max_pixels": str(MAX_ALLOCATED_PIXELS)}
            yield container, stream


def _damaged(path: Path) -> InputError:
    return InputError(
        f"{name_of(path)} cannot be opened as a video: it is damaged, cut off, or holds sound "
        "only; record or copy it again."
    )


def _shown(container: InputContainer) -> VideoStream | None:
    """The video track that players show: the default one, else the first; cover art is none."""
    tracks = [track for track in container.streams.video if not track.disposition & NO_PICTURE]
    tracks.sort(key=lambda track: not track.disposition & Disposition.default)  # a stable order
    return tracks[0] if tracks else None


def _step(stream: VideoStream) -> float:
    """Seconds from one frame to the next, for frames without a time of their own."""
    rate = stream.guessed_rate or 0
    return float(1 / rate) if 1 <= rate <= MAX_RATE else 1 / 30


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """Every frame that can be decoded, until the file ends or breaks off."""
    decoder: Any = stream.codec_context
    if stream.metadata.get("alpha_mode") == "1" and decoder.name in ALPHA_DECODERS:
        decoder = VideoCodecContext.create(ALPHA_DECODERS[decoder.name], "r")
        decoder.extradata = stream.codec_context.extradata
        decoder.thread_count = THREADS
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:  # the file breaks off: the decoder may hold frames yet
            packet = None
        with suppress(FFmpegError):  # a damaged frame: the next one may be whole
            yield from decoder.decode(packet)
        if packet is None or not packet.size:
            return


def _deinterlaced(frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """The same frames; from the first interlaced one on they go through FFmpeg's de-interlacer,
    which leaves progressive frames as they are.
    """
    graph: Graph | None = None
    format_ = None
    for frame in frames:
        if graph is None and not frame.interlaced_frame:
            yield frame
            continue
        if graph is None or format_ != (frame.width, frame.height, frame.format.name):
            if graph is not None:
                yield from _through(graph, None)
            format_ = (frame.width, frame.height, frame.format.name)
            graph = _graph(frame, ("bwdif", "mode=send_frame:deint=interlaced"))
        yield from _through(graph, frame)
    if graph is not None:
        yield from _through(graph, None)


def _graph(frame: av.VideoFrame, *filters: tuple[str, str]) -> Graph:
    """A filter graph for frames like this one."""
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format,
        time_base=frame.time_base or Fraction(1, av.time_base),
    )
    chain = [source, *(graph.add(name, arguments) for name, arguments in filters)]
    graph.link_nodes(*chain, graph.add("buffersink"))
    graph.configure()
    return graph


def _through(graph: Graph, frame: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
    """What comes out of a graph when `frame` (None: the end) goes in."""
    try:
        graph.push(frame)
        while True:
            yield graph.vpull()
    except FFmpegError:  # it wants more, or is at its end; or the frame is damaged
        return


class _Picture:
    """Turns decoded frames of one video into (H, W, 3) uint8 RGB of one size."""

    def __init__(self, name: str, aspect: Fraction | None) -> None:
        """aspect: width of a coded pixel by its height; None or 0 where the file says nothing."""
        self._name, self._aspect = name, float(aspect or 1)
        self._size: tuple[int, int] | None = None  # (width, height) as coded, pixels square
        self._format: tuple[int, int, str, int, int, int] | None = None
        self._graph: Graph | None = None

    def of(self, frame: av.VideoFrame) -> np.ndarray | None:
        """The frame as a player shows it; None if it cannot be converted."""
        if self._size is None:
            width = max(1, round(frame.width * self._aspect))
            check_frame(self._name, width, frame.height)
            self._size = (width, frame.height)
        format_ = (
            *(frame.width, frame.height, frame.format.name),
            *(frame.colorspace, frame.color_range, frame.color_trc),
        )
        if format_ != self._format:
            self._format = format_
            width, height = self._size
            alpha = any(part.is_alpha for part in frame.format.components)
            alpha = alpha or frame.format.has_palette
            self._graph = _graph(
                frame,
                ("scale", f"{width}:{height}:{RGB}"),
                ("format", "rgba" if alpha else "rgb24"),
            )
        assert self._graph is not None
        converted = next(_through(self._graph, frame), None)
        if converted is None:
            return None
        pixels = converted.to_ndarray()
        return _upright(on_white(pixels) if pixels.shape[2] == 4 else pixels, frame)


def on_white(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 4) uint8 RGBA with straight alpha -> (H, W, 3) uint8 RGB on a white ground."""
    alpha = cv2.cvtColor(np.ascontiguousarray(pixels[..., 3]), cv2.COLOR_GRAY2RGB)
    shown = cv2.multiply(np.ascontiguousarray(pixels[..., :3]), alpha, scale=1 / 255)
    return cv2.add(shown, cv2.bitwise_not(alpha))


def _upright(pixels: np.ndarray, frame: av.VideoFrame) -> np.ndarray:
    """The picture turned and mirrored as the display matrix of its frame says.

    The matrix takes a place (x, y) to (a x + c y, b x + d y), y downwards.
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None or len(bytes(matrix)) < 36:
        return pixels
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].astype(np.int64)
    if abs(b) + abs(c) > abs(a) + abs(d):
        pixels, across, down = pixels.transpose(1, 0, 2), c, b
    else:
        across, down = a, d
    return np.ascontiguousarray(pixels[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])
