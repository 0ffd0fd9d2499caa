"""A tiny catalogue of coloured boxes and a few plain surfaces, for the tests of rendering."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.errors import InputError
from training.synthetic.rendering.render import Renderer

# A box of 1 x 0.6 x 0.4, z up, each face with the whole texture.
_CORNERS = [(x, y, z) for x in (-0.5, 0.5) for y in (-0.3, 0.3) for z in (-0.2, 0.2)]
_FACES = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
LICENCES = ("CC0 (test)", "CC BY 4.0 (test)")


def open_renderer(width: int, height: int) -> Renderer:
    """A renderer, or the test is skipped where OpenGL does not start."""
    try:
        return Renderer(width, height)
    except InputError as error:
        pytest.skip(str(error))


def write_catalogue(folder: Path, colours: list[tuple[int, int, int]]) -> Path:
    """One box a colour (RGB), 10 cm long, each of its own kind."""
    rows = []
    for number, colour in enumerate(colours):
        name = f"box_{number:02d}"
        write_mesh(folder / name, colour)
        rows.append(
            {
                "name": name,
                "label": f"{_word(number)} box{_word(number)}",
                "confusable_group": name,
                "set": "test",
                "licence": LICENCES[number % 2],
                "repo": "tests",
                "path": name,
                "original_extent": "0.1 0.06 0.04",
                "up_axis": "z",
            }
        )
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return folder


def write_mesh(folder: Path, colour: tuple[int, int, int]) -> None:
    folder.mkdir(parents=True)
    lines = [f"v {x} {y} {z}" for x, y, z in _CORNERS] + ["vt 0 0", "vt 1 0", "vt 1 1", "vt 0 1"]
    for a, b, c, d in _FACES:
        lines += [f"f {a + 1}/1 {b + 1}/2 {c + 1}/3", f"f {a + 1}/1 {c + 1}/3 {d + 1}/4"]
    (folder / "model.obj").write_text("\n".join(lines), encoding="utf-8")
    picture = np.full((16, 16, 3), colour[::-1], np.uint8)
    cv2.imwrite(str(folder / "texture.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 100])


def write_surfaces(folder: Path) -> Path:
    folder.mkdir()
    rows = []
    for number, kind in enumerate(("texture", "texture", "texture", "room", "room")):
        file = f"{kind}_{number}.jpg"
        grey = np.full((24, 32, 3), 80 + 25 * number, np.uint8)
        cv2.imwrite(str(folder / file), grey)
        rows.append({"file": file, "kind": kind, "licence": "CC0", "source": "tests"})
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return folder


def _word(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number:02d}")
