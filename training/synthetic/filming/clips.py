"""One clip of one thing: filmed alone (clean) or among others (clutter), frame by frame.

`film` sets the scene, moves the camera as a hand would and yields developed frames with the box of
what is visible of the thing. Everything random comes from the generator it is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from training.synthetic.filming.setting import Shooting, set_scene
from training.synthetic.rendering.camera import Camera, around, distance_for, glide, wander
from training.synthetic.rendering.lens import Lens, develop, expose
from training.synthetic.rendering.render import Renderer
from training.synthetic.rendering.scene import Scene
from training.synthetic.rendering.stage import Stage

Box = tuple[float, float, float, float]  # x, y, width, height as shares of the picture


@dataclass(frozen=True)
class Frame:
    picture: np.ndarray  # (H, W, 3) uint8 RGB
    box: Box | None  # around what is seen of the thing; None when nothing is
    seen: float  # share of the thing's outline within the picture that nothing hides
    cut: bool  # it reaches over the picture's edge
    blur: float  # px that the picture is smeared over, by motion or out of focus


@dataclass(frozen=True)
class _Take:
    """A scene and everything that moves in it, worked out before anything is drawn."""

    scene: Scene
    poses: list[dict[int, np.ndarray]]
    cameras: list[Camera]
    lens: Lens


def film(renderer: Renderer, plan: Shooting, rng: np.random.Generator) -> Iterator[Frame]:
    """The best of a few takes, as a person would film again what cannot be seen."""
    width, height = renderer.size
    take = _chosen(renderer, plan, rng)
    with Stage(renderer, take.scene) as stage:
        lens = expose(take.lens, stage.shoot(take.cameras[0], take.poses[0]).light)
        before: np.ndarray | None = None
        for camera, pose in zip(take.cameras, take.poses, strict=True):
            middle = pose.get(0, take.scene.items[0].pose) @ [0, 0, plan.thing.height / 2, 1]
            now = camera.project(middle[None, :3])[0] * [width, height]
            dx, dy = (0.0, 0.0) if before is None else (now - before) * plan.fps
            before = now
            shot = stage.shoot(camera, pose)
            focused = replace(lens, focus_m=float(np.linalg.norm(camera.eye - middle[:3])))
            picture = develop(focused, shot.light, shot.depth, (float(dx), float(dy)), rng)
            blur = float(np.hypot(dx, dy)) * lens.shutter + 2 * lens.blur * height
            yield _frame(picture, *_masks(stage, camera, pose), blur)


def _chosen(renderer: Renderer, plan: Shooting, rng: np.random.Generator) -> _Take:
    """The first take in which the thing is seen well often enough, else the best of five."""
    best: tuple[float, _Take] | None = None
    for number in range(5):
        # What the hand keeps hiding is put down.
        take = _take(renderer, replace(plan, held=plan.held and number < 3), rng)
        with Stage(renderer, take.scene) as stage:
            look = range(0, plan.frames, max(plan.frames // 5, 1))
            masks = [_masks(stage, take.cameras[t], take.poses[t]) for t in look]
        good = float(np.mean([_seen_well(plan, *pair) for pair in masks]))
        if best is None or good > best[0]:
            best = (good, take)
        if good >= (0.5 if plan.leaves else 0.8):
            break
    assert best is not None
    return best[1]


def _seen_well(plan: Shooting, visible: np.ndarray, outline: np.ndarray) -> bool:
    box = box_of(visible)
    if box is None or visible.sum() < 0.4 * outline.sum():
        return False
    side = max(box[2:])
    return 0.10 < side < 0.75 if plan.clutter else side > 0.35


def _take(renderer: Renderer, plan: Shooting, rng: np.random.Generator) -> _Take:
    yaw = rng.uniform(0, 360)
    scene = set_scene(plan, renderer, yaw, rng)
    lift = rng.uniform(0.07, 0.22) if scene.items[0].moves else 0.0
    width, height = renderer.size
    centre = np.array([0, 0, lift + plan.thing.height / 2])
    cameras = _walk(plan, yaw, centre, width / height, rng)
    return _Take(scene, _handled(plan, scene, lift, rng), cameras, _lens(rng))


def _masks(
    stage: Stage, camera: Camera, pose: dict[int, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) twice: where the thing is seen, and where it would be with nothing before it."""
    return stage.visible(camera, pose) == 1, stage.visible(camera, pose, only=0) == 1


def _frame(picture: np.ndarray, visible: np.ndarray, outline: np.ndarray, blur: float) -> Frame:
    edge = outline[0].any() or outline[-1].any() or outline[:, 0].any() or outline[:, -1].any()
    seen = float(visible.sum() / max(outline.sum(), 1))
    return Frame(picture, box_of(visible), seen, bool(edge), blur)


def box_of(mask: np.ndarray) -> Box | None:
    """The box around the true pixels of (H, W); None for fewer than 0.03 % of the picture."""
    if mask.sum() < 0.0003 * mask.size:
        return None
    h, w = mask.shape
    x, y = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    return (x[0] / w, y[0] / h, (x[-1] + 1 - x[0]) / w, (y[-1] + 1 - y[0]) / h)


def _walk(
    plan: Shooting, yaw: float, target: np.ndarray, aspect: float, rng: np.random.Generator
) -> list[Camera]:
    """The way of the camera: eased between a few stations, trembling in the hand."""
    times = np.arange(plan.frames) / plan.fps
    field_of_view = rng.uniform(42, 60)
    size = float(np.linalg.norm(plan.thing.extent))
    if plan.held:
        size = max(size, 0.10)  # so near that the arm still leaves the picture
    stations = int(rng.integers(2, 4))
    if plan.clutter:
        share = np.exp(rng.uniform(*np.log(plan.near))) * rng.uniform(0.8, 1.25, stations)
        low = 24 if plan.held else 14  # what lies below a held thing shall be seen
        elevation = np.clip(rng.uniform(low, 58) + rng.normal(0, 9, stations), low - 6, 70)
        sweep = rng.uniform(-30, 30, stations)
        off = rng.uniform(-0.55, 0.55, (stations, 2)) * [aspect, 1]
    else:
        share = np.clip(rng.uniform(0.75, 1.15) * rng.uniform(0.85, 1.15, stations), 0.6, 1.3)
        elevation = np.clip(rng.uniform(10, 50) + rng.normal(0, 10, stations), 5, 70)
        wide = 35 if plan.behind.kind == "texture" else 75
        sweep = rng.uniform(-wide, wide, stations)
        off = rng.normal(0, 0.10, (stations, 2))
    if plan.leaves:
        off[int(rng.integers(stations))] = _outside(aspect, rng)
    share, elevation, sweep, off = (
        glide(np.asarray(values), plan.frames) for values in (share, elevation, sweep, off)
    )
    off = off + wander(rng, times, 0.02, 2)
    roll = rng.normal(0, 5) + wander(rng, times, 1.2, 1)[:, 0]
    steps = wander(rng, times, 0.006)
    cameras = []
    for t in range(plan.frames):
        distance = max(distance_for(size, float(share[t]), field_of_view), 0.10)
        eye = around(target, yaw + sweep[t], elevation[t], distance) + steps[t] * distance * 2
        cameras.append(
            Camera(
                eye=eye,
                target=target,
                field_of_view=field_of_view,
                roll=float(roll[t]),
                aspect=aspect,
                shift=(float(off[t, 0]), float(off[t, 1])),
            )
        )
    return cameras


def _outside(aspect: float, rng: np.random.Generator) -> np.ndarray:
    """A shift (2,) that takes the middle of the thing well over one edge."""
    side = 1.0 if rng.uniform() < 0.5 else -1.0
    if rng.uniform() < 0.7:
        return np.array([side * aspect * rng.uniform(1.1, 1.5), rng.uniform(-0.4, 0.4)])
    return np.array([rng.uniform(-0.4, 0.4), side * rng.uniform(1.1, 1.5)])


def _handled(
    plan: Shooting, scene: Scene, lift: float, rng: np.random.Generator
) -> list[dict[int, np.ndarray]]:
    """Where hand and thing are in each frame; no poses when it stands on the table."""
    if not scene.items[0].moves:
        return [{} for _ in range(plan.frames)]
    times = np.arange(plan.frames) / plan.fps
    keys = int(rng.integers(2, 5))
    turns = glide(rng.normal(0, 1, (keys, 3)) * [14, 14, 30], plan.frames)  # degrees about x, y, z
    turns = turns + wander(rng, times, 2.0)
    steps = wander(rng, times, 0.006)
    centre = np.array([0, 0, plan.thing.height / 2])
    poses = []
    for turn, step in zip(turns, steps, strict=True):
        rotation = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
        move = np.eye(4)
        move[:3, :3] = rotation
        move[:3, 3] = centre - rotation @ centre + step + [0, 0, lift]
        poses.append({i: move @ scene.items[i].pose for i in (0, 1)})
    return poses


def _lens(rng: np.random.Generator) -> Lens:
    return Lens(
        exposure=float(np.exp(rng.normal(0, 0.12))),
        balance=(float(np.exp(rng.normal(0, 0.03))), 1.0, float(np.exp(rng.normal(0, 0.04)))),
        blur=float(rng.uniform(0, 0.002) + (rng.uniform() < 0.15) * rng.uniform(0.002, 0.006)),
        aperture=float(rng.uniform(0, 0.006) if rng.uniform() < 0.7 else 0.0),
        shutter=float(np.exp(rng.uniform(np.log(0.003), np.log(0.035)))),
        noise=float(np.exp(rng.normal(np.log(0.012), 0.6))),
        sharpen=float(rng.uniform(0, 0.6)),
        contrast=float(rng.uniform(0.95, 1.18)),
        saturation=float(rng.uniform(0.9, 1.15)),
        vignette=float(rng.uniform(0, 0.2)),
    )
