"""Hundreds of shapes for little: Sweet Home 3D's furniture libraries (.sh3f) as a catalogue.

Debian's sweethome3d-furniture holds five of them, CC0 and CC BY. What a camera can be taught to
tell apart does not hang on real size: each piece becomes a thing of 20 cm, as a toy would be.
"""

from __future__ import annotations

import configparser
import csv
import re
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image
from trimesh.visual import ColorVisuals, TextureVisuals
from trimesh.visual.material import SimpleMaterial

from model.errors import InputError

CATALOGUE = "PluginFurnitureCatalog.properties"
COLUMNS = ("name", "label", "confusable_group", "set", "licence", "repo", "path",
           "original_extent", "up_axis")  # fmt: skip
FACES = (20, 40_000)  # flat signs and models that take minutes are left out
THINNEST = 0.12  # middle side over longest: rods and rugs hardly show in a frame
TEXELS = 1024


@dataclass(frozen=True)
class Piece:
    """One model of a library."""

    name: str
    label: str
    licence: str
    path: str  # inside the library


def write_furniture(libraries: list[Path], out: Path) -> int:
    """Write the libraries' pieces as a catalogue (`training.synthetic.objects`); how many they are.

    Doors and windows are left out, and what is too thin or has too few or too many faces.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for library in libraries:
        with tempfile.TemporaryDirectory() as folder:
            for piece in _unpacked(library, Path(folder)):
                if _write_piece(Path(folder) / piece.path, out / piece.name):
                    rows.append((piece.name, piece.label, piece.name, "sh3f", piece.licence,
                                 library.name, piece.path, "0.2 0.2 0.2", "y"))  # fmt: skip
    if not rows:
        raise InputError("None of these libraries holds a piece of furniture that can be used.")
    with (out / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return len(rows)


def _unpacked(library: Path, folder: Path) -> Iterator[Piece]:
    """Unpack a library, and name its pieces."""
    parser = configparser.ConfigParser(
        delimiters="=", comment_prefixes="#", interpolation=None, strict=False
    )
    try:
        with zipfile.ZipFile(library) as archive:
            archive.extractall(folder)
        parser.read_string("[all]\n" + (folder / CATALOGUE).read_text(encoding="latin-1"))
    except (OSError, zipfile.BadZipFile, configparser.Error) as error:
        raise InputError(f"{library} is no furniture library of Sweet Home 3D.") from error
    values = parser["all"]
    for key in values:
        if match := re.fullmatch(r"model#(\d+)", key):
            number = match[1]
            if values.get(f"doororwindow#{number}") != "true":
                yield Piece(
                    f"{library.stem}-{number}".lower(),
                    values.get(f"name#{number}", "").lower(),
                    values.get("license", "see the library"),
                    values[key].lstrip("/"),
                )


def _write_piece(model: Path, out: Path) -> bool:
    """model.obj and texture.jpg in the folder `out`, the longest side 1; False if left out."""
    if model.suffix != ".obj" or not model.is_file():
        return False
    mesh = trimesh.load_scene(model).to_mesh()
    middle, longest = sorted(mesh.extents)[1:] if len(mesh.faces) else (0, 1)
    if not FACES[0] <= len(mesh.faces) <= FACES[1] or middle < THINNEST * longest:
        return False
    picture, uv = _texture(mesh)
    corners = (mesh.vertices - mesh.bounds.mean(0)) / longest
    faces = np.repeat(mesh.faces + 1, 2, axis=1)
    out.mkdir(exist_ok=True)
    with (out / "model.obj").open("w", encoding="utf-8") as file:
        np.savetxt(file, corners, "v %.5f %.5f %.5f")
        np.savetxt(file, uv, "vt %.5f %.5f")
        np.savetxt(file, faces, "f %d/%d %d/%d %d/%d")
    picture.thumbnail((TEXELS, TEXELS))
    picture.save(out / "texture.jpg", quality=92)
    return True


def _texture(mesh: trimesh.Trimesh) -> tuple[Image.Image, np.ndarray]:
    """One picture for all of the mesh's materials, and (V, 2) where each corner lies in it."""
    visual = mesh.visual
    if isinstance(visual, ColorVisuals):
        visual = visual.to_texture()
    assert isinstance(visual, TextureVisuals)
    material = visual.material
    picture = material.image if isinstance(material, SimpleMaterial) else material.baseColorTexture
    if picture is None or visual.uv is None:
        colour = tuple(int(v) for v in material.main_color[:3])
        return Image.new("RGB", (8, 8), colour), np.full((len(mesh.vertices), 2), 0.5)
    return picture.convert("RGB"), np.asarray(visual.uv)
