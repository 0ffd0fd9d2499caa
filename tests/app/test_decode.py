"""Decoding in a child process: what crashes, hangs or eats memory there is said here in words."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

import app.decode
from app.decode import Decoder
from model import InputError
from model.frames import read_clip


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder(1)
    yield decoder
    decoder.close()


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "grey.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for index in range(30):
        writer.write(np.full((48, 64, 3), 8 * index, np.uint8))
    writer.release()
    return path


def crash(path: str) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def hang(path: str) -> None:
    time.sleep(60)


def eat(path: str) -> np.ndarray:
    return np.ones(10 * 2**30, np.uint8)


def test_a_child_reads_what_one_would_read_oneself(decoder: Decoder, video: Path) -> None:
    np.testing.assert_array_equal(decoder.read_clip(video), read_clip(video))
    facts = decoder.count_frames(video)
    assert facts.frames == 30 and facts.seconds == pytest.approx(2.9)


def test_refusals_come_through_in_their_own_words(decoder: Decoder, tmp_path: Path) -> None:
    (tmp_path / "cat.mp4").write_bytes(b"")
    with pytest.raises(InputError, match=r"cat\.mp4 is empty"):
        decoder.read_clip(tmp_path / "cat.mp4")
    (tmp_path / "cat.mp4").write_text("meow")
    with pytest.raises(InputError):
        decoder.count_frames(tmp_path / "cat.mp4")


@pytest.mark.parametrize(
    ("work", "says"),
    [(crash, "made the decoder fail"), (hang, "took more than"), (eat, "too much memory")],
)
def test_a_child_that_fails_takes_nothing_along(
    decoder: Decoder, video: Path, work, says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=says):
        decoder._ask(work, video, 4.0 if work is not hang else 0.3)
    assert len(decoder.read_clip(video)) > 1, "the next one is well"


def test_a_video_of_too_many_frames_is_refused(
    monkeypatch: pytest.MonkeyPatch, video: Path
) -> None:
    monkeypatch.setattr(app.decode, "MAX_VIDEO_FRAMES", 20)
    with pytest.raises(InputError, match="more than 20 frames"):
        app.decode.count_frames(str(video))


def test_a_sparse_video_is_bounded_in_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = np.zeros((48, 64, 3), np.uint8)
    monkeypatch.setattr(app.decode, "stream", lambda path: iter([(0.0, frame), (7201.0, frame)]))
    with pytest.raises(InputError, match="longer than 2 hours"):
        app.decode.count_frames("sparse.mp4")
