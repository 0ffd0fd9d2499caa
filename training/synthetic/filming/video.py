"""Writing H.264, and what it leaves of a picture."""

from __future__ import annotations

import io
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream


def write_video(
    file: Path | io.BytesIO, pictures: Iterable[np.ndarray], fps: float, crf: int
) -> None:
    """An mp4 (yuv420p: browsers and OpenCV read it) of (H, W, 3) uint8 RGB, H and W even."""
    with av.open(str(file) if isinstance(file, Path) else file, "w", format="mp4") as container:
        rate = Fraction(fps).limit_denominator(1000)
        options = {"crf": str(crf), "preset": "medium"}
        stream = container.add_stream("libx264", rate=rate, options=options)
        assert isinstance(stream, VideoStream)
        stream.pix_fmt = "yuv420p"
        for number, picture in enumerate(pictures):
            if number == 0:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def recompressed(pictures: list[np.ndarray], fps: float, crf: int) -> list[np.ndarray]:
    """The pictures after a trip through H.264."""
    data = io.BytesIO()
    write_video(data, pictures, fps, crf)
    data.seek(0)
    with av.open(data, "r") as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
