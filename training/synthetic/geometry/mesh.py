"""A textured mesh ready for rendering: OBJ to triangles, standing upright, real size.

Reads the plain OBJ of the catalogue (`v`, `vt`, `f v/vt`, triangles). Normals are smoothed across
edges under 40 degrees only, so that boxes keep their edges and cans their curve. Texels no triangle
covers are filled from their neighbours: otherwise mip-maps drag the atlas's black into every seam.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.spatial import ConvexHull

from model.errors import InputError
from training.synthetic.geometry.objects import MeshEntry

_CREASE = np.cos(np.radians(40))
_Y_UP = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], np.float32)
_UPRIGHT = np.cos(np.radians(25))  # a facet this close to level is what the scan stood on


@dataclass(frozen=True)
class Mesh:
    """Triangle soup in metres, z up, standing on z = 0, centred over the origin."""

    name: str
    positions: np.ndarray  # (3F, 3) float32
    normals: np.ndarray  # (3F, 3) float32
    uv: np.ndarray  # (3F, 2) float32
    texture: np.ndarray  # (h, w, 3) uint8 sRGB
    openness: np.ndarray | None = None  # (3F,) light reaching each corner, baked by the renderer
    closed: bool = False  # no inside to be seen: its back faces need not be drawn

    @property
    def extent(self) -> np.ndarray:  # (3,) metres
        return self.positions.max(0) - self.positions.min(0)

    @property
    def height(self) -> float:
        return float(self.positions[:, 2].max())

    @property
    def radius(self) -> float:
        """Of the smallest circle around the origin that holds the footprint."""
        return float(np.linalg.norm(self.positions[:, :2], axis=1).max())


def load_mesh(thing: MeshEntry) -> Mesh:
    vertices, uv, faces, uv_faces = _parse(thing.read("model.obj").decode())
    stood = vertices @ _Y_UP
    if thing.up == "y" or (thing.up == "mixed" and _foot(stood) > 1.05 * _foot(vertices)):
        vertices = stood
    vertices = vertices @ _levelling(vertices).T
    vertices *= thing.size_m / np.ptp(vertices, axis=0).max()
    low, high = vertices.min(0), vertices.max(0)
    vertices -= [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]]
    data = np.frombuffer(thing.read("texture.jpg"), np.uint8)
    texture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if texture is None:
        raise InputError(f"{thing.name}/texture.jpg cannot be read as a picture.")
    texture = cv2.cvtColor(texture, cv2.COLOR_BGR2RGB)
    return Mesh(
        name=thing.name,
        positions=vertices[faces].reshape(-1, 3).astype(np.float32),
        normals=_corner_normals(vertices, faces),
        uv=uv[uv_faces].reshape(-1, 2).astype(np.float32),
        texture=_fill_uncovered(texture, uv[uv_faces]),
        closed=_is_closed(vertices, faces),
    )


def laid_down(mesh: Mesh, rng: np.random.Generator) -> Mesh:
    """The thing as it lies after falling over; what has no lower way to lie stays as it stands."""
    s = 1.0 if rng.uniform() < 0.5 else -1.0
    tipped = np.array([[1, 0, 0], [0, 0, -s], [0, s, 0]])
    if rng.uniform() < 0.5:
        tipped = np.array([[0, 0, s], [0, 1, 0], [-s, 0, 0]])
    fallen = mesh.positions @ tipped.T
    lying = _turned(mesh, _levelling(fallen) @ tipped)
    return lying if lying.height < 0.75 * lying.extent[:2].max() else mesh


def _turned(mesh: Mesh, rotation: np.ndarray) -> Mesh:
    """The mesh turned by `rotation` (3, 3) and set down on z = 0 again."""
    positions = mesh.positions @ rotation.T
    low, high = positions.min(0), positions.max(0)
    positions -= [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]]
    normals = mesh.normals @ rotation.T
    return replace(mesh, positions=positions.astype(np.float32), normals=normals.astype(np.float32))


def recoloured(mesh: Mesh, degrees: float, paint: float, rng: np.random.Generator) -> Mesh:
    """The same thing in another colour: hue turned by `degrees`, greys painted by share `paint`."""
    hsv = cv2.cvtColor(mesh.texture.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + degrees) % 360
    turned = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    colour = np.array(
        colorsys.hsv_to_rgb(degrees % 360 / 360, rng.uniform(0.5, 0.9), 1), np.float32
    )
    grey = 1 - hsv[..., 1:2]
    painted = turned * (1 - paint * grey) + paint * grey * turned.mean(2, keepdims=True) * colour
    texture = (np.clip(painted, 0, 1) * 255 + 0.5).astype(np.uint8)
    return replace(mesh, name=f"{mesh.name}@{degrees:.0f}", texture=texture)


def _parse(text: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(V, 3), (T, 2), faces (F, 3) into each; texture coordinates with v down, as images are."""
    lines = text.splitlines()
    vertices = np.array([x[2:].split() for x in lines if x.startswith("v ")], np.float32)
    uv = np.array([x[3:].split()[:2] for x in lines if x.startswith("vt ")], np.float32)
    uv[:, 1] = 1 - uv[:, 1]
    corners = " ".join(x[2:] for x in lines if x.startswith("f ")).replace("/", " ").split()
    faces = np.array(corners, np.int64).reshape(-1, 3, 2) - 1
    return vertices, uv, faces[..., 0], faces[..., 1]


def _foot(vertices: np.ndarray) -> float:
    """How much of the hull faces straight down: what it would stand on."""
    hull = ConvexHull(vertices)
    a, b, c = (vertices[hull.simplices[:, i]] for i in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return float(areas[hull.equations[:, 2] < -0.99].sum())


def _levelling(vertices: np.ndarray) -> np.ndarray:
    """Rotation (3, 3) that sets the mesh flat on the hull facet it nearly stands on already."""
    hull = ConvexHull(vertices)
    normals = hull.equations[:, :3]
    triangles = vertices[hull.simplices]
    areas = np.linalg.norm(
        np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]), axis=1
    )
    support = areas * (-normals[:, 2] > _UPRIGHT)
    if support.sum() < 0.02 * areas.sum():
        return np.eye(3)  # round below: leave it as it is
    # The facet with the largest area of hull around its own direction.
    near = (normals @ normals.T > np.cos(np.radians(3))) @ areas
    down = normals[np.argmax(near * (support > 0))]
    axis = np.cross(down, [0, 0, -1])
    rotation, _ = cv2.Rodrigues(axis / max(np.linalg.norm(axis), 1e-9) * np.arccos(-down[2]))
    return rotation


def _is_closed(vertices: np.ndarray, faces: np.ndarray) -> bool:
    """Whether under 0.5 % of the edges have one side only, and the triangles face outwards."""
    _, where = np.unique(vertices.round(5), axis=0, return_inverse=True)
    corners = where.ravel()[faces]
    edges = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]), 1)
    _, uses = np.unique(edges[:, 0] * len(vertices) + edges[:, 1], return_counts=True)
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    volume = (np.cross(a, b) * c).sum()
    return bool((uses == 1).mean() < 0.005 and volume > 0)


def _corner_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(3F, 3): at each corner, the area-weighted mean of the faces around it within the crease."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    weighted = np.cross(b - a, c - a)  # (F, 3), length = 2 x area
    unit = weighted / np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-12)
    # Scans split vertices at texture seams: corners meet where their positions do.
    _, where = np.unique(vertices.round(5), axis=0, return_inverse=True)
    order = np.argsort(where.ravel()[faces].ravel(), kind="stable")  # corners, grouped by position
    vertex = where.ravel()[faces].ravel()[order]
    starts = np.searchsorted(vertex, vertex, "left")
    ends = np.searchsorted(vertex, vertex, "right")
    normals = np.zeros((faces.size, 3))
    for step in range(min(int((ends - starts).max()), 32)):
        other = starts + step
        valid = other < ends
        face, near = order[valid] // 3, order[other[valid]] // 3
        same = ((unit[face] * unit[near]).sum(1) > _CREASE)[:, None]
        normals[order[valid]] += weighted[near] * same
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 1e-12, normals / np.maximum(length, 1e-12), [0, 0, 1]).astype("f4")


def _fill_uncovered(texture: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Texels outside every UV triangle (F, 3, 2) take the mean of their covered neighbourhood."""
    h, w = texture.shape[:2]
    covered = np.zeros((h, w), np.uint8)
    points = np.round(triangles * [w, h] * 16 - 8).astype(np.int32)
    for triangle in points:
        cv2.fillConvexPoly(covered, triangle, 1, shift=4)
    weight = covered.astype(np.float32)[..., None]
    colour = texture.astype(np.float32) * weight
    levels = [(colour, weight)]
    while min(levels[-1][0].shape[:2]) > 1:
        c, m = levels[-1]
        size = (max(c.shape[1] // 2, 1), max(c.shape[0] // 2, 1))
        c, m = (cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (c, m))
        levels.append((c, m[..., None]))
    filled = levels[-1][0] / np.maximum(levels[-1][1], 1e-6)
    for c, m in reversed(levels[:-1]):
        up = cv2.resize(filled, c.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        filled = c + (1 - np.minimum(m, 1)) * up.reshape(c.shape)
        filled = filled / np.maximum(m + (1 - np.minimum(m, 1)), 1e-6)
    return np.clip(filled + 0.5, 0, 255).astype(np.uint8)
