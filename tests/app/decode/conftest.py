"""Decoders with children of their own, well and ill; rooms without anything else of the app."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.decode import children
from app.decode.decoder import Decoder
from app.rooms import Room, Rooms


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decoder]:
    reader = Decoder(tmp_path_factory.mktemp("empty"))
    yield reader
    reader.close()


@pytest.fixture
def naughty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Decoder]:
    """A decoder whose children misbehave as `tests.app.decode.naughty` says."""
    monkeypatch.setattr(children, "COMMAND", [sys.executable, "-m", "tests.app.decode.naughty"])
    monkeypatch.setenv("SECRET", "of the server")
    (tmp_path / "empty").mkdir()
    reader = Decoder(tmp_path / "empty")
    yield reader
    reader.close()


@pytest.fixture
def rooms(tmp_path: Path) -> Rooms:
    for name in ("private", "shown"):
        (tmp_path / name).mkdir()
    return Rooms(tmp_path / "private", tmp_path / "shown")


@pytest.fixture
def room(rooms: Rooms) -> Room:
    return rooms.open()


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "grey.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for index in range(30):
        writer.write(np.full((48, 64, 3), 8 * index, np.uint8))
    writer.release()
    return path
