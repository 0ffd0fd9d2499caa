"""Episodes of another source, seen by one camera: domains made of the frames that are there.

Every frame of an episode goes through the same camera, so that the support tells which it is:
grey, infrared, a colour cast, darkness, few pixels, or an artist who draws lines. `hues` turns
every frame's colours by its own angle: in such an episode colour must be ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch

from model.frames import SIDE
from training.episodes.episode import Episode, Source, Task
from training.episodes.looks import HueTurn

Camera = Callable[[np.ndarray, np.random.Generator], np.ndarray]  # (S, S, 3) -> (S, S, 3)


def grey(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def infrared(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Red weighs most, dark is bright, and the lens glows."""
    heat = 255 - cv2.transform(frame, np.array([[0.7, 0.3, 0.0]], np.float32))
    return cv2.cvtColor(cv2.GaussianBlur(heat, (0, 0), 1.5), cv2.COLOR_GRAY2RGB)


def cast(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sodium light: blue is nearly gone."""
    return (frame * np.array([1.0, 0.7, 0.25])).astype(np.uint8)


def dark(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noise = rng.normal(0, 9, frame.shape)
    return np.clip(frame * 0.18 + noise, 0, 255).astype(np.uint8)


def coarse(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    small = cv2.resize(frame, (28, 28), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)


def lines(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Dark lines on white where the frame has edges."""
    soft = cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (0, 0), 1.6)
    edges = cv2.dilate(cv2.Canny(soft, 40, 90), np.ones((2, 2), np.uint8))
    return cv2.cvtColor(255 - edges, cv2.COLOR_GRAY2RGB)


def hues(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    opaque = np.dstack([frame, np.full(frame.shape[:2], 255, np.uint8)])
    return HueTurn(rng.uniform(0, 360))(opaque, rng)[..., :3]


CAMERAS: dict[str, Camera] = {
    "grey": grey, "infrared": infrared, "cast": cast, "dark": dark, "coarse": coarse,
    "lines": lines, "hues": hues,
}  # fmt: skip


@dataclass(frozen=True)
class Through:
    """A source whose every episode is seen by one camera of `names`."""

    source: Source
    names: tuple[str, ...]

    def episode(self, rng: np.random.Generator) -> Episode:
        name = self.names[rng.integers(len(self.names))]
        episode = self.source.episode(rng)
        task = episode.task
        seen = Task(
            _seen(task.support, CAMERAS[name], rng), task.labels,
            _seen(task.query, CAMERAS[name], rng), task.targets, task.ways,
        )  # fmt: skip
        return replace(episode, task=seen, kind=f"{episode.kind}, {name}")


def _seen(clips: torch.Tensor, camera: Camera, rng: np.random.Generator) -> torch.Tensor:
    """Clips (N, T, S, S, 3) uint8, frame by frame through the camera."""
    frames = [camera(frame, rng) for frame in clips.flatten(0, 1).numpy()]
    return torch.from_numpy(np.stack(frames)).unflatten(0, clips.shape[:2])
