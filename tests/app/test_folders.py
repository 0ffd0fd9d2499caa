"""Folders of objects as people have them: what is passed over, left out, merged and refused."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.folders import read_objects
from model import InputError, SupportSet


def photo(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((9, 9, 3), 90, np.uint8)).save(path, "PNG")
    return path


@pytest.fixture
def things(tmp_path: Path) -> Path:
    for name in ("mug", "can"):
        photo(tmp_path / name / "a.png")
    return tmp_path


def test_what_systems_leave_behind_is_passed_over_without_a_word(things: Path) -> None:
    for left in (
        *("mug/._a.mp4", "mug/.DS_Store", "mug/Thumbs.db", "mug/desktop.ini"),
        "can/.trashed-1-a.mp4",
        *("__MACOSX/mug/._a.mp4", ".Trash-0/a.mp4", "can/@eaDir/a.jpg", "._can"),
    ):
        (things / left).parent.mkdir(parents=True, exist_ok=True)
        (things / left).write_bytes(b"\0\5\26\7")
    found = read_objects(things)
    assert {name: [Path(p).name for p in clips] for name, clips in found.objects.items()} == {
        "can": ["a.png"],
        "mug": ["a.png"],
    }
    assert str(found) == ""


def test_what_cannot_be_read_is_left_out_and_named(things: Path) -> None:
    (things / "mug" / "notes.txt").write_text("blue, with a chip")
    (things / "mug" / "scan.tif").write_bytes(b"II*\0")
    photo(things / "can" / "old" / "b.png")
    photo(things / "can" / "without an ending")
    found = read_objects(things)
    assert [Path(p).name for p in found.objects["can"]] == ["a.png", "without an ending"]
    assert str(found) == (
        "Left out, no clip or photo of an object: can/old, mug/notes.txt, mug/scan.tif."
    )


def test_a_damaged_clip_is_not_left_out(things: Path) -> None:
    (things / "mug" / "b.mp4").write_bytes(b"")
    assert [Path(p).name for p in read_objects(things).objects["mug"]] == ["a.png", "b.mp4"]


def test_clips_that_lie_deeper_are_pointed_at(things: Path) -> None:
    (things / "mug" / "a.png").unlink()
    photo(things / "mug" / "kitchen" / "a.png")
    with pytest.raises(InputError, match=r"mug holds no clip itself, but \S+mug/kitchen does; put"):
        read_objects(things)
    for name in ("can", "mug"):
        photo(things / "unpacked" / "things" / name / "a.png")
    with pytest.raises(
        InputError, match=r"unpacked holds 1 object folders; .* \S+unpacked/things holds more"
    ):
        read_objects(things / "unpacked")


def test_two_names_that_are_one_in_unicode_are_one_thing(things: Path) -> None:
    composed = "caf\u00e9"
    apart = unicodedata.normalize("NFD", composed)
    photo(things / composed / "a.png")
    photo(things / apart / "b.png")
    found = read_objects(things)
    assert len(found.objects) == 3
    (clips,) = [c for name, c in found.objects.items() if name.startswith("ca") and name != "can"]
    assert sorted(Path(p).name for p in clips) == ["a.png", "b.png"]
    frame = np.zeros((9, 9, 3), np.uint8)
    support = SupportSet.read({apart: [frame], "mug": [frame], composed: [frame, frame]})
    assert support.names == (apart, "mug") and support.shots.tolist() == [3, 1]
    with pytest.raises(InputError, match="Two objects are called"):
        SupportSet((apart, composed), ((support.clips[0][0],), (support.clips[0][0],)))
