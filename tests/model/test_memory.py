"""Adapting again after a change: what is new costs time, and nothing else differs."""

from pathlib import Path

import numpy as np
import pytest

from model import Memory, load_model
from model.memory import Rows, key
from tests.model.test_personaliser import clip
from tests.tiny import write_tiny


class Counting:
    """A network that gives each frame its mean, and counts the frames."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        self.seen += len(frames)
        return frames.mean((1, 2, 3))[:, None]


def of(rows: Rows, clips: list[np.ndarray], look: Counting, network: bytes = b"") -> np.ndarray:
    return rows.of([key(clip) for clip in clips], clips, look, network)


def test_a_clip_is_looked_at_once() -> None:
    rng, look, rows = np.random.default_rng(0), Counting(), Rows()
    a, b, c = (clip(rng, n) for n in (3, 2, 4))
    of(rows, [a, b], look)
    assert look.seen == 5
    got = of(rows, [a, c, b], look)
    np.testing.assert_array_equal(got, Counting()(np.concatenate([a, c, b])))
    assert look.seen == 9
    of(rows, [a, c], look)
    of(rows, [a, c, b], look)
    assert look.seen == 9, "an undo is free"
    for _ in range(2):
        of(rows, [a], look)
    of(rows, [a, b], look)
    assert look.seen == 11, "what is gone for longer is forgotten"
    of(rows, [a], look, b"another network")
    assert look.seen == 14


def test_one_clip_twice_is_one_look() -> None:
    look, rows, a = Counting(), Rows(), clip(np.random.default_rng(0), 3)
    assert of(rows, [a, a.copy()], look).shape == (6, 1) and look.seen == 3


def test_pixels_and_shape_tell_clips_apart() -> None:
    look, rows, a = Counting(), Rows(), clip(np.random.default_rng(0), 2)
    other = a.copy()
    other[0, 0, 0, 0] ^= 1
    of(rows, [a, other, a[:1]], look)
    assert look.seen == 5


@pytest.mark.parametrize("film", [0.0, 0.3])
def test_adapting_after_a_change_is_adapting_anew(tmp_path: Path, film: float) -> None:
    """film 0: the backbone stays and only the new clip is looked at; else all, with a new one."""
    personaliser = load_model(write_tiny(tmp_path / "tiny", film=film))
    rng, memory = np.random.default_rng(0), Memory()
    objects = {"a": [clip(rng, 20)], "b": [clip(rng, 17)]}
    personaliser.see(objects, memory=memory)
    objects["c"], told = [clip(rng, 5)], []
    seen = personaliser.see(objects, lambda done, total: told.append((done, total)), memory)
    assert min(done for done, _ in told if done) == (42 if film == 0 else 16)
    frames, anew = clip(rng, 4), personaliser.adapt(objects)
    again = personaliser.fit(seen)
    np.testing.assert_allclose(again.predict(frames), anew.predict(frames), atol=1e-5)
