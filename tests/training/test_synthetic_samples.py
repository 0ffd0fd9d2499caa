"""The shipped sample clips: small, readable, and of nothing that may not be shipped."""

import re
from pathlib import Path

import cv2
import pytest

from training.synthetic.dataset.samples import BYSTANDERS, TAUGHT
from training.synthetic.geometry.objects import shippable

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples"
CLIPS = sorted(SAMPLES.glob("*/*/*.mp4"))
README = (SAMPLES / "README.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The table under a heading of the README, without its head."""
    part = README.split(f"## {heading}")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines[1:]]


def test_every_object_has_clean_and_cluttered_clips() -> None:
    objects = sorted(folder for folder in SAMPLES.iterdir() if folder.is_dir())
    assert [folder.name for folder in objects] == sorted([*TAUGHT, "water bottle"])
    for folder in objects:
        assert len(list(folder.glob("clean/*.mp4"))) >= 2
        assert len(list(folder.glob("clutter/*.mp4"))) >= 1


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: str(clip.relative_to(SAMPLES)))
def test_a_clip_is_small_and_opens(clip: Path) -> None:
    assert clip.stat().st_size < 1_000_000
    video = cv2.VideoCapture(str(clip))
    frames, fps = video.get(cv2.CAP_PROP_FRAME_COUNT), video.get(cv2.CAP_PROP_FPS)
    readable, frame = video.read()
    video.release()
    assert readable and min(frame.shape[:2]) >= 360
    assert 2.5 < frames / fps < 5.5


def test_every_mesh_and_surface_in_a_clip_is_listed_with_a_licence_that_ships() -> None:
    meshes = {row[0]: row[2] for row in rows("Meshes")}
    surfaces = {row[0]: row[1] for row in rows("Surfaces")}
    clips = rows("Clips")
    rendered = [c for c in CLIPS if c.parts[-3] != "water bottle"]
    assert {row[0] for row in clips} == {str(c.relative_to(SAMPLES)) for c in rendered}
    for _, grounds, shown in clips:
        assert set(shown.split(", ")) <= set(meshes)
        assert set(grounds.split("; ")) <= set(surfaces)
    assert all(shippable(licence) for licence in (*meshes.values(), *surfaces.values()))
    assert not re.search(r"ocrtoc", README, re.IGNORECASE)
    assert "CC BY 4.0" in README.split("water bottle is real")[1][:300]


def test_no_cluttered_clip_shows_a_second_thing_that_is_taught() -> None:
    assert not set(TAUGHT.values()) & set(BYSTANDERS)
