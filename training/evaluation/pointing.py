"""Does `where` point at the thing? The share of frames in which its centre lies in the true box.

    python -m training.evaluation.pointing --clips CLIPS
    python -m training.evaluation.pointing --orbit ROOT

CLIPS is a folder as for `training.evaluation.clips`; all of its objects are taught. Clips with a
table of boxes beside them (x.mp4 and x.boxes.csv: frame, x, y, w, h in pixels) are scored. ROOT is
a data set in ORBIT's layout with annotations: 20 frames of each clean video of a user teach, the
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

TAUGHT = 20  # frames of a video


def pointed(
    adapted: Adapted, name: str, frames: Sequence[np.ndarray], boxes: np.ndarray
) -> np.ndarray:
    """(F',) bool: of the frames that are named right, which point into their boxes.

    frames: (H, W, 3) uint8; boxes: (F, 4) left, top, right, bottom as shares of the frame.
    """
    answers = adapted.answers(frames)
    assert answers.where is not None
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
    found = False
    for user in users:
        things = [thing for thing in user.objects if thing.clean]
        if len(things) < 2:
            continue
        adapted = personaliser.adapt({t.name: [_taught(v) for v in t.clean] for t in things})
        asked = [(t.name, *_video(video, every)) for t in things for video in t.clutter]
        shares = [_share(pointed(adapted, *one)) for one in asked if one[1]]
        if shares and not np.isnan(shares).all():
            found = True
            yield user.name, float(np.nanmean(shares))
    if not found:
        raise InputError("Nobody has two things that teach and a video with boxes to ask.")


def _taught(video: Video) -> np.ndarray:
    """(T, 224, 224, 3): of a long video TAUGHT frames, evenly taken."""
    frames = video.frames()
    some = np.linspace(0, len(frames) - 1, min(len(frames), TAUGHT)).astype(int)
    return np.stack([load_frame(frames[i]) for i in some])


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
    try:
        boxes = [[float(notes[p.name]["object_bounding_box"][c]) for c in "xywh"] for p in paths]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{video.annotations.name} has a box without x, y, w and h.") from error
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
        if args.every < 1:
            raise InputError(f"--every must be at least 1; it is {args.every}.")
        personaliser = load_model(args.personaliser)
        if not personaliser.card.head.windows:
            raise InputError("This personaliser makes models that do not say where things are.")
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
