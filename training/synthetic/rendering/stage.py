"""A scene on the renderer: its meshes and textures uploaded, its soft shadows baked, pictures shot.

`shoot` gives linear light with depth, `visible` which item shows where. Tone, blur and noise are
the lens's work, not this file's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType

import cv2
import moderngl
import numpy as np

from training.synthetic.rendering.camera import Camera
from training.synthetic.rendering.light import Light, key_directions, sky_directions
from training.synthetic.rendering.render import (
    LIGHTMAP_SIDE,
    SHADOW_SIDE,
    Renderer,
    Uploaded,
    orthographic,
    write,
)
from training.synthetic.rendering.scene import Item, Scene

_FLIP = np.diag([1.0, -1.0, 1.0, 1.0])  # OpenGL's rows run upwards, a picture's downwards

Poses = Mapping[int, np.ndarray]  # item number -> (4, 4), instead of where the scene put it


@dataclass(frozen=True)
class Shot:
    light: np.ndarray  # (H, W, 3) float32, linear; without ground: premultiplied
    depth: np.ndarray  # (H, W) float32 metres; without ground: the share covered


class Stage:
    """Use it in a `with` block, one at a time a renderer: what it uploaded goes at the end."""

    def __init__(self, renderer: Renderer, scene: Scene) -> None:
        self.renderer, self.scene = renderer, scene
        self._meshes = [Uploaded(renderer, item.mesh) for item in scene.items]
        self._planes = [Uploaded(renderer, p.mesh(), mirrored=True) for p in scene.planes]
        photo = np.zeros((1, 1, 3), np.uint8) if scene.backdrop is None else scene.backdrop.photo
        self._photo = renderer.texture(photo, mirrored=True)
        corners = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float32)
        self._corners = renderer.context.buffer(corners.tobytes())
        parts = [(self._corners, "2f", "in_corner")]
        self._curtain = renderer.context.vertex_array(renderer.backdrop, parts)
        self._area = _area(scene.items)
        self._lightmap: moderngl.Texture | None = None  # baked for the first picture
        self.relight(scene.light)

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        owned = (*self._meshes, *self._planes, self._photo, self._curtain, self._corners)
        for thing in owned:
            thing.release()
        if self._lightmap is not None:
            self._lightmap.release()

    def relight(self, light: Light) -> None:
        """Another light; what was baked on a table stays, so this is for scenes without one."""
        self._light, self._shadow_cast = light, False
        _write_light(self.renderer.lit, light)

    def shoot(self, camera: Camera, poses: Poses | None = None) -> Shot:
        """One picture of the scene; nothing but its items where it has no planes or backdrop."""
        r, poses = self.renderer, poses or {}
        if self._lightmap is None:
            self._lightmap = self._bake_lightmap()
        if poses or not self._shadow_cast:
            self._cast_key_shadow(poses)
            self._shadow_cast = True  # once is enough while nothing moves
        r.picture.use()
        r.picture.clear(0, 0, 0, 0, depth=1.0)
        matrix = _FLIP @ camera.matrix()
        lit = r.lit
        write(lit, "view_projection", matrix)
        write(lit, "eye", camera.eye)
        write(lit, "depth_in_alpha", bool(self.scene.planes))
        write(lit, "lightmap", 1)
        self._lightmap.use(1)
        write(lit, "kind", 0)
        for i, (item, mesh) in enumerate(zip(self.scene.items, self._meshes, strict=True)):
            write(lit, "model", poses.get(i, item.pose))
            write(lit, "roughness", item.roughness)
            write(lit, "shine", item.shine)
            mesh.texture.use(0)
            if item.mesh.closed:
                r.context.enable(moderngl.CULL_FACE)
            mesh.lit.render()
            r.context.disable(moderngl.CULL_FACE)
        self._draw_planes()  # behind the items: what they hide is not shaded
        if self.scene.backdrop is not None:
            self._hang_curtain(camera)
        raw = np.frombuffer(r.picture.read(components=4, dtype="f2"), np.float16)
        fine = raw.reshape(*r.picture.size[::-1], 4).astype(np.float32)
        picture = cv2.resize(fine, r.size, interpolation=cv2.INTER_AREA)
        return Shot(picture[..., :3], picture[..., 3])

    def visible(
        self, camera: Camera, poses: Poses | None = None, only: int | None = None
    ) -> np.ndarray:
        """(H, W) uint8: 1 + the number of the item seen there, 0 where there is none.

        only: as if that item stood alone.
        """
        r, poses = self.renderer, poses or {}
        r.numbers.use()
        r.numbers.clear(depth=1.0)
        write(r.number, "view_projection", _FLIP @ camera.matrix())
        for i, (item, mesh) in enumerate(zip(self.scene.items, self._meshes, strict=True)):
            if only not in (None, i):
                continue
            write(r.number, "model", poses.get(i, item.pose))
            write(r.number, "number", float(i + 1))
            mesh.number.render()
        raw = np.frombuffer(r.numbers.read(components=1, alignment=1), np.uint8)
        return raw.reshape(r.size[1], r.size[0])

    def _draw_planes(self) -> None:
        lit = self.renderer.lit
        write(lit, "model", np.eye(4))
        write(lit, "lightmap_area", self._area)
        write(lit, "moving", float(any(item.moves for item in self.scene.items)))
        for plane, mesh in zip(self.scene.planes, self._planes, strict=True):
            write(lit, "kind", 1 if plane.is_table else 2)
            write(lit, "roughness", plane.roughness)
            write(lit, "shine", plane.shine)
            mesh.texture.use(0)
            mesh.lit.render()

    def _hang_curtain(self, camera: Camera) -> None:
        backdrop, program = self.scene.backdrop, self.renderer.backdrop
        assert backdrop is not None
        turn = np.eye(4)
        turn[:3, :3] = camera.rotation()
        write(program, "to_world", np.linalg.inv(_FLIP @ camera.projection() @ turn))
        window = [backdrop.azimuth, backdrop.elevation, *backdrop.half_angles]
        write(program, "window", np.array(window))
        write(program, "brightness", backdrop.brightness)
        write(program, "blur", backdrop.blur)
        self._photo.use(0)
        self._curtain.render(moderngl.TRIANGLE_STRIP)

    def _cast_key_shadow(self, poses: Poses) -> None:
        """The depth of the items as the key light sees them, for shadows of one on another."""
        r, items = self.renderer, self.scene.items
        centre, radius = _ball(items, poses)
        matrix = orthographic(centre, self._light.key_direction, radius)
        r.shadow_frame.use()
        r.shadow_frame.clear(depth=1.0)
        write(r.depth, "view_projection", matrix)
        for i, (item, mesh) in enumerate(zip(items, self._meshes, strict=True)):
            write(r.depth, "model", poses.get(i, item.pose))
            mesh.depth.render()
        to_unit = np.diag([0.5, 0.5, 0.5, 1.0])
        to_unit[:3, 3] = 0.5
        write(r.lit, "shadow_matrix", to_unit @ matrix)
        softness = 0.02 + 0.05 * self._light.key_radius  # metres of penumbra near by
        write(r.lit, "spread", max(0.1 * softness / radius, 2 / SHADOW_SIDE))
        write(r.lit, "shadow", 2)
        r.shadow.use(2)

    def _bake_lightmap(self) -> moderngl.Texture:
        """How much of the key light (red) and of the sky (green) reaches the table."""
        light, scene = self.scene.light, self.scene
        still = [
            (item, mesh)
            for item, mesh in zip(scene.items, self._meshes, strict=True)
            if not item.moves
        ]
        bare = not scene.planes or not still
        side = LIGHTMAP_SIDE
        sky = np.ones((side, side), np.float32)
        key = sky
        if not bare:
            sky = np.mean([self._shadow_on_table(still, d) for d in sky_directions()], axis=0)
            key = np.mean(
                [self._shadow_on_table(still, d) for d in key_directions(light)],
                axis=0,
                dtype=np.float32,
            )
            sky = cv2.GaussianBlur(np.asarray(sky), (0, 0), 2.5)
            key = cv2.GaussianBlur(np.asarray(key), (0, 0), 1.5)
            edge = np.minimum.outer(*[np.minimum(np.arange(side), np.arange(side)[::-1])] * 2)
            fade = np.clip(edge / 20, 0, 1)  # no seam where the baked square ends
            sky, key = 1 - (1 - sky) * fade, 1 - (1 - key) * fade
        data = np.stack([key, sky], 2).astype(np.float16)
        texture = self.renderer.context.texture((side, side), 2, data.tobytes(), dtype="f2")
        texture.repeat_x = texture.repeat_y = False
        return texture

    def _shadow_on_table(
        self, still: list[tuple[Item, Uploaded]], toward_light: np.ndarray
    ) -> np.ndarray:
        """(L, L) float32: 1 where light from this direction reaches the table, 0 in shadow."""
        r = self.renderer
        r.cast_frame.use()
        r.cast_frame.clear()
        write(r.cast, "area", self._area)
        write(r.cast, "number", 255.0)
        write(r.cast, "toward_light", toward_light)
        for item, mesh in still:
            write(r.cast, "model", item.pose)
            mesh.cast.render()
        raw = np.frombuffer(r.cast_frame.read(components=1, alignment=1), np.uint8)
        return 1 - raw.reshape(LIGHTMAP_SIDE, -1).astype(np.float32) / 255


def _write_light(program: moderngl.Program, light: Light) -> None:
    write(program, "key_direction", light.key_direction)
    write(program, "key_colour", light.key_colour)
    write(program, "sky", light.sky)
    write(program, "floor_light", light.floor)
    write(program, "window_direction", light.window_directions)
    write(program, "window_colour", light.window_colours)
    write(program, "albedo", 0)


def _ball(items: tuple[Item, ...], poses: Poses) -> tuple[np.ndarray, float]:
    """Centre (3,) and radius of a ball around all items."""
    points = []
    for i, item in enumerate(items):
        low, high = item.mesh.positions.min(0), item.mesh.positions.max(0)
        corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
        pose = poses.get(i, item.pose)
        points.append((low + corners * (high - low)) @ pose[:3, :3].T + pose[:3, 3])
    cloud = np.concatenate(points)
    centre = (cloud.min(0) + cloud.max(0)) / 2
    return centre, float(np.linalg.norm(cloud - centre, axis=1).max()) + 0.01


def _area(items: tuple[Item, ...]) -> np.ndarray:
    """Centre x, y, half side and its inverse of the square of table whose light is baked."""
    centre, radius = _ball(items, {})
    half = radius + 0.15
    return np.array([centre[0], centre[1], half, 1 / half])
