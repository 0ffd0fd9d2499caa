"""What the tests of results share: a real but tiny model, and a video that shows both things."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from app.fair_lock import FairLock
from app.handlers import Handlers
from app.learning import Learner
from app.results import Results
from app.rooms import Room, Rooms
from model import load_model
from tests.app.fakes import BLUE, RED, FakeTeacher, read_colour
from tests.app.results.steps import look_here
from tests.tiny import write_tiny


@pytest.fixture
def room(tmp_path: Path) -> Room:
    for name in ("private", "shown"):
        (tmp_path / name).mkdir()
    return Rooms(tmp_path / "private", tmp_path / "shown").open()


@pytest.fixture
def handlers(tmp_path: Path) -> Handlers:
    lock = FairLock()
    adapt = load_model(write_tiny(tmp_path / "tiny")).adapt
    return Handlers(Learner(FakeTeacher(adapt), lock), read_colour, lock, tmp_path)


@pytest.fixture
def results() -> Results:
    return Results(look_here, FairLock())


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """35 frames, 10 a second: red, then blue."""
    path = tmp_path / "red then blue.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for index in range(35):
        writer.write(np.full((48, 64, 3), RED[::-1] if index < 20 else BLUE[::-1], np.uint8))
    writer.release()
    return path
