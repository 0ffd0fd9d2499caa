"""The rendered tree: ORBIT's names and keys, resuming, the same again from the seed."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.training.synthetic_world import open_renderer, write_catalogue, write_surfaces
from training.episodes.orbit import annotations_of, read_split
from training.synthetic.dataset.orbit import DataSet, annotation, write_orbit
from training.synthetic.filming.clips import Frame

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    open_renderer(16, 16).release()
    folder = tmp_path_factory.mktemp("orbit")
    rng = np.random.default_rng(0)
    colours = [tuple(int(c) for c in rng.integers(20, 236, 3)) for _ in range(16)]
    write_catalogue(folder / "objects", [(r, g, b) for r, g, b in colours])
    write_surfaces(folder / "surfaces")
    users = {"train": 1, "validation": 0, "test": 0}
    data = DataSet(
        folder / "objects", folder / "surfaces", folder / "out", users, tuple(users),
        clean=1, clutter=1, frames=3,
    )  # fmt: skip
    write_orbit(data, 1, lambda done, total, video: None)
    return data


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_the_reader_of_orbit_finds_users_objects_and_videos(data: DataSet) -> None:
    (user,) = read_split(data.out, "train")
    assert user.name == "P001"
    assert len(user.objects) >= 5
    for thing in user.objects:
        assert len(thing.clean) == len(thing.clutter) == 1
        for video in (*thing.clean, *thing.clutter):
            frames = video.frames()
            assert [f.name for f in frames] == [
                f"{video.folder.name}-{i:05d}.jpg" for i in (1, 2, 3)
            ]
            assert set(annotations_of(video)) == {f.name for f in frames}
            picture = cv2.imread(str(frames[0]))
            assert picture is not None and picture.shape == (224, 224, 3)


def test_annotations_have_orbits_keys(data: DataSet) -> None:
    listings = sorted((data.out / "annotations" / "train").glob("*.json"))
    assert listings
    for listing in listings:
        for note in json.loads(listing.read_text()).values():
            if "--clutter--" in listing.name:
                assert set(note) == {"object_bounding_box", "object_not_present_issue"}
                box = note["object_bounding_box"]
                assert (box is None) == note["object_not_present_issue"]
                if box is not None:
                    assert all(isinstance(v, int) for v in box.values())
                    assert 0 <= box["x"] <= box["x"] + box["w"] <= 1080
                    assert 0 <= box["y"] <= box["y"] + box["h"] <= 1080
            else:
                assert len(note) == 7
                absent = note.pop("object_not_present_issue")
                assert all(value is None if absent else value in (0, 1) for value in note.values())


def test_a_broken_off_run_goes_on_and_renders_the_same_again(data: DataSet) -> None:
    before = contents(data.out)
    lost = sorted((data.out / "train").glob("*/*/*/*"))[::4]
    for folder in lost:
        shutil.rmtree(folder)
        folder.with_name(folder.name + ".part").mkdir()  # as a kill would leave it
    rendered: list[str] = []
    write_orbit(data, 1, lambda done, total, video: rendered.append(video))
    assert sorted(rendered) == sorted(folder.name for folder in lost)
    assert contents(data.out) == before


def test_an_absent_thing_is_noted_without_box_and_without_flags() -> None:
    frame = Frame(np.zeros((8, 8, 3), np.uint8), None, 0.0, False, 0.0)
    assert annotation(frame, "clutter") == {
        "object_bounding_box": None,
        "object_not_present_issue": True,
    }
    clean = annotation(frame, "clean")
    assert clean.pop("object_not_present_issue") is True
    assert set(clean.values()) == {None}


def test_a_box_is_noted_in_the_pixels_of_the_original_videos() -> None:
    frame = Frame(np.zeros((8, 8, 3), np.uint8), (0.25, 0.5, 0.5, 0.125), 1.0, False, 0.0)
    assert annotation(frame, "clutter")["object_bounding_box"] == {
        "x": 270,
        "y": 540,
        "w": 540,
        "h": 135,
    }
