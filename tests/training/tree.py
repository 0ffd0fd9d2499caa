"""A data set in ORBIT's layout, small enough to write in a test: every frame is one grey that says
which frame it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

OBJECTS = {"P100": ("mug", "my keys", "white cane"), "P200": ("bag", "remote control")}
FRAMES = 5  # a video
STEP = 3  # grey levels between two frames: JPEG changes a plain grey by less


@dataclass(frozen=True)
class Shown:
    """What a grey says."""

    user: str
    thing: str
    kind: str
    video: str
    number: int  # from 1


def write_tree(root: Path, split: str = "train") -> dict[int, Shown]:
    """Two users, 3 and 2 objects, each with two clean videos and one clutter video; returns what
    each grey level stands for.
    """
    known: dict[int, Shown] = {}
    for user, things in OBJECTS.items():
        for thing in things:
            for i, kind in enumerate(("clean", "clean", "clutter")):
                video = f"{user}--{thing.replace(' ', '-')}--{kind}--Zj_1--{i}Hv"
                folder = root / split / user / thing / kind / video
                folder.mkdir(parents=True)
                notes = {}
                for number in range(1, FRAMES + 1):
                    name = f"{video}-{number:05d}.jpg"
                    known[len(known)] = Shown(user, thing, kind, video, number)
                    grey = np.full((16, 20, 3), STEP * (len(known) - 1), np.uint8)
                    cv2.imwrite(str(folder / name), grey)
                    notes[name] = note(kind, number)
                listing = root / "annotations" / split / f"{video}.json"
                listing.parent.mkdir(parents=True, exist_ok=True)
                listing.write_text(json.dumps(notes))
    return known


def note(kind: str, number: int) -> dict[str, object]:
    """ORBIT's keys; the object is out of sight in frame 3, frames 1, 2 are blurred, 2, 4 framed
    badly.
    """
    absent = number == 3
    if kind == "clutter":
        box = None if absent else {"x": 300, "y": 400, "w": 200, "h": 100}
        return {"object_bounding_box": box, "object_not_present_issue": absent}
    issues = {
        "framing_issue": number in (2, 4),
        "viewpoint_issue": False,
        "blur_issue": number in (1, 2),
        "occlusion_issue": False,
        "overexposed_issue": False,
        "underexposed_issue": False,
    }
    return {
        "object_not_present_issue": absent,
        **{name: None if absent else value for name, value in issues.items()},
    }


def seen(known: dict[int, Shown], clips: torch.Tensor) -> list[list[Shown]]:
    """The frames that clips (B, T, S, S, 3) show."""
    greys = clips.float().mean(dim=(2, 3, 4)) / STEP
    return [[known[round(grey)] for grey in clip] for clip in greys.tolist()]
