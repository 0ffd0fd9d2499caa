"""Does `where` point at the thing? The share of frames in which its centre lies in the true box.

    python -m training.evaluation.pointing --clips CLIPS

CLIPS is a folder as for `training.evaluation.clips`; all of its objects are taught. Clips with a
table of boxes beside them (x.mp4 and x.boxes.csv: frame, x, y, w, h in pixels) are scored, over the
frames that are named right. Prints a line a clip and the mean over clips.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model import Adapted, InputError, load_model
from model.frames import stream
from training.evaluation.clips import clips_of, objects_of
from training.settings.command_line import parser_for


def pointed(adapted: Adapted, name: str, clip: Path, every: int) -> np.ndarray:
    """(F',) bool: of the frames of a clip that are named right, which point into the box.

    Raises InputError for a table of boxes that does not fit the clip.
    """
    boxes = _boxes(clip.with_suffix(".boxes.csv"))  # (F, 4)
    frames, count = [], 0
    for _, frame in stream(clip):
        if count % every == 0:
            frames.append(frame)
        count += 1
    if len(boxes) != count:
        raise InputError(f"{clip.name} has {count} frames and {len(boxes)} boxes.")
    boxes = boxes[::every]
    answers = adapted.answers(frames)
    if answers.where is None:
        raise InputError("This personaliser makes models that do not say where things are.")
    height, width = frames[0].shape[:2]
    centres = (answers.where[:, :2] + answers.where[:, 2:]) / 2 * (width, height)
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    inside = ((low <= centres) & (centres <= high)).all(1)
    right = answers.probabilities.argmax(1) == adapted.names.index(name)
    return np.asarray(inside)[right]


def _boxes(path: Path) -> np.ndarray:
    try:
        with open(path, newline="") as file:
            return np.array([[float(row[c]) for c in "xywh"] for row in csv.DictReader(file)])
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path.name} must have numbers in its columns x, y, w and h.") from error


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    parser.add_argument("--clips", type=Path, required=True)
    default = Path("assets/simple_cnaps")
    parser.add_argument("--personaliser", type=Path, default=default, metavar="DIR")
    parser.add_argument("--every", type=int, default=3, help="score every n-th frame (3)")
    args = parser.parse_args(argv)
    try:
        names = objects_of(args.clips)
        clutter = {name: clips_of(args.clips / name / "clutter") for name in names}
        boxed = [(name, clip) for name, clips in clutter.items() for clip in clips
                 if clip.with_suffix(".boxes.csv").is_file()]  # fmt: skip
        if not boxed:
            raise InputError(f"No clip in {args.clips} has a table of boxes beside it.")
        taught = {name: clips_of(args.clips / name / "clean") for name in names}
        adapted = load_model(args.personaliser).adapt(taught)
        shares = []
        for name, clip in boxed:
            hits = pointed(adapted, name, clip, args.every)
            shares.append(hits.mean() if len(hits) else np.nan)
            print(f"{name}/{clip.name}: {100 * shares[-1]:.1f} % of {len(hits)} frames")
        print(f"mean over clips: {100 * np.nanmean(shares):.1f} %")
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
