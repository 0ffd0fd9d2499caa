"""Views of each object on transparent ground, for pasting over photographs.

Rendering needs moderngl; `load_views` needs numpy alone. The file is a plain .npy that is mapped
into memory, with a .json of the same name beside it.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from zlib import crc32

import numpy as np

from model.errors import InputError
from model.saving import atomic_write
from training.synthetic.geometry.objects import Thing, read_catalogue


@dataclass(frozen=True)
class Views:
    """K objects seen from V sides.

    rgba: (K, V, S, S, 4) uint8, sRGB values already multiplied by alpha: paste with
    rgba[..., :3] + (1 - rgba[..., 3:] / 255) * background; area-averaging it is right as it stands.
    """

    rgba: np.ndarray
    names: tuple[str, ...]
    labels: tuple[str, ...]
    groups: tuple[str, ...]  # equal: the same thing to the eye
    sizes: np.ndarray  # (K,) float32, longest side in metres


def load_views(path: Path) -> Views:
    """Views written by `write_views`, mapped into memory."""
    listing = path.with_suffix(".json")
    if not path.is_file() or not listing.is_file():
        raise InputError(f"There are no views at {path}; write them with training.synthetic views.")
    try:
        about = json.loads(listing.read_text(encoding="utf-8"))
        rgba = np.load(path, mmap_mode="r")
        names, labels, groups = (tuple(about[key]) for key in ("names", "labels", "groups"))
        views = Views(rgba, names, labels, groups, np.array(about["sizes"], np.float32))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"The views at {path} are damaged; render them again.") from error
    if rgba.ndim != 5 or rgba.shape[4] != 4 or rgba.dtype != np.uint8:
        raise InputError(f"{path} holds no views, (K, V, S, S, 4) uint8; render them again.")
    if {len(names), len(labels), len(groups), len(views.sizes)} != {len(rgba)}:
        raise InputError(f"{listing} is not about {path}; render the views again.")
    return views


def render_views(
    objects: Path, things: tuple[Thing, ...], count: int = 32, side: int = 176, seed: int = 0,
    processes: int = 2,
) -> Views:  # fmt: skip
    """`things` of the folder or .zip `objects`, each from `count` sides."""
    rgba = np.zeros((len(things), count, side, side, 4), np.uint8)
    _render_into(rgba, objects, things, seed, processes)
    return _views(rgba, things)


def write_views(
    objects: Path, things: tuple[Thing, ...], out: Path, count: int = 32, side: int = 176,
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


def _views(rgba: np.ndarray, things: tuple[Thing, ...]) -> Views:
    return Views(
        rgba,
        tuple(t.name for t in things),
        tuple(t.label for t in things),
        tuple(t.group for t in things),
        np.array([t.size_m for t in things], np.float32),
    )


def _render_into(
    rgba: np.ndarray, objects: Path, things: tuple[Thing, ...], seed: int, processes: int
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
    from training.synthetic.geometry.mesh import load_mesh
    from training.synthetic.rendering.render import Renderer
    from training.synthetic.filming.turntable import turn

    renderer = Renderer(side, side)
    catalogue = {thing.name: thing for thing in read_catalogue(objects)}
    done = []
    for name in names:
        rng = np.random.default_rng([seed, crc32(name.encode())])
        mesh = renderer.prepared(load_mesh(catalogue[name]))
        done.append(turn(renderer, mesh, count, rng))
    renderer.release()
    return done
