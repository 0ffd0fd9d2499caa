"""Setting a scene: the thing on a table or in a hand, others around it, a wall or a room behind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np

from training.synthetic.filming.surfaces import Surface, varied
from training.synthetic.geometry.grip import find_grip
from training.synthetic.geometry.hand import hand
from training.synthetic.geometry.mesh import Mesh, laid_down
from training.synthetic.rendering.light import random_light
from training.synthetic.rendering.render import Renderer
from training.synthetic.rendering.scene import Backdrop, Item, Plane, Scene, placed, spread_out


@dataclass(frozen=True)
class Shooting:
    """What one clip shows."""

    thing: Mesh
    others: tuple[Mesh, ...]  # that lie around; none in a clean clip
    ground: Surface
    behind: Surface  # of kind "texture": a wall; else a room far away
    frames: int
    fps: float
    held: bool = False  # in a hand, if one can get hold of it
    recolour: float = 0.0  # how far the colours of ground and wall may move, 0-1
    near: tuple[float, float] = (0.2, 0.7)  # in clutter: the thing's diagonal in picture heights
    leaves: bool = False  # the thing is out of the picture for a while

    @property
    def clutter(self) -> bool:
        return len(self.others) > 0


def set_scene(plan: Shooting, renderer: Renderer, yaw: float, rng: np.random.Generator) -> Scene:
    """The thing is item 0, a hand that holds it item 1; the camera will stand around `yaw`."""
    to_world = placed(0, 0, yaw + 90)  # from the view's axes: x right, y away
    turned = placed(0, 0, rng.uniform(0, 360))
    items = [_item(plan.thing, to_world @ turned)]
    if plan.held:
        points = plan.thing.positions @ turned[:3, :3].T
        grip = find_grip(points, rng)
        if grip is not None:
            mesh = renderer.prepared(hand(grip, points, rng), directions=14)
            items = [replace(items[0], moves=True), Item(mesh, to_world, 0.55, 0.6, moves=True)]
    items += _others(plan, items[0].moves, rng)
    planes = [_table(plan, yaw, rng)]
    backdrop = None
    if plan.behind.kind == "texture":
        planes.append(_wall(plan, yaw, rng))
    else:
        backdrop = Backdrop(
            photo=plan.behind.picture(),
            azimuth=np.radians(yaw + 180 + rng.uniform(-60, 60)),
            elevation=rng.uniform(-0.15, 0.1),
            half_angles=(0.95, 0.71),
            brightness=rng.uniform(0.5, 1.0),
            blur=rng.uniform(0.5, 2.5),
        )
    return Scene(tuple(items), tuple(planes), backdrop, random_light(rng))


def _item(mesh: Mesh, pose: np.ndarray) -> Item:
    """A thing's shine is its own: the same in every clip, so it comes from its name."""
    own = np.random.default_rng(crc32(mesh.name.split("@")[0].encode()))
    return Item(mesh, pose, roughness=own.uniform(0.25, 0.8), shine=own.uniform(0.3, 1.2))


def _others(plan: Shooting, held: bool, rng: np.random.Generator) -> list[Item]:
    meshes = [laid_down(mesh, rng) if rng.uniform() < 0.3 else mesh for mesh in plan.others]
    own = 0.0 if held else plan.thing.radius  # a held thing leaves the table free
    crowd = sum(m.radius**2 for m in meshes) + own**2
    reach = max(np.sqrt(crowd / rng.uniform(0.3, 0.6)), own + 0.08)
    spots = spread_out(rng, [m.radius for m in meshes], reach, [(0.0, 0.0, own)], gap=0.006)
    return [
        _item(mesh, placed(*spot, rng.uniform(0, 360)))
        for mesh, spot in zip(meshes, spots, strict=True)
        if spot is not None
    ]


def _table(plan: Shooting, yaw: float, rng: np.random.Generator) -> Plane:
    """A rectangle roughly square to the camera, its far edge within view at low angles."""
    across, deep = rng.uniform(1.2, 2.4), rng.uniform(0.9, 1.6)
    turn = placed(0, 0, yaw + 90 + rng.normal(0, 14))[:3, :3]
    near = np.array([-across * rng.uniform(0.35, 0.65), -deep * rng.uniform(0.55, 0.7), 0])
    return Plane(
        picture=varied(plan.ground.picture(), rng, plan.recolour),
        corner=turn @ near,
        across=turn @ np.array([across, 0, 0]),
        up=turn @ np.array([0, deep, 0]),
        repeat_m=rng.uniform(0.4, 0.9),
        is_table=True,
        roughness=rng.uniform(0.35, 0.9),
        shine=rng.uniform(0.1, 0.8),
    )


def _wall(plan: Shooting, yaw: float, rng: np.random.Generator) -> Plane:
    """Behind the table as the camera sees it, three metres wide."""
    turn = placed(0, 0, yaw + 90 + rng.normal(0, 8))[:3, :3]
    away = rng.uniform(0.3, 0.6)
    return Plane(
        picture=varied(plan.behind.picture(), rng, plan.recolour),
        corner=turn @ np.array([-2.0, away, -0.5]),
        across=turn @ np.array([4.0, 0, 0]),
        up=np.array([0, 0, 2.0]),
        repeat_m=rng.uniform(0.6, 1.2),
        is_table=False,
        roughness=0.9,
        shine=0.1,
    )
