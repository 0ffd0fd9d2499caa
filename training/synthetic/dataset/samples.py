"""The clips in assets/samples: a few things to teach at once, filmed alone and in clutter.

Only meshes and pictures whose licence allows it are used; README.md beside the clips names every
one. The clips are H.264 in mp4, which browsers play and OpenCV opens.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.errors import InputError
from training.synthetic.filming.clips import film
from training.synthetic.filming.setting import Shooting
from training.synthetic.filming.surfaces import Surface, read_surfaces
from training.synthetic.filming.video import write_video
from training.synthetic.geometry.mesh import Mesh, load_mesh
from training.synthetic.geometry.objects import MeshEntry, read_catalogue
from training.synthetic.rendering.render import Renderer

SIDE, FPS, SECONDS = 480, 24, 3.25

# What a person would call it -> the mesh. The last two are two boxes of one brand: near-duplicates.
TAUGHT = {
    "red mug": "ycb_mug",
    "mustard bottle": "ycb_mustard_bottle",
    "soup can": "ycb_tomato_soup_can",
    "rubiks cube": "ycb_rubiks_cube",
    "teddy bear": "sh3d_teddyBear",
    "strawberry gelatin": "ycb_gelatin_box",
    "chocolate pudding": "ycb_pudding_box",
}
BYSTANDERS = (
    "ycb_banana",
    "ycb_scissors",
    "ycb_spoon",
    "ycb_baseball",
    "ycb_large_marker",
    "ycb_windex_bottle",
    "ycb_sponge",
    "ycb_golf_ball",
    "ycb_adjustable_wrench",
    "ycb_potted_meat_can",
    "sh3d_iphone",
    "ycb_plum",
)


@dataclass(frozen=True)
class Made:
    """A clip and what it shows, for the list of origins."""

    file: Path
    meshes: tuple[str, ...]
    surfaces: tuple[Surface, Surface]


def write_samples(objects: Path, surfaces: Path, bottle: Path | None, out: Path, seed: int) -> None:
    """All clips that are missing, and their README; `bottle`: real clips of the water bottle."""
    catalogue = {thing.name: thing for thing in read_catalogue(objects)}
    things = {name: _shippable(catalogue, name) for name in (*TAUGHT.values(), *BYSTANDERS)}
    pictures = [s for s in read_surfaces(surfaces) if s.licence.startswith("CC0")]
    renderer = Renderer(SIDE, SIDE)
    meshes = {name: renderer.prepared(load_mesh(thing)) for name, thing in things.items()}
    made = []
    for number, (label, name) in enumerate(TAUGHT.items()):
        for kind, clip in (("clean", "a"), ("clean", "b"), ("clutter", "x")):
            rng = np.random.default_rng([seed, number, ord(clip)])
            plan, seen = _plan(name, kind, clip == "b", meshes, pictures, rng)
            file = out / label / kind / f"{clip}.mp4"
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                write_video(file, (f.picture for f in film(renderer, plan, rng)), FPS, crf=25)
            made.append(Made(file.relative_to(out), seen, (plan.ground, plan.behind)))
            print(file, f"{file.stat().st_size / 1e3:.0f} kB", flush=True)
    renderer.release()
    if bottle is not None:
        for file in sorted(bottle.glob("cl*/*.mp4")):
            target = out / "water bottle" / file.parent.name / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    (out / "README.md").write_text(_readme(made, things, seed), encoding="utf-8")


def _shippable(catalogue: dict[str, MeshEntry], name: str) -> MeshEntry:
    if name not in catalogue:
        raise InputError(f"The catalogue has no mesh {name!r}, which the samples show.")
    if not catalogue[name].shippable:
        raise InputError(f"{name} is under {catalogue[name].licence!r}: it must not be shipped.")
    return catalogue[name]


def _plan(
    name: str,
    kind: str,
    held: bool,
    meshes: dict[str, Mesh],
    pictures: list[Surface],
    rng: np.random.Generator,
) -> tuple[Shooting, tuple[str, ...]]:
    grounds = [s for s in pictures if s.kind == "texture"]
    others: tuple[str, ...] = ()
    if kind == "clutter":
        # Nothing else that is taught: one clip, one right answer.
        others = tuple(BYSTANDERS[i] for i in rng.permutation(len(BYSTANDERS))[:8])
    plan = Shooting(
        thing=meshes[name],
        others=tuple(meshes[other] for other in others),
        ground=grounds[int(rng.integers(len(grounds)))],
        behind=pictures[int(rng.integers(len(pictures)))],
        frames=int(FPS * SECONDS),
        fps=FPS,
        held=held,
        near=(0.5, 0.9),
    )
    return plan, (name, *others)


_HEAD = """# Sample clips

Things to teach at once: each has clips of it alone (`clean`) and among others (`clutter`).
"strawberry gelatin" and "chocolate pudding" are two boxes of one brand, alike on purpose.

**The water bottle is real**: cut from `bottle-detection.mp4` of
[intel-iot-devkit/sample-videos](https://github.com/intel-iot-devkit/sample-videos), CC BY 4.0;
changed: shortened, cropped, scaled, re-encoded.

**All others are rendered**: freely licensed scans and models, filmed by a simulated hand-held
camera on freely licensed materials, with the blur, noise and compression of a phone. Written by

    python -m training.synthetic samples --objects OBJECTS --surfaces SURFACES \\
        --out assets/samples --seed {seed}

`OBJECTS` is a folder or .zip of meshes with `manifest.csv`, `SURFACES` a folder of pictures with
`index.csv` (training/synthetic says what they hold); `--bottle DIR` copies the water bottle's clips
in. Clips that exist are kept: delete what shall be filmed again.
Changed in every mesh: simplified to 6,000
triangles, textures packed and scaled to 512 px, set upright. The clips themselves may be used under
CC BY 4.0, with the attributions below. Brand names on the packages belong to their owners.

## Meshes

| mesh | what | licence | from |
|---|---|---|---|
{meshes}

YCB: Calli et al., The YCB Object and Model Set, 2015 (ycbbenchmarks.com), CC BY 4.0.
Blend Swap models: CC0, as packaged by Debian's sweethome3d-furniture.

## Surfaces

| picture | licence | from |
|---|---|---|
{surfaces}

## Clips

| clip | ground; behind | meshes in it |
|---|---|---|
{clips}
"""


def _readme(made: list[Made], things: dict[str, MeshEntry], seed: int) -> str:
    shown = [things[name] for name in sorted({name for clip in made for name in clip.meshes})]
    used = {s.file: s for clip in made for s in clip.surfaces}
    rows = [
        f"| {clip.file} | {'; '.join(s.file for s in clip.surfaces)} | {', '.join(clip.meshes)} |"
        for clip in made
    ]
    return _HEAD.format(
        seed=seed,
        meshes="\n".join(f"| {t.name} | {t.label} | {t.licence} | {t.origin} |" for t in shown),
        surfaces="\n".join(f"| {f} | {s.licence} | {s.source} |" for f, s in sorted(used.items())),
        clips="\n".join(rows),
    )
