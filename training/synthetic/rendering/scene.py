"""What stands where: things on a table, a wall or a room behind it, and the light. Plain values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.synthetic.geometry.mesh import Mesh
from training.synthetic.rendering.light import Light


@dataclass(frozen=True)
class Item:
    mesh: Mesh
    pose: np.ndarray  # (4, 4) mesh to world
    roughness: float = 0.5  # 0 mirror ... 1 chalk
    shine: float = 1.0  # strength of the reflection
    moves: bool = False  # held in a hand: it casts no baked shadow


@dataclass(frozen=True)
class Plane:
    """A table top or a wall with a picture on it."""

    picture: np.ndarray  # (h, w, 3) uint8 sRGB, repeated in mirror image
    corner: np.ndarray  # (3,) and two edges (3,) from it, metres
    across: np.ndarray
    up: np.ndarray
    repeat_m: float  # one picture's width on the plane
    is_table: bool
    roughness: float = 0.6
    shine: float = 0.5

    def mesh(self) -> Mesh:
        a, b = self.corner, self.corner + self.across
        c, d = b + self.up, a + self.up
        normal = np.cross(self.across, self.up)
        normal = normal / np.linalg.norm(normal)
        h, w = self.picture.shape[:2]
        # The mirrored picture is two wide and two high.
        u = np.linalg.norm(self.across) / self.repeat_m / 2
        v = np.linalg.norm(self.up) / self.repeat_m / 2 * w / h
        uv = np.array([[0, 0], [u, 0], [u, v], [0, 0], [u, v], [0, v]])
        return Mesh(
            name="plane",
            positions=np.stack([a, b, c, a, c, d]).astype(np.float32),
            normals=np.tile(normal, (6, 1)).astype(np.float32),
            uv=uv.astype(np.float32),
            texture=self.picture,
            openness=np.ones(6, np.float32),
        )


@dataclass(frozen=True)
class Backdrop:
    """A photograph of a room, far behind everything."""

    photo: np.ndarray  # (h, w, 3) uint8 sRGB
    azimuth: float  # radians, where its centre lies
    elevation: float
    half_angles: tuple[float, float]  # radians
    brightness: float = 0.8
    blur: float = 1.5  # mip level: how far out of focus


@dataclass(frozen=True)
class Scene:
    items: tuple[Item, ...]
    planes: tuple[Plane, ...]
    backdrop: Backdrop | None
    light: Light


def placed(x: float, y: float, yaw: float, z: float = 0.0) -> np.ndarray:
    """(4, 4) that sets a mesh down at x, y, turned by `yaw` degrees."""
    c, s = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    return np.array([[c, -s, 0, x], [s, c, 0, y], [0, 0, 1, z], [0, 0, 0, 1]])


def spread_out(
    rng: np.random.Generator,
    radii: list[float],
    reach: float,
    taken: list[tuple[float, float, float]],
    gap: float = 0.01,
) -> list[tuple[float, float] | None]:
    """A free place (x, y) within `reach` for each circle, or None; `taken` holds (x, y, radius)."""
    places: list[tuple[float, float] | None] = []
    taken = list(taken)
    for radius in radii:
        spot = None
        for _ in range(40):
            angle, distance = rng.uniform(0, 2 * np.pi), reach * np.sqrt(rng.uniform())
            x, y = distance * np.cos(angle), distance * np.sin(angle)
            if all(np.hypot(x - a, y - b) > radius + r + gap for a, b, r in taken):
                spot = (float(x), float(y))
                taken.append((*spot, radius))
                break
        places.append(spot)
    return places
