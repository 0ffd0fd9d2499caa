"""An OpenGL context (moderngl on EGL; Mesa's software renderer is enough) and what is baked on it.

`Renderer` owns the context, the programs and the picture buffers of one size; it uploads textures
and bakes how open each corner of a mesh is to light. Scenes are drawn by `stage.py`.
"""

from __future__ import annotations

from dataclasses import replace

import moderngl
import numpy as np

from model.errors import InputError
from training.synthetic.geometry.mesh import Mesh
from training.synthetic.rendering import shaders

_SRGB8 = 0x8C41  # GL_SRGB8: textures are stored as camera_augment, sampled as linear light
_BAKE_SIDE = 128  # px of the depth pictures that a mesh's openness is read from
# Each way. Multisampling would shade less, but a software renderer pays for it triangle by
# triangle: 0.11 s against 0.04 s for eight scans at 224 px.
SUPERSAMPLING = 2
LIGHTMAP_SIDE = 256  # px
SHADOW_SIDE = 1024  # px


class Renderer:
    def __init__(self, width: int, height: int) -> None:
        self.context = context = _context()
        self.size = (width, height)
        context.enable(moderngl.DEPTH_TEST)
        context.front_face = "cw"  # pictures are drawn with their rows downwards
        program = context.program
        self.lit = program(shaders.LIT_VERTEX, shaders.LIT_FRAGMENT)
        self.backdrop = program(shaders.BACKDROP_VERTEX, shaders.BACKDROP_FRAGMENT)
        self.depth = program(shaders.DEPTH_VERTEX, shaders.DEPTH_FRAGMENT)
        self.number = program(shaders.DEPTH_VERTEX, shaders.NUMBER_FRAGMENT)
        self.cast = program(shaders.CAST_VERTEX, shaders.NUMBER_FRAGMENT)
        fine = (SUPERSAMPLING * width, SUPERSAMPLING * height)
        self.picture = context.framebuffer(
            context.texture(fine, 4, dtype="f2"), context.depth_renderbuffer(fine)
        )
        self.numbers = context.framebuffer(
            context.texture(self.size, 1, alignment=1), context.depth_renderbuffer(self.size)
        )
        self.shadow = context.depth_texture((SHADOW_SIDE, SHADOW_SIDE))
        self.shadow.compare_func = "<="
        self.shadow.repeat_x = self.shadow.repeat_y = False
        self.shadow_frame = context.framebuffer(depth_attachment=self.shadow)
        self.bake_depth = context.depth_texture((_BAKE_SIDE, _BAKE_SIDE))
        self.bake_depth.compare_func = ""
        self.bake_frame = context.framebuffer(depth_attachment=self.bake_depth)
        self.cast_frame = context.framebuffer(
            context.texture((LIGHTMAP_SIDE, LIGHTMAP_SIDE), 1, alignment=1)
        )

    def release(self) -> None:
        self.context.release()

    def texture(self, image: np.ndarray, mirrored: bool = False) -> moderngl.Texture:
        """Upload an sRGB picture (h, w, 3); it repeats, or is mirrored, where it ends."""
        if mirrored:
            image = np.concatenate([image, image[:, ::-1]], 1)
            image = np.concatenate([image, image[::-1]], 0)
        h, w = image.shape[:2]
        data = np.ascontiguousarray(image).tobytes()
        texture = self.context.texture((w, h), 3, data, alignment=1, internal_format=_SRGB8)
        texture.build_mipmaps()
        texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        texture.anisotropy = 4.0 if mirrored else 1.0  # tables are seen at a low angle
        return texture

    def prepared(self, mesh: Mesh, directions: int = 28) -> Mesh:
        """The mesh with its openness baked: the share of the light from all sides that reaches
        each corner past the mesh itself."""
        centre = (mesh.positions.max(0) + mesh.positions.min(0)) / 2
        radius = float(np.linalg.norm(mesh.positions - centre, axis=1).max()) + 1e-6
        buffer = self.context.buffer(mesh.positions.tobytes())
        array = self.context.vertex_array(self.depth, [(buffer, "3f", "in_position")])
        write(self.depth, "model", np.eye(4))
        seen, total = np.zeros(len(mesh.positions)), np.full(len(mesh.positions), 1e-6)
        self.bake_frame.use()
        for d in _sphere(directions):
            view = orthographic(centre, d, radius)
            write(self.depth, "view_projection", view)
            self.bake_frame.clear(depth=1.0)
            array.render()
            depth = np.frombuffer(self.bake_depth.read(), np.float32).reshape(_BAKE_SIDE, -1)
            p = 0.5 + 0.5 * (mesh.positions @ view[:3, :3].T + view[:3, 3])
            x, y = np.clip((p[:, :2] * _BAKE_SIDE).astype(int), 0, _BAKE_SIDE - 1).T
            weight = np.maximum(mesh.normals @ d, 0)
            seen += weight * (p[:, 2] < depth[y, x] + 0.02)
            total += weight
        array.release()
        buffer.release()
        return replace(mesh, openness=(seen / total).astype(np.float32))


class Uploaded:
    """A mesh's corners and texture on the card, with one vertex array a program."""

    def __init__(self, renderer: Renderer, mesh: Mesh, mirrored: bool = False) -> None:
        openness = np.ones(len(mesh.uv)) if mesh.openness is None else mesh.openness
        corners = np.c_[mesh.positions, mesh.normals, mesh.uv, openness].astype(np.float32)
        context = renderer.context
        self.texture = renderer.texture(mesh.texture, mirrored)
        self.buffer = buffer = context.buffer(corners.tobytes())
        names = ("in_position", "in_normal", "in_uv", "in_open")
        self.lit = context.vertex_array(renderer.lit, [(buffer, "3f 3f 2f 1f", *names)])
        where = [(buffer, "3f 24x", "in_position")]
        self.depth = context.vertex_array(renderer.depth, where)
        self.number = context.vertex_array(renderer.number, where)
        self.cast = context.vertex_array(renderer.cast, where)

    def release(self) -> None:
        for part in (self.lit, self.depth, self.number, self.cast, self.texture, self.buffer):
            part.release()


def write(program: moderngl.Program, name: str, value: np.ndarray | float | int | bool) -> None:
    """Set a uniform; matrices are row-major here and transposed for OpenGL."""
    uniform = program.get(name, None)
    if not isinstance(uniform, moderngl.Uniform):
        return  # the compiler dropped what its program does not use
    if isinstance(value, np.ndarray) and value.shape == (4, 4):
        uniform.write(np.ascontiguousarray(value.T, np.float32).tobytes())
    elif isinstance(value, np.ndarray):
        uniform.write(np.ascontiguousarray(value, np.float32).tobytes())
    else:
        uniform.value = value


def orthographic(centre: np.ndarray, toward: np.ndarray, radius: float) -> np.ndarray:
    """(4, 4): the ball around `centre` seen from the direction `toward`, without perspective."""
    side = np.cross([0, 0, 1] if abs(toward[2]) < 0.9 else [1, 0, 0], toward)
    side = side / np.linalg.norm(side)
    axes = np.stack([side, np.cross(toward, side), -toward]) / radius
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    matrix[:3, 3] = -axes @ centre
    return matrix


def _sphere(count: int) -> np.ndarray:
    """(count, 3) directions spread evenly (Fibonacci lattice)."""
    i = np.arange(count) + 0.5
    z, angle = 1 - 2 * i / count, np.pi * (1 + 5**0.5) * i
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(angle), r * np.sin(angle), z], 1)


def _context() -> moderngl.Context:
    try:
        return moderngl.create_context(standalone=True, backend="egl")  # pyright: ignore[reportArgumentType]
    except Exception as error:  # moderngl and glcontext raise the plain class
        raise InputError(
            "OpenGL does not start; on Debian: apt-get install libegl1 libgl1-mesa-dri."
        ) from error
