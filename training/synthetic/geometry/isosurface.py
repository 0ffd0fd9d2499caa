"""Triangles of a smooth body given by its signed distance on a grid (naive surface nets)."""

from __future__ import annotations

import numpy as np


def surface(distance: np.ndarray, origin: np.ndarray, cell: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) and triangles (F, 3) where `distance` (X, Y, Z) crosses 0, facing outwards.

    Each cell that the surface passes through gets one vertex, at the mean of the crossings on its
    twelve edges; each grid edge that crosses joins the vertices of the four cells around it.
    """
    inside = distance < 0
    corners = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), -1).reshape(-1, 3)
    nx, ny, nz = np.array(distance.shape) - 1
    at = [distance[x : x + nx, y : y + ny, z : z + nz] for x, y, z in corners]
    count = np.sum([a < 0 for a in at], axis=0)
    cells = np.argwhere((count > 0) & (count < 8))  # (V, 3)
    number = np.full((nx, ny, nz), -1)
    number[tuple(cells.T)] = np.arange(len(cells))

    values = np.stack([a[tuple(cells.T)] for a in at], 1)  # (V, 8)
    total, crossings = np.zeros((len(cells), 3)), np.zeros((len(cells), 1))
    for i, a in enumerate(corners):
        for j, b in enumerate(corners):
            if i < j and np.abs(a - b).sum() == 1:
                va, vb = values[:, i], values[:, j]
                crosses = (va < 0) != (vb < 0)
                t = np.where(crosses, va / np.where(crosses, va - vb, 1), 0)[:, None]
                total += np.where(crosses[:, None], a + t * (b - a), 0)
                crossings += crosses[:, None]
    vertices = origin + cell * (cells + total / np.maximum(crossings, 1))

    triangles = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        low = [slice(None)] * 3
        high = [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        first, second = inside[tuple(low)], inside[tuple(high)]
        edges = np.argwhere(first != second)
        edges = edges[(edges[:, u] > 0) & (edges[:, v] > 0)]
        edges = edges[(edges[:, u] < number.shape[u]) & (edges[:, v] < number.shape[v])]
        outward = first[tuple(edges.T)]  # inside comes first: the face looks along the axis
        step_u, step_v = np.eye(3, dtype=int)[u], np.eye(3, dtype=int)[v]
        ring = [edges - step_u - step_v, edges - step_v, edges, edges - step_u]
        a, b, c, d = (number[tuple(cell.T)] for cell in ring)
        b, d = np.where(outward, b, d), np.where(outward, d, b)
        triangles += [np.stack([a, b, c], 1), np.stack([a, c, d], 1)]
    return vertices, np.concatenate(triangles)
