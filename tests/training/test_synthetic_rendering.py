"""Rendering: the box against the mask, colours against the texture, hiding, determinism."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.synthetic_world import open_renderer, write_catalogue, write_surfaces
from training.synthetic.filming.clips import box_of, film
from training.synthetic.filming.setting import Shooting
from training.synthetic.filming.surfaces import read_surfaces
from training.synthetic.geometry.mesh import Mesh, load_mesh
from training.synthetic.geometry.objects import read_catalogue
from training.synthetic.rendering.camera import Camera
from training.synthetic.rendering.lens import encode_srgb
from training.synthetic.rendering.light import Light, random_light
from training.synthetic.rendering.render import Renderer
from training.synthetic.rendering.scene import Item, Scene, placed
from training.synthetic.rendering.stage import Stage

COLOURS = [(200, 60, 40), (60, 120, 200), (120, 120, 120)]
SIDE = 128


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    renderer = open_renderer(SIDE, SIDE)
    yield renderer
    renderer.release()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_catalogue(folder / "objects", COLOURS)
    write_surfaces(folder / "surfaces")
    return folder


@pytest.fixture(scope="module")
def boxes(world: Path) -> list[Mesh]:
    return [load_mesh(thing) for thing in read_catalogue(world / "objects")]


def camera(roll: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)) -> Camera:
    eye, target = np.array([0.3, -0.25, 0.2]), np.array([0.0, 0.0, 0.02])
    return Camera(eye, target, field_of_view=40.0, roll=roll, shift=shift)


@pytest.mark.parametrize("view", [camera(), camera(roll=25.0), camera(shift=(0.4, -0.3))])
def test_the_projected_corners_bound_the_mask(
    renderer: Renderer, boxes: list[Mesh], view: Camera
) -> None:
    pose = placed(0.02, -0.01, 33)
    scene = Scene((Item(boxes[0], pose),), (), None, random_light(np.random.default_rng(0)))
    with Stage(renderer, scene) as stage:
        mask = stage.visible(view) == 1
    found = box_of(mask)
    assert found is not None
    corners = view.project(boxes[0].positions @ pose[:3, :3].T + pose[:3, 3])
    low, high = corners.min(0), corners.max(0)
    assert low.min() > 0 and high.max() < 1
    expected = [*low, *(high - low)]
    assert np.allclose(found, expected, atol=1.5 / SIDE)


def test_what_stands_in_front_hides_and_alone_it_does_not(
    renderer: Renderer, boxes: list[Mesh]
) -> None:
    view = replace(camera(), eye=np.array([0.3, -0.25, 0.06]))
    between = 0.3 * view.eye + 0.7 * view.target
    items = (Item(boxes[0], np.eye(4)), Item(boxes[1], placed(between[0], between[1], 0)))
    scene = Scene(items, (), None, random_light(np.random.default_rng(0)))
    with Stage(renderer, scene) as stage:
        seen = (stage.visible(view) == 1).sum()
        alone = (stage.visible(view, only=0) == 1).sum()
    assert 0 < seen < 0.9 * alone


def test_under_white_light_from_all_sides_a_texture_keeps_its_colour(
    renderer: Renderer, boxes: list[Mesh]
) -> None:
    nothing = np.zeros(3)
    light = Light(
        key_direction=np.array([0, 0, 1.0]),
        key_colour=nothing,
        key_radius=0.1,
        sky=np.ones(3),
        floor=np.ones(3),
        window_directions=np.array([[1.0, 0, 0], [0, 1.0, 0]]),
        window_colours=np.zeros((2, 3)),
    )
    for mesh, colour in zip(boxes, COLOURS, strict=True):
        # High above where the table would dim it.
        scene = Scene((Item(mesh, placed(0, 0, 20, z=1.0), shine=0.0),), (), None, light)
        view = Camera(np.array([0.3, -0.25, 1.2]), np.array([0.0, 0.0, 1.02]), 40.0)
        with Stage(renderer, scene) as stage:
            picture = encode_srgb(stage.shoot(view).light) * 255
            mask = stage.visible(view) == 1
        inner = mask & np.roll(mask, 2, 0) & np.roll(mask, -2, 0) & np.roll(mask, 2, 1)
        inner &= np.roll(mask, -2, 1)
        assert np.allclose(np.median(picture[inner], axis=0), colour, atol=4)


def shooting(world: Path, boxes: list[Mesh], held: bool, clutter: bool) -> Shooting:
    surfaces = read_surfaces(world / "surfaces")
    return Shooting(
        thing=boxes[0],
        others=tuple(boxes[1:]) if clutter else (),
        ground=surfaces[0],
        behind=surfaces[3],
        frames=4,
        fps=8.0,
        held=held,
    )


@pytest.mark.slow
@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("clutter", [False, True])
def test_a_clip_shows_its_thing_and_the_seed_decides_it(
    renderer: Renderer, world: Path, boxes: list[Mesh], held: bool, clutter: bool
) -> None:
    plan = shooting(world, boxes, held, clutter)
    once = list(film(renderer, plan, np.random.default_rng(5)))
    again = list(film(renderer, plan, np.random.default_rng(5)))
    other = list(film(renderer, plan, np.random.default_rng(6)))
    assert len(once) == 4
    for a, b in zip(once, again, strict=True):
        assert np.array_equal(a.picture, b.picture)
        assert a.box == b.box
    assert not np.array_equal(once[0].picture, other[0].picture)
    sides = [max(frame.box[2:]) for frame in once if frame.box is not None]
    assert len(sides) >= 3
    assert np.mean(sides) > (0.1 if clutter else 0.3)
