"""The catalogue and its meshes: licences, size and pose, colours, triangles of a smooth body."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from model.errors import InputError
from tests.training.synthetic_world import write_catalogue
from training.synthetic.geometry.grip import Grip, find_grip
from training.synthetic.geometry.hand import hand
from training.synthetic.geometry.isosurface import surface
from training.synthetic.geometry.mesh import laid_down, load_mesh, recoloured
from training.synthetic.geometry.objects import read_catalogue, shippable


@pytest.mark.parametrize(
    ("licence", "may"),
    [
        ("CC0 (Blend Swap CC-0 library)", True),
        ("CC BY 4.0 (YCB models); repo MIT", True),
        ("Google Scanned Objects CC BY 4.0", True),
        ("MIT-0 (modelled, not scanned)", True),
        ("repo Apache-2.0 (not scans: modelled/baked)", True),
        ("repo MIT; scans by OCRTOC challenge (no separate data licence found)", False),
        ("CC BY-NC 4.0", False),
        ("research only", False),
        ("", False),
    ],
)
def test_only_licences_that_allow_it_are_shippable(licence: str, may: bool) -> None:
    assert shippable(licence) is may


def test_a_zip_reads_like_its_folder(tmp_path: Path) -> None:
    folder = write_catalogue(tmp_path / "objects", [(200, 30, 30), (30, 30, 200)])
    archive = Path(shutil.make_archive(str(tmp_path / "objects"), "zip", folder))
    from_folder, from_zip = read_catalogue(folder), read_catalogue(archive)
    assert [t.name for t in from_zip] == [t.name for t in from_folder]
    for a, b in zip(from_folder, from_zip, strict=True):
        assert np.array_equal(load_mesh(a).positions, load_mesh(b).positions)
        assert np.array_equal(load_mesh(a).texture, load_mesh(b).texture)


def test_a_folder_without_manifest_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no manifest\.csv"):
        read_catalogue(tmp_path)
    with pytest.raises(InputError, match="no folder"):
        read_catalogue(tmp_path / "nowhere")


def test_a_mesh_stands_on_the_table_in_its_real_size(tmp_path: Path) -> None:
    (thing,) = read_catalogue(write_catalogue(tmp_path / "objects", [(90, 90, 90)]))
    mesh = load_mesh(thing)
    assert np.allclose(mesh.extent, [0.10, 0.06, 0.04], atol=1e-6)
    assert np.allclose(mesh.positions.min(0), [-0.05, -0.03, 0.0], atol=1e-6)
    assert mesh.closed
    assert np.allclose(np.abs(mesh.normals).max(1), 1)  # the edges of a box stay sharp


def test_what_falls_over_lies_lower_and_on_the_table(tmp_path: Path) -> None:
    (thing,) = read_catalogue(write_catalogue(tmp_path / "objects", [(90, 90, 90)]))
    upright = load_mesh(thing)
    tall = type(upright)(
        "tall",
        upright.positions[:, [1, 2, 0]] + np.array([0, 0, 0.05], np.float32),
        upright.normals[:, [1, 2, 0]],
        upright.uv,
        upright.texture,
    )
    lying = laid_down(tall, np.random.default_rng(0))
    assert lying.height < 0.7 * tall.height
    assert lying.positions[:, 2].min() == pytest.approx(0, abs=1e-6)


def test_recolouring_turns_the_hue_and_paints_greys(tmp_path: Path) -> None:
    red, grey = (
        load_mesh(t)
        for t in read_catalogue(
            write_catalogue(tmp_path / "objects", [(200, 20, 20), (150, 150, 150)])
        )
    )
    rng = np.random.default_rng(0)
    green = recoloured(red, 120, 0.0, rng).texture.reshape(-1, 3).mean(0)
    assert green[1] > 180 and max(green[0], green[2]) < 40
    blue = recoloured(grey, 240, 1.0, rng).texture.reshape(-1, 3).mean(0)
    assert blue[2] > blue[0] + 30 and blue[2] > blue[1] + 30


def test_the_surface_of_a_ball_is_closed_round_and_looks_outwards() -> None:
    axis = np.linspace(-1, 1, 33)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    vertices, triangles = surface(
        np.sqrt(x * x + y * y + z * z) - 0.7, np.array([-1.0, -1, -1]), axis[1] - axis[0]
    )
    assert np.allclose(np.linalg.norm(vertices, axis=1), 0.7, atol=0.01)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    directed = {tuple(edge) for edge in edges}
    assert len(directed) == len(edges)  # no edge is used twice the same way round
    assert all((b, a) in directed for a, b in directed)  # and each has its other side
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    volume = (np.cross(a, b) * c).sum() / 6
    assert volume == pytest.approx(4 / 3 * np.pi * 0.7**3, rel=0.02)


def test_the_hand_touches_the_thing_it_holds_without_swallowing_it(tmp_path: Path) -> None:
    (thing,) = read_catalogue(write_catalogue(tmp_path / "objects", [(90, 90, 90)]))
    points = load_mesh(thing).positions
    for seed in range(4):
        rng = np.random.default_rng(seed)
        grip = find_grip(points, rng)
        assert isinstance(grip, Grip)
        fingers = hand(grip, points, rng).positions
        low, high = points.min(0), points.max(0)
        outside = np.linalg.norm(np.maximum(0, np.maximum(low - fingers, fingers - high)), axis=1)
        inside = np.minimum(fingers - low, high - fingers).min(1)
        assert outside.min() < 0.001  # it touches
        assert (inside > 0.012).mean() < 0.02  # it is not in the middle of the thing
