"""Views of each object on transparent ground, for pasting over photographs.

The file is what `training.episodes.views` reads: a plain .npy, with a .json of the same name beside
it.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from zlib import crc32

import numpy as np

from model.saving import atomic_write
from training.episodes.views import Views
from training.synthetic.geometry.objects import MeshEntry, read_catalogue


def render_views(
    objects: Path, things: tuple[MeshEntry, ...], count: int = 32, side: int = 176, seed: int = 0,
    processes: int = 2,
) -> Views:  # fmt: skip
    """`things` of the folder or .zip `objects`, each from `count` sides."""
    rgba = np.zeros((len(things), count, side, side, 4), np.uint8)
    _render_into(rgba, objects, things, seed, processes)
    return _views(rgba, things)


def write_views(
    objects: Path, things: tuple[MeshEntry, ...], out: Path, count: int = 32, side: int = 176,
    seed: int = 0, processes: int = 2,
) -> Views:  # fmt: skip
    """`render_views` straight to the file `out` (.npy), whatever the memory."""
    out.parent.mkdir(parents=True, exist_ok=True)
    shape = (len(things), count, side, side, 4)
    out.with_suffix(".json").unlink(missing_ok=True)  # of a render before
    with atomic_write(out) as unfinished:
        rgba = np.lib.format.open_memmap(unfinished, "w+", np.uint8, shape)
        _render_into(rgba, objects, things, seed, processes)
        rgba.flush()
    views = _views(rgba, things)
    about = {"names": views.names, "labels": views.labels, "groups": views.groups}
    text = json.dumps({**about, "sizes": [round(float(x), 4) for x in views.sizes]})
    out.with_suffix(".json").write_text(text, encoding="utf-8")
    return views


def _views(rgba: np.ndarray, things: tuple[MeshEntry, ...]) -> Views:
    return Views(
        rgba,
        tuple(t.name for t in things),
        tuple(t.label for t in things),
        tuple(t.group for t in things),
        np.array([t.size_m for t in things], np.float32),
    )


def _render_into(
    rgba: np.ndarray, objects: Path, things: tuple[MeshEntry, ...], seed: int, processes: int
) -> None:
    """Objects are dealt out in turn; a view depends on nothing but the seed and its object."""
    count, side = rgba.shape[1:3]
    names = [thing.name for thing in things]
    if processes == 1:
        rgba[:] = _render_some(objects, names, count, side, seed)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        # A few objects a job: what comes back stays small.
        jobs = max(len(names) // 4, 1)
        results = [
            pool.submit(_render_some, objects, names[first::jobs], count, side, seed)
            for first in range(jobs)
        ]
        for first, result in enumerate(results):
            rgba[first::jobs] = result.result()


def _render_some(
    objects: Path, names: list[str], count: int, side: int, seed: int
) -> list[np.ndarray]:
    """Views (V, S, S, 4) of every named object, in a worker with its own OpenGL context."""
    from training.synthetic.filming.turntable import turn
    from training.synthetic.geometry.mesh import load_mesh
    from training.synthetic.rendering.render import Renderer

    renderer = Renderer(side, side)
    catalogue = {thing.name: thing for thing in read_catalogue(objects)}
    done = []
    for name in names:
        rng = np.random.default_rng([seed, crc32(name.encode())])
        mesh = renderer.prepared(load_mesh(catalogue[name]))
        done.append(turn(renderer, mesh, count, rng))
    renderer.release()
    return done
