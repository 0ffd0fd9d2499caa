"""The data set in ORBIT's layout: frames and annotations of every planned video.

ROOT/<split>/<user>/<object>/{clean,clutter}/<video>/<video>-00001.jpg and
ROOT/annotations/<split>/<video>.json, the names and keys of the ORBIT benchmark. A video is
complete once its folder stands: a broken-off run goes on where it was.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from zlib import crc32

import cv2
import numpy as np

from training.episodes.orbit import ANNOTATED_SIDE
from training.episodes.plan import Plan, keep_plan
from training.synthetic.dataset.users import Owned, Video, deal, deal_surfaces, plan
from training.synthetic.filming.clips import Frame, film
from training.synthetic.filming.setting import Shooting
from training.synthetic.filming.surfaces import Surface, read_surfaces
from training.synthetic.filming.video import recompressed
from training.synthetic.geometry.mesh import Mesh, load_mesh, recoloured
from training.synthetic.geometry.objects import MeshEntry, read_catalogue
from training.synthetic.rendering.render import Renderer

SIDE = 224
_FPS = 8.0


@dataclass(frozen=True)
class DataSet:
    objects: Path
    surfaces: Path
    out: Path
    users: dict[str, int]  # by split
    splits: tuple[str, ...]  # those to render
    clean: int = 4  # videos an object
    clutter: int = 2
    frames: int = 24  # a video
    seed: int = 0


def write_orbit(data: DataSet, processes: int, report: Callable[[int, int, str], None]) -> None:
    """Render what is missing under `data.out`; report(done, total, video) after each video."""
    things, surfaces = read_catalogue(data.objects), read_surfaces(data.surfaces)
    keep_plan(data.out, _dealt(data, things, surfaces))
    videos = plan(things, surfaces, data.users, data.clean, data.clutter, data.seed)
    videos = [v for v in videos if v.split in data.splits]
    missing = [v for v in videos if not _folder(data, v).is_dir()]
    done = len(videos) - len(missing)
    if processes == 1:
        for video in missing:
            _render(data, video)
            done += 1
            report(done, len(videos), video.name)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        jobs = {pool.submit(_render, data, video): video for video in missing}
        for job in as_completed(jobs):
            job.result()
            done += 1
            report(done, len(videos), jobs[job].name)


def _dealt(data: DataSet, things: tuple[MeshEntry, ...], surfaces: tuple[Surface, ...]) -> Plan:
    """What the data set at `data.out` consists of, whichever splits are rendered now."""
    rooms = deal_surfaces(surfaces, data.users, data.seed)
    return Plan(
        {"users": data.users, "clean": data.clean, "clutter": data.clutter,
         "frames": data.frames, "seed": data.seed},
        {k: [t.name for t in v] for k, v in deal(things, data.users, data.seed).items()},
        {split: part["behind"] for split, part in rooms.items()},
    )  # fmt: skip


def _folder(data: DataSet, video: Video) -> Path:
    return data.out / video.split / video.user / video.thing.label / video.kind / video.name


def _render(data: DataSet, video: Video) -> None:
    """One video, from nothing but the seed and its name."""
    rng = np.random.default_rng([data.seed, crc32(video.name.encode())])
    surfaces = {s.file: s for s in read_surfaces(data.surfaces)}
    shooting = Shooting(
        thing=_mesh(data.objects, video.thing),
        others=tuple(_mesh(data.objects, other) for other in video.others),
        ground=surfaces[video.ground],
        behind=surfaces[video.behind],
        frames=data.frames,
        fps=_FPS,
        held=video.held,
        recolour=0.3,
        leaves=video.leaves,
    )
    frames = list(film(_renderer(), shooting, rng))
    pictures = [frame.picture for frame in frames]
    if rng.uniform() < 0.5:
        pictures = recompressed(pictures, _FPS, int(rng.integers(22, 38)))
    quality = int(rng.integers(60, 96))
    folder = _folder(data, video)
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    notes = {}
    for number, (frame, picture) in enumerate(zip(frames, pictures, strict=True), 1):
        name = f"{video.name}-{number:05d}.jpg"
        bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        _, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        (part / name).write_bytes(jpeg.tobytes())
        notes[name] = annotation(frame, video.kind)
    listing = data.out / "annotations" / video.split / f"{video.name}.json"
    listing.parent.mkdir(parents=True, exist_ok=True)
    listing.write_text(json.dumps(notes, indent=1), encoding="utf-8")
    part.rename(folder)


def annotation(frame: Frame, kind: str) -> dict[str, object]:
    """ORBIT's note on one frame: a box in clutter, quality flags in clean videos."""
    absent = frame.box is None
    if kind == "clutter":
        box = None
        if frame.box is not None:
            x, y, w, h = (round(v * ANNOTATED_SIDE) for v in frame.box)
            box = {"x": x, "y": y, "w": w, "h": h}
        return {"object_bounding_box": box, "object_not_present_issue": absent}
    tone = _tone_in_box(frame)
    flags = {
        "framing_issue": frame.cut,
        "viewpoint_issue": False,
        "blur_issue": frame.blur > 0.025 * frame.picture.shape[0],
        "occlusion_issue": frame.seen < 0.65,
        "overexposed_issue": tone > 240,
        "underexposed_issue": tone < 20,
    }
    return {
        "object_not_present_issue": absent,
        **{k: None if absent else v for k, v in flags.items()},
    }


def _tone_in_box(frame: Frame) -> float:
    """Mean grey level around the thing."""
    if frame.box is None:
        return 128.0
    h, w = frame.picture.shape[:2]
    x, y, bw, bh = frame.box
    part = frame.picture[round(y * h) : round((y + bh) * h), round(x * w) : round((x + bw) * w)]
    return float(part.mean())


@lru_cache(maxsize=1)
def _renderer() -> Renderer:
    """The process's own OpenGL context."""
    os.environ.setdefault("LP_NUM_THREADS", "1")  # Mesa: the processes are the parallelism
    return Renderer(SIDE, SIDE)


@lru_cache(maxsize=160)
def _scan(objects: Path, name: str) -> Mesh:
    thing = next(t for t in read_catalogue(objects) if t.name == name)
    return _renderer().prepared(load_mesh(thing))


def _mesh(objects: Path, owned: Owned) -> Mesh:
    mesh = _scan(objects, owned.mesh)
    if owned.hue is None:
        return mesh
    rng = np.random.default_rng(crc32(owned.mesh.encode()))
    return recoloured(mesh, owned.hue, owned.paint, rng)
