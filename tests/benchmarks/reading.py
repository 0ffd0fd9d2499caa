"""What reading a video costs, beside OpenCV's bare reader on the same file.

OpenCV shows fewer videos right (no default track, no de-interlacing, no square pixels), but it is
the reader that everybody has, so the ratio says what being right costs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from model.frames import read_clip, stream
from model.media.sampling import FRAMES_PER_CLIP, select_lazy_frames
from model.media.video import THREADS
from tests.benchmarks.adaptation import REPEATS, timed

SECONDS, RATE = 10, 30


def reading_against_opencv() -> None:
    """Reading 10 s of 1080p H.264, to teach it and frame by frame / OpenCV doing the same."""
    with tempfile.TemporaryDirectory() as folder:
        path = _film(Path(folder) / "film.mp4")
        for what, ours, bare in (
            ("teach it", lambda: read_clip(path), lambda: _taught(path)),
            ("frame by frame", lambda: [None for _ in stream(path)], lambda: _streamed(path)),
        ):
            pairs = [(timed(ours), timed(bare)) for _ in range(REPEATS)]
            ratio = float(np.median([a / b for a, b in pairs]))
            seconds = float(np.median([a for a, _ in pairs]))
            print(f"read 10 s of 1080p, {what}: {ratio:.2f} x OpenCV ({seconds:.2f} s)")


def _film(path: Path) -> Path:
    rng = np.random.default_rng(0)
    wall = cv2.resize(rng.integers(0, 256, (30, 50, 3), dtype=np.uint8), (2400, 1500))
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast"})
        video.width, video.height, video.pix_fmt = 1920, 1080, "yuv420p"
        for number in range(SECONDS * RATE):  # a camera that pans over it
            view: Any = np.ascontiguousarray(wall[number : number + 1080, number : number + 1920])
            container.mux(video.encode(av.VideoFrame.from_ndarray(view, "rgb24")))
        container.mux(video.encode())
    return path


def _capture(path: Path) -> cv2.VideoCapture:
    return cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, THREADS])


def _frame(capture: cv2.VideoCapture) -> np.ndarray:
    return cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB)


def _taught(path: Path) -> None:
    capture = _capture(path)
    grabbed = iter(capture.grab, False)
    select_lazy_frames(((lambda: _frame(capture)) for _ in grabbed), FRAMES_PER_CLIP)


def _streamed(path: Path) -> None:
    capture = _capture(path)
    while capture.grab():
        _frame(capture)
