"""One object from many sides, each time in another light, cut out and filling the picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.synthetic.geometry.mesh import Mesh
from training.synthetic.rendering.camera import Camera, around
from training.synthetic.rendering.lens import encode_srgb
from training.synthetic.rendering.light import Light, random_light
from training.synthetic.rendering.render import Renderer
from training.synthetic.rendering.scene import Item, Scene
from training.synthetic.rendering.stage import Stage

_FIELD_OF_VIEW = 30.0  # degrees, before fitting
_FILLED = 0.97  # share of the picture that the longer side of the object's box takes


def turn(renderer: Renderer, mesh: Mesh, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, S, S, 4) uint8: sRGB multiplied by alpha."""
    item = Item(mesh, np.eye(4), roughness=rng.uniform(0.25, 0.8), shine=rng.uniform(0.3, 1.2))
    views = []
    with Stage(renderer, Scene((item,), (), None, random_light(rng))) as stage:
        for _ in range(count):
            light = random_light(rng)
            stage.relight(light)
            pose = _tumbled(mesh, rng) if rng.uniform() < 0.25 else np.eye(4)
            shot = stage.shoot(_fitted(mesh, pose, rng), {0: pose})
            exposure = 0.75 / _white_card(light) * np.exp(rng.normal(0, 0.12))
            alpha = np.clip(shot.depth, 0, 1)[..., None]
            straight = shot.light / np.maximum(alpha, 1e-3) * exposure
            views.append(np.concatenate([encode_srgb(_shoulder(straight)) * alpha, alpha], 2))
    return (np.stack(views) * 255 + 0.5).astype(np.uint8)


def _fitted(mesh: Mesh, pose: np.ndarray, rng: np.random.Generator) -> Camera:
    """A camera somewhere around, zoomed and shifted so that the object just fits."""
    size = float(np.linalg.norm(mesh.extent))
    middle = (pose @ [0, 0, mesh.height / 2, 1])[:3]
    yaw, elevation = rng.uniform(0, 360), rng.uniform(-10, 75)
    camera = Camera(
        eye=around(middle, yaw, elevation, 2.5 * size),
        target=middle,
        field_of_view=_FIELD_OF_VIEW,
        roll=float(rng.normal(0, 8)),
    )
    points = camera.project(mesh.positions @ pose[:3, :3].T + pose[:3, 3]) * 2 - 1
    low, high = points.min(0), points.max(0)
    zoom = _FILLED * 2 / float((high - low).max())
    centre = zoom * (low + high) / 2
    narrow = 2 * np.degrees(np.arctan(np.tan(np.radians(_FIELD_OF_VIEW) / 2) / zoom))
    return replace(camera, field_of_view=float(narrow), shift=(-centre[0], centre[1]))


def _tumbled(mesh: Mesh, rng: np.random.Generator) -> np.ndarray:
    """(4, 4): any orientation, about the mesh's middle."""
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    rotation[:, 0] *= np.sign(np.linalg.det(rotation))
    pose = np.eye(4)
    pose[:3, :3] = rotation
    middle = np.array([0, 0, mesh.height / 2])
    pose[:3, 3] = middle - rotation @ middle
    return pose


def _white_card(light: Light) -> float:
    """What a white card, turned halfway to the key light, would send back."""
    card = 0.75 * light.sky + 0.25 * light.floor + 0.25 * light.window_colours.sum(0)
    return float((card + 0.5 * light.key_colour).mean())


def _shoulder(linear: np.ndarray) -> np.ndarray:
    over = np.maximum(linear - 0.7, 0) / 0.3
    return np.minimum(linear, 0.7) + 0.3 * over / (1 + over)
