"""The catalogue of meshes: what each is called, how big it is, who may ship it.

A catalogue is a folder, or a .zip of one, with `manifest.csv` and `<name>/model.obj, texture.jpg`.
Columns read: name, label, confusable_group, set, licence, repo, path, original_extent, up_axis.
Never touches OpenGL.
"""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.errors import InputError

# Metres per unit of `original_extent`, by set; the others are in metres already.
_METRES_PER_UNIT = {"aws": 0.01, "sh3d": 0.01}
_SMALLEST_M, _LARGEST_M = 0.03, 0.30  # a household object that a hand can hold

# Licences that allow shipping rendered clips with attribution. Matched from the start of the text:
# "repo MIT; ..." covers a repository's code and says nothing of its scans.
_SHIPPABLE = (
    "CC0",
    "CC BY 4.0",
    "MIT-0",
    "Apache-2.0",
    "repo Apache-2.0",
    "Google Scanned Objects CC BY 4.0",
)


@dataclass(frozen=True)
class MeshEntry:
    """One mesh of the catalogue."""

    name: str  # folder name, unique
    label: str  # what a person would call it
    group: str  # confusable_group: things of one group are the same thing to the eye
    licence: str
    origin: str  # repository and path
    up: str  # "y", "z" or "mixed" (the one it stands on more firmly)
    size_m: float  # longest side in metres
    root: Path | zipfile.Path

    @property
    def shippable(self) -> bool:
        return shippable(self.licence)

    def read(self, file: str) -> bytes:
        return (self.root / self.name / file).read_bytes()


def shippable(licence: str) -> bool:
    """Whether clips that show a work under this licence may be shipped (with attribution)."""
    return licence.startswith(_SHIPPABLE)


def read_catalogue(root: Path) -> tuple[MeshEntry, ...]:
    """Every mesh of the folder or .zip `root`, in the manifest's order."""
    if not root.exists():
        raise InputError(f"There is no folder or .zip {root}; give the one with manifest.csv.")
    source = zipfile.Path(root) if root.is_file() and zipfile.is_zipfile(root) else root
    manifest = source / "manifest.csv"
    if not manifest.is_file():
        raise InputError(f"{root} has no manifest.csv; it must list the meshes and their licences.")
    rows = csv.DictReader(io.StringIO(manifest.read_text(encoding="utf-8")))
    things = tuple(_thing(row, source) for row in rows)
    if not things:
        raise InputError(f"{root}/manifest.csv lists no meshes.")
    return things


def _thing(row: dict[str, str], root: Path | zipfile.Path) -> MeshEntry:
    extent = max(float(x) for x in row["original_extent"].split())
    size = extent * _METRES_PER_UNIT.get(row["set"], 1.0)
    return MeshEntry(
        name=row["name"],
        label=row["label"],
        group=row["confusable_group"],
        licence=row["licence"],
        origin=f"{row['repo']}, {row['path']}",
        up=row["up_axis"],
        size_m=float(np.clip(size, _SMALLEST_M, _LARGEST_M)),
        root=root,
    )
