"""A hand that holds a thing: fingers on its surface, palm, wrist and forearm as one smooth body.

Axes of the camera's view: x right, y away, z up. where the thing is taken is a `Grip`;
the hand is a smooth union of capsules (tapered bones), turned into triangles. It need not bear a
close look: it is there because things that are taught are held, partly hidden by skin, and near it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import map_coordinates

from training.synthetic.geometry.grip import Grip
from training.synthetic.geometry.isosurface import surface
from training.synthetic.geometry.mesh import Mesh

_CELL = 0.0048  # metres
_BLEND = 0.006  # metres over which bones melt into each other
_PHALANGES = np.array([0.5, 0.28, 0.22])  # shares of a finger's length
_SKINS = np.array(
    [
        [236, 200, 180],
        [226, 182, 152],
        [205, 155, 122],
        [176, 124, 92],
        [132, 88, 64],
        [92, 62, 48],
    ]
)


@dataclass(frozen=True)
class _Bones:
    """Capsules from `start` to `end`, tapering; `tip` marks the last bone of a finger."""

    start: np.ndarray  # (B, 3)
    end: np.ndarray  # (B, 3)
    radius: np.ndarray  # (B, 2)
    tip: np.ndarray  # (B,) bool


def hand(grip: Grip, points: np.ndarray, rng: np.random.Generator) -> Mesh:
    """Hand and forearm at the grip on the thing with vertices `points` (P, 3)."""
    bones = _bones(grip, points, rng)
    low = np.minimum(bones.start, bones.end).min(0) - 0.05
    high = np.maximum(bones.start, bones.end).max(0) + 0.05
    axes = [np.arange(a, b, _CELL) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).astype(np.float32)
    wrist = grip.middle + grip.arm * 0.18
    sleeve_from = rng.uniform(0.03, 0.12) if rng.uniform() < 0.6 else 9.0
    distance = _distance(bones, grid)
    if sleeve_from < 1:
        cuff, end = wrist + grip.arm * sleeve_from, wrist + grip.arm * 0.5
        distance = np.minimum(distance, _capsule(grid, cuff, end, 0.036, 0.05))
    vertices, triangles = surface(distance, low, _CELL)
    vertices = vertices.astype(np.float32)
    normals = _normals(distance, low, vertices)
    uv = _paint(bones, vertices, normals, (vertices - wrist) @ grip.arm > sleeve_from)
    return Mesh(
        name="hand",
        positions=vertices[triangles].reshape(-1, 3),
        normals=normals[triangles].reshape(-1, 3),
        uv=uv[triangles].reshape(-1, 2),
        texture=_skin(rng),
        closed=True,
    )


def _bones(grip: Grip, points: np.ndarray, rng: np.random.Generator) -> _Bones:
    """Fingers bent from the knuckles to their places on the thing, the thumb against them."""
    across, arm = grip.across, grip.arm
    spread = np.cross(across, arm)
    scale = rng.uniform(0.88, 1.08)
    knuckles = grip.middle + arm * 0.078 * scale + across * (min(grip.half, 0.03) + 0.006)
    wrist = grip.middle + arm * 0.165 * scale + across * 0.004
    start, end, radius, tip = [], [], [], []

    def bone(a: np.ndarray, b: np.ndarray, ra: float, rb: float, last: bool = False) -> None:
        start.append(a)
        end.append(b)
        radius.append((ra * scale, rb * scale))
        tip.append(last)

    def finger(root: np.ndarray, touch: np.ndarray, length: float, out: np.ndarray, r: float):
        joints = _bend(root, touch, length * scale * _PHALANGES, out)
        for i in range(3):
            bone(joints[i], joints[i + 1], r * (1 - 0.1 * i), r * (0.93 - 0.1 * i), i == 2)
        return joints[0]

    curl = rng.uniform(0.0, 0.02, 4) * (rng.uniform() < 0.5)  # fingers that do not touch
    used = 4 if grip.half > 0.018 or rng.uniform() < 0.4 else 2
    for i, (length, r) in enumerate(
        ((0.088, 0.0092), (0.096, 0.0095), (0.090, 0.0090), (0.074, 0.0080))
    ):
        place = spread * (1.5 - i) * 0.0195 * scale
        root = knuckles + place - arm * abs(1.3 - i) * -0.004
        touch = _on_surface(points, grip.middle + place * 0.85, across, grip.half)
        touch = touch + across * 0.8 * r * scale
        if i >= used:  # folded towards the palm
            touch = knuckles + place - across * 0.02 - arm * 0.012
        touch = touch + arm * (0.004 * abs(i - 1) + curl[i])
        root = finger(root, touch, length, across, r)
        bone(wrist + place * 0.55, root, 0.0135, 0.0115)
    heel = wrist - arm * 0.022 + spread * 0.026 * scale - across * 0.006
    touch = _on_surface(points, grip.middle + spread * 0.012, -across, grip.half)
    touch = touch - across * 0.0085 * scale
    heel = finger(heel, touch, 0.112, -across + 0.5 * spread, 0.0112)
    bone(wrist, heel, 0.017, 0.0125)
    bone(wrist - spread * 0.012, wrist + arm * 0.09, 0.0215, 0.026)
    bone(wrist + spread * 0.012, wrist + arm * 0.09, 0.0215, 0.026)
    bone(wrist + arm * 0.09, wrist + arm * 0.50, 0.030, 0.045)
    return _Bones(np.array(start), np.array(end), np.array(radius), np.array(tip))


def _on_surface(
    points: np.ndarray, middle: np.ndarray, toward: np.ndarray, half: float
) -> np.ndarray:
    """The place (3,) next to middle + half * toward where the thing ends in that direction."""
    offset = points - middle
    height = offset @ toward
    aside = np.linalg.norm(offset - height[:, None] * toward, axis=1)
    near = height[aside < 0.011]
    return middle + toward * (near.max() if len(near) else half)


def _bend(root: np.ndarray, touch: np.ndarray, lengths: np.ndarray, out: np.ndarray) -> np.ndarray:
    """(4, 3): joints of three bones from root to touch, bulging towards `out`, bent alike."""
    reach = touch - root
    distance = np.linalg.norm(reach)
    total = lengths.sum()
    if distance > 0.98 * total:  # too far: the root comes along
        root = touch - reach / distance * 0.98 * total
        reach, distance = touch - root, 0.98 * total
    forward = reach / distance
    up = out - (out @ forward) * forward
    up /= max(np.linalg.norm(up), 1e-6)
    low, high = 0.0, 2.2
    for _ in range(24):  # the common angle at which the chain spans the distance
        x, y = _chain(lengths, (low + high) / 2)
        if np.hypot(x[-1], y[-1]) > distance:
            low = (low + high) / 2
        else:
            high = (low + high) / 2
    x, y = _chain(lengths, high)
    span = np.hypot(x[-1], y[-1])
    c, s = x[-1] / span, -y[-1] / span  # turn the chain so that it ends on `forward`
    px, py = c * x - s * y, s * x + c * y
    return root + np.r_[[np.zeros(3)], np.outer(px, forward) + np.outer(py, up)]


def _chain(lengths: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the bones end, x and y (3,) each, when every joint bends by `angle`."""
    turns = -angle * np.arange(3)
    return np.cumsum(lengths * np.cos(turns)), np.cumsum(lengths * np.sin(turns))


def _capsule(grid: np.ndarray, a: np.ndarray, b: np.ndarray, ra: float, rb: float) -> np.ndarray:
    """Signed distance from a bone; `grid` (..., 3) to (...)."""
    line = (b - a).astype(np.float32)
    t = np.clip((grid - a.astype(np.float32)) @ line / max(float(line @ line), 1e-9), 0, 1)
    nearest = a.astype(np.float32) + t[..., None] * line
    return np.linalg.norm(grid - nearest, axis=-1) - (ra + (rb - ra) * t)


def _distance(bones: _Bones, grid: np.ndarray) -> np.ndarray:
    """Smooth union (exponential) of all bones, each worked out near itself only."""
    total = np.zeros(grid.shape[:-1], np.float32)
    origin, width = grid[0, 0, 0], _BLEND / 4
    for a, b, (ra, rb) in zip(bones.start, bones.end, bones.radius, strict=True):
        margin = max(ra, rb) + 10 * width
        low = np.maximum((np.minimum(a, b) - margin - origin) / _CELL, 0).astype(int)
        high = ((np.maximum(a, b) + margin - origin) / _CELL).astype(int) + 2
        block = tuple(slice(i, j) for i, j in zip(low, high, strict=True))
        total[block] += np.exp(np.minimum(-_capsule(grid[block], a, b, ra, rb) / width, 40))
    return -np.log(np.maximum(total, 1e-17)) * width


def _normals(distance: np.ndarray, low: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """(V, 3): the direction in which the distance grows."""
    place = ((vertices - low) / _CELL).T
    normals = np.stack([map_coordinates(g, place, order=1) for g in np.gradient(distance)], 1)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)


def _paint(
    bones: _Bones, vertices: np.ndarray, normals: np.ndarray, cloth: np.ndarray
) -> np.ndarray:
    """(V, 2): u picks cloth, skin (redder towards the fingertips) or nail; v runs along it."""
    red = np.zeros(len(vertices))
    nail = np.zeros(len(vertices), bool)
    for a, b in zip(bones.start[bones.tip], bones.end[bones.tip], strict=True):
        to_tip = np.linalg.norm(vertices - b, axis=1)
        red = np.maximum(red, np.exp(-to_tip / 0.014))
        along = (b - a) / np.linalg.norm(b - a)
        hand_side = bones.start.mean(0) - b
        back = -(hand_side - (hand_side @ along) * along)
        back /= max(np.linalg.norm(back), 1e-6)
        nail |= (to_tip < 0.0105) & (normals @ back > 0.55) & ((vertices - b) @ along > -0.007)
    mottle = 0.12 * np.abs((vertices @ np.array([9.0, -6.0, 4.0])) % 2 - 1)
    u = np.where(cloth, 0.05, np.where(nail, 0.94, 0.3 + 0.45 * red)) + mottle * ~nail
    v = vertices @ np.array([5.0, 3.0, 7.0])
    return np.stack([u, v], 1).astype(np.float32)


def _skin(rng: np.random.Generator) -> np.ndarray:
    """(256, 256, 3) uint8: a strip of cloth, skin from palm to fingertip, nail."""
    tone = _SKINS[int(rng.integers(len(_SKINS)))] * rng.uniform(0.92, 1.05, 3)
    picture = np.empty((256, 256, 3), np.float32)
    red = np.linspace(0, 1, 256)[None, :, None].repeat(256, 0)
    picture[:] = tone * (1 - red * [0.0, 0.16, 0.14])
    blotch = cv2.resize(rng.normal(0, 1, (16, 16, 3)).astype(np.float32), (256, 256))
    fine = cv2.GaussianBlur(rng.normal(0, 1, (256, 256, 1)).astype(np.float32), (0, 0), 1.2)
    picture *= 1 + 0.03 * blotch * [0.6, 1, 1] + 0.06 * fine[..., None]
    cloth = rng.uniform(20, 235, 3) * rng.uniform(0.3, 1) * np.ones((256, 58, 3))
    weave = 1 + 0.06 * np.sin(np.arange(256) * rng.uniform(0.5, 2.5))[:, None, None]
    picture[:, :58] = cloth * weave * (1 + 0.05 * rng.normal(0, 1, (256, 58, 1)))
    picture[:, 236:] = tone * 0.55 + np.array([235, 195, 185]) * 0.45
    return np.clip(picture, 0, 255).astype(np.uint8)
