"""Furniture libraries become things that the renderer reads."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from model.errors import InputError
from training.synthetic.__main__ import main
from training.synthetic.geometry.furniture import write_furniture
from training.synthetic.geometry.mesh import load_mesh
from training.synthetic.geometry.objects import read_catalogue

BOX = """mtllib box.mtl
{corners}
usemtl red
f 1 3 2\nf 1 4 3\nf 5 6 7\nf 5 7 8\nf 1 2 6\nf 1 6 5
usemtl blue
f 2 3 7\nf 2 7 6\nf 3 4 8\nf 3 8 7\nf 4 1 5\nf 4 5 8
"""
COLOURS = "newmtl red\nKd 1 0 0\nnewmtl blue\nKd 0 0 1\n"
LISTING = """# a comment
license=CC0
name#1=Old Box
model#1=/things/box.obj
name#2=Door
model#2=/things/box.obj
doorOrWindow#2=true
name#3=Rod
model#3=/things/rod.obj
model#4=/things/nowhere.obj
"""


def box(*sides: float) -> str:
    """The 24 triangles of two boxes, one in the other, of two materials."""
    ring = [(0, 0), (1, 0), (1, 1), (0, 1)]
    corners = [np.array([x, y, z]) * sides for z in (0, 1) for x, y in ring]
    lines = "\n".join("v {} {} {}".format(*corner) for corner in corners)
    faces = BOX.format(corners=lines)
    return faces + "\n".join(line for line in faces.splitlines() if line[0] in "uf") + "\n"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("furniture") / "Boxes.sh3f"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("PluginFurnitureCatalog.properties", LISTING)
        archive.writestr("things/box.mtl", COLOURS)
        archive.writestr("things/box.obj", box(40.0, 20.0, 30.0))
        archive.writestr("things/rod.obj", box(40.0, 1.0, 1.0))
    return path


def test_a_piece_keeps_its_shape_and_its_colours(library: Path, tmp_path: Path) -> None:
    assert write_furniture([library], tmp_path) == 1  # no door, no rod, none that is missing
    (thing,) = read_catalogue(tmp_path)
    assert (thing.name, thing.label, thing.licence) == ("boxes-1", "old box", "CC0")
    mesh = load_mesh(thing)
    np.testing.assert_allclose(sorted(mesh.extent), [0.1, 0.15, 0.2], rtol=1e-3)
    height, width = mesh.texture.shape[:2]
    seen = {
        tuple(mesh.texture[min(int(v * height), height - 1), min(int(u * width), width - 1)] > 128)
        for u, v in mesh.uv.reshape(-1, 3, 2).mean(1)
    }
    assert seen == {(True, False, False), (False, False, True)}


def test_what_is_no_library_is_refused_in_words(
    library: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "text.sh3f").write_text("no zip")
    with zipfile.ZipFile(tmp_path / "empty.sh3f", "w") as archive:
        archive.writestr("PluginFurnitureCatalog.properties", "license=CC0\n")
    with pytest.raises(InputError, match=r"text\.sh3f is no furniture library of Sweet Home 3D"):
        write_furniture([tmp_path / "text.sh3f"], tmp_path / "out")
    with pytest.raises(InputError, match="None of these libraries holds a piece"):
        write_furniture([tmp_path / "empty.sh3f"], tmp_path / "out")
    argv = ["synthetic", "furniture", str(tmp_path / "none.sh3f"), "--out", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", argv)
    assert main() == 2 and "none.sh3f is no furniture library" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", [*argv[:2], str(library), *argv[3:]])
    assert main() == 0 and capsys.readouterr().out.startswith("1 things in ")
