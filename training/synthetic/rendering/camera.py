"""A camera in somebody's hand: where it looks from, how it moves and trembles.

World axes: metres, z up, the table top is z = 0. Matrices are row-major and act on columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    eye: np.ndarray  # (3,)
    target: np.ndarray  # (3,)
    field_of_view: float = 50.0  # degrees, vertical
    roll: float = 0.0  # degrees
    aspect: float = 1.0  # width / height
    shift: tuple[float, float] = (0.0, 0.0)  # moves the picture, in half heights: right, up

    def rotation(self) -> np.ndarray:
        """(3, 3) world to camera; rows right, up, backward."""
        back = self.eye - self.target
        back = back / np.linalg.norm(back)
        right = np.cross([0, 0, 1], back)
        right = right / max(np.linalg.norm(right), 1e-6)
        up = np.cross(back, right)
        c, s = np.cos(np.radians(self.roll)), np.sin(np.radians(self.roll))
        return np.stack([c * right + s * up, c * up - s * right, back])

    def view(self) -> np.ndarray:
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation()
        matrix[:3, 3] = -matrix[:3, :3] @ self.eye
        return matrix

    def projection(self) -> np.ndarray:
        near, far = 0.02, 10.0
        f = 1 / np.tan(np.radians(self.field_of_view) / 2)
        x, y = self.shift
        return np.array(
            [
                [f / self.aspect, 0, -x / self.aspect, 0],
                [0, f, -y, 0],
                [0, 0, (far + near) / (near - far), 2 * far * near / (near - far)],
                [0, 0, -1, 0],
            ]
        )

    def matrix(self) -> np.ndarray:
        return self.projection() @ self.view()

    def project(self, points: np.ndarray) -> np.ndarray:
        """Points (P, 3) to positions in the picture (P, 2): x right, y down, both 0 ... 1."""
        p = np.c_[points, np.ones(len(points))] @ self.matrix().T
        x, y = p[:, 0] / p[:, 3], p[:, 1] / p[:, 3]
        return np.stack([0.5 + 0.5 * x, 0.5 - 0.5 * y], 1)


def wander(rng: np.random.Generator, times: np.ndarray, scale: float, axes: int = 3) -> np.ndarray:
    """(T, axes): smooth noise of a hand, standard deviation `scale`, mostly under 2 Hz."""
    frequencies = np.geomspace(0.15, 3.0, 7)
    amplitude = 1 / frequencies**0.8
    amplitude *= scale * np.sqrt(2) / np.linalg.norm(amplitude)
    phase = rng.uniform(0, 2 * np.pi, (axes, len(frequencies)))
    waves = np.sin(2 * np.pi * frequencies * times[:, None, None] + phase)
    return waves @ amplitude


def glide(values: np.ndarray, count: int) -> np.ndarray:
    """(count, ...) eased through the key values (n, ...), slow at each, as a person moves."""
    position = np.linspace(0, len(values) - 1, count)
    left = np.minimum(position.astype(int), len(values) - 2)
    x = position - left
    x = x * x * (3 - 2 * x)
    x = x.reshape(-1, *[1] * (values.ndim - 1))
    return values[left] * (1 - x) + values[left + 1] * x


def around(target: np.ndarray, yaw: float, elevation: float, distance: float) -> np.ndarray:
    """The eye that looks at `target` from yaw and elevation in degrees."""
    a, e = np.radians(yaw), np.radians(elevation)
    return target + distance * np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])


def distance_for(size: float, share: float, field_of_view: float) -> float:
    """How far away something of `size` metres takes `share` of the picture's height."""
    return size / (2 * share * np.tan(np.radians(field_of_view) / 2))
