"""Naming a video: rows, times and smoothing against a plain loop, and names as table cells."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.naming.frames import cell, name_video, write_csv
from app.naming.smoothing import SECONDS, Smoother
from model import load_model
from model.frames import square, stream
from tests.tiny import write_tiny


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """33 frames, 10 a second: red, then blue."""
    path = tmp_path / "red then blue.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for index in range(33):
        writer.write(np.full((48, 64, 3), (0, 0, 255) if index < 20 else (255, 0, 0), np.uint8))
    writer.release()
    return path


def red_and_blue(folder: Path):
    red, blue = np.zeros((2, 3, 32, 32, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    return load_model(write_tiny(folder / "tiny")).adapt({"=red()": [red], "blue, really": [blue]})


def test_a_row_for_every_frame(tmp_path: Path, video: Path) -> None:
    adapted = red_and_blue(tmp_path)
    write_csv(tmp_path / "rows.csv", adapted.names, name_video(adapted, video))
    with open(tmp_path / "rows.csv", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["frame", "time_s", "label", "confidence", "'=red()", "blue, really"]
    assert [int(row[0]) for row in rows] == list(range(33))
    assert [float(row[1]) for row in rows] == pytest.approx([i / 10 for i in range(33)], abs=1e-3)
    assert {row[2] for row in rows[:20]} == {"'=red()"} and rows[32][2] == "blue, really"
    for row in rows:
        values = [float(p) for p in row[4:]]
        assert sum(values) == pytest.approx(1, abs=2e-4) and float(row[3]) == max(values)


def test_smoothed_as_the_rule_says(tmp_path: Path, video: Path) -> None:
    adapted = red_and_blue(tmp_path)
    times, frames = zip(*stream(video), strict=True)
    raw = adapted.predict([square(frame) for frame in frames])
    for row in name_video(adapted, video):
        recent = [
            p for t, p in zip(times, raw, strict=True) if row.time_s - SECONDS < t <= row.time_s
        ]
        np.testing.assert_allclose(row.sight.probabilities, np.mean(recent, axis=0), atol=1e-6)


def test_smoothing_starts_afresh_when_time_or_objects_change() -> None:
    smoother = Smoother()
    assert smoother.update(5.0, np.array([1.0, 0.0])).tolist() == [1, 0]
    assert smoother.update(5.1, np.array([0.0, 1.0])).tolist() == [0.5, 0.5]
    assert smoother.update(5.2, np.array([0.0, 0.0, 1.0])).tolist() == [0, 0, 1]
    assert smoother.update(0.0, np.array([0.0, 1.0, 0.0])).tolist() == [0, 1, 0]
    assert smoother.update(9.0, np.array([1.0, 0.0, 0.0])).tolist() == [1, 0, 0]


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@SUM(A1)", " =cmd()"])
def test_a_name_is_never_a_formula(name: str) -> None:
    assert cell(name) == "'" + name
    assert cell(f"my {name}") == f"my {name}"
