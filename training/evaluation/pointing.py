"""Does `where` point at the thing? The share of frames in which its centre lies in the true box.

    python -m training.evaluation.pointing --clips CLIPS
    python -m training.evaluation.pointing --orbit ROOT

CLIPS is a folder as for `training.evaluation.clips`; all of its objects are taught. Clips with a
table of boxes beside them (x.mp4 and x.boxes.csv: frame, x, y, w, h in pixels) are scored. ROOT is
a data set in ORBIT's layout with annotations, real or rendered: each user's clean videos teach, the
clutter videos are scored where a frame has a box. Of all frames those count that are named right.
Prints a line a clip or user, and their mean.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from model import Adapted, InputError, load_model
from model.frames import stream
from model.personaliser import Personaliser
from training.episodes.orbit import (
    ANNOTATED_SIDE,
    SPLITS,
    User,
    Video,
    annotations_of,
    load_frame,
    read_split,
)
from training.evaluation.clips import clips_of, objects_of
from training.settings.command_line import parser_for


def pointed(
    adapted: Adapted, name: str, frames: Sequence[np.ndarray], boxes: np.ndarray
) -> np.ndarray:
    """(F',) bool: of the frames that are named right, which point into their boxes.

    frames: (H, W, 3) uint8; boxes: (F, 4) left, top, right, bottom as shares of the frame.
    """
    answers = adapted.answers(frames)
    if answers.where is None:
        raise InputError("This personaliser makes models that do not say where things are.")
    centres = (answers.where[:, :2] + answers.where[:, 2:]) / 2
    inside = ((boxes[:, :2] <= centres) & (centres <= boxes[:, 2:])).all(1)
    return np.asarray(inside)[answers.probabilities.argmax(1) == adapted.names.index(name)]


def of_clips(personaliser: Personaliser, folder: Path, every: int) -> Iterator[tuple[str, float]]:
    """Each clip that has boxes, and its share; InputError where none has."""
    names = objects_of(folder)
    boxed = [
        (name, clip)
        for name in names
        for clip in clips_of(folder / name / "clutter")
        if clip.with_suffix(".boxes.csv").is_file()
    ]
    if not boxed:
        raise InputError(f"No clip in {folder} has a table of boxes beside it.")
    adapted = personaliser.adapt({name: clips_of(folder / name / "clean") for name in names})
    for name, clip in boxed:
        frames, boxes = _clip(clip, every)
        yield f"{name}/{clip.name}", _share(pointed(adapted, name, frames, boxes))


def of_users(
    personaliser: Personaliser, users: Sequence[User], every: int
) -> Iterator[tuple[str, float]]:
    """Each user, and the mean share over their clutter videos in which something is named right."""
    for user in users:
        adapted = personaliser.adapt(
            {
                thing.name: [np.stack([load_frame(f) for f in v.frames()]) for v in thing.clean]
                for thing in user.objects
            }
        )
        shares = []
        for thing in user.objects:
            for frames, boxes in (_video(video, every) for video in thing.clutter):
                if frames:
                    shares.append(_share(pointed(adapted, thing.name, frames, boxes)))
        yield user.name, float(np.nanmean(shares))


def _share(hits: np.ndarray) -> float:
    return float(hits.mean()) if len(hits) else float("nan")


def _clip(clip: Path, every: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Every n-th frame and its box; InputError for a table of boxes that does not fit the clip."""
    table = clip.with_suffix(".boxes.csv")
    try:
        with open(table, newline="") as file:
            rows = [[float(row[c]) for c in "xywh"] for row in csv.DictReader(file)]
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{table.name} must have numbers in its columns x, y, w and h.") from error
    frames, count = [], 0
    for _, frame in stream(clip):
        if count % every == 0:
            frames.append(frame)
        count += 1
    if len(rows) != count:
        raise InputError(f"{clip.name} has {count} frames and {len(rows)} boxes.")
    height, width = frames[0].shape[:2]
    return frames, _corners(rows[::every]) / (width, height, width, height)


def _video(video: Video, every: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Every n-th frame that has a box, and that."""
    notes = annotations_of(video)
    paths = [p for p in video.frames() if notes.get(p.name, {}).get("object_bounding_box")][::every]
    boxes = [[notes[p.name]["object_bounding_box"][c] for c in "xywh"] for p in paths]
    return [load_frame(path) for path in paths], _corners(boxes) / ANNOTATED_SIDE


def _corners(boxes: Sequence[Sequence[float]]) -> np.ndarray:
    x, y, width, height = np.array(boxes, float).reshape(-1, 4).T
    return np.stack([x, y, x + width, y + height], 1)


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--clips", type=Path)
    asked.add_argument("--orbit", type=Path, metavar="ROOT")
    parser.add_argument("--split", default="test", choices=SPLITS, help="of ROOT (test)")
    default = Path("assets/simple_cnaps")
    parser.add_argument("--personaliser", type=Path, default=default, metavar="DIR")
    parser.add_argument("--every", type=int, default=3, help="score every n-th frame (3)")
    args = parser.parse_args(argv)
    try:
        personaliser = load_model(args.personaliser)
        if args.clips:
            what, found = "clips", of_clips(personaliser, args.clips, args.every)
        else:
            users = read_split(args.orbit, args.split)
            what, found = "users", of_users(personaliser, users, args.every)
        shares = []
        for name, share in found:
            shares.append(share)
            print(f"{name}: {100 * share:.1f} %", flush=True)
        print(f"mean over {len(shares)} {what}: {100 * np.nanmean(shares):.1f} %")
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
