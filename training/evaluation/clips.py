"""Clean -> clutter on folders of real clips: one task over all objects.

    python -m training.evaluation.clips --clips CLIPS
    python -m training.evaluation.clips --clips CLIPS --objects capsule_blue capsule_gold

CLIPS/<object>/clean/* teaches an object, CLIPS/<object>/clutter/* is named. A clip's score is the
share of its frames named right, of every n-th frame; smoothed: by the mean of the last five
answers. Every method sees the same support frames. Intervals are 95 %, clustered by object, each of
which counts once: they say how much objects differ, for the model is taught once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from model import InputError, SupportSet, load_model
from model.frames import square, stream
from training.evaluation.baselines import NAMES, baselines
from training.evaluation.frozen import FrozenBackbone
from training.evaluation.scores import Scores, accuracy, report, table
from training.settings.command_line import parser_for

SMOOTHED = 5  # answers
ENDINGS = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi")  # notes may lie beside the clips


def score(clips: Path, names: Sequence[str], personalisers: Sequence[Path], every: int) -> Scores:
    """The accuracy of every personaliser and baseline on each cluttered clip."""
    clean, clutter = (
        {n: clips_of(clips / n / kind) for n in names} for kind in ("clean", "clutter")
    )
    support = SupportSet.read(clean)
    frames, labels = support.frames()
    order = [list(support.names).index(name) for name in names]
    adapted = {str(path): load_model(path).adapt(support) for path in personalisers}
    frozen = FrozenBackbone()
    z, y = frozen.features(frames)[:, 0], torch.from_numpy(labels)
    methods = [name for path in adapted for name in (path, f"{path}, smoothed")] + list(NAMES)
    right: dict[str, list[float]] = {name: [] for name in methods}
    objects: list[str] = []
    for k, path in tqdm([(k, p) for k, n in enumerate(names) for p in clutter[n]], unit="clip"):
        query = [square(f) for i, (_, f) in enumerate(stream(path)) if i % every == 0]
        answers: dict[str, np.ndarray] = {}
        for name, model in adapted.items():
            answers[name] = model.predict(query)
            answers[f"{name}, smoothed"] = causal_mean(answers[name], SMOOTHED)
        answers |= baselines(z, y, frozen.features(np.stack(query)), len(names))
        for name, found in answers.items():
            right[name].append(accuracy(found, np.full(len(query), order[k])))
        objects.append(names[k])
    return Scores(tuple(objects), right)


def causal_mean(rows: np.ndarray, length: int) -> np.ndarray:
    """(T, K): of each row and those before it, the mean of the last `length`."""
    return np.stack([rows[max(i + 1 - length, 0) : i + 1].mean(0) for i in range(len(rows))])


def objects_of(clips: Path) -> list[str]:
    """The objects in a folder that have clean and cluttered clips; InputError for fewer than 2."""
    if not clips.is_dir():
        raise InputError(f"There is no folder {clips}.")
    names = sorted(
        f.name for f in clips.iterdir() if (f / "clean").is_dir() and (f / "clutter").is_dir()
    )
    if len(names) < 2:
        raise InputError(
            f"{clips} has {len(names)} objects with folders clean and clutter; a task needs 2."
        )
    return names


def clips_of(folder: Path) -> list[Path]:
    """The clips in a folder; InputError where there is none."""
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.")
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in ENDINGS)
    if not found:
        raise InputError(f"{folder} holds no clip ({', '.join(ENDINGS)}).")
    return found


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--objects", nargs="+", help="names of folders (all)")
    default = [Path("assets/simple_cnaps")]
    parser.add_argument("--personaliser", type=Path, nargs="+", default=default, metavar="DIR")
    parser.add_argument("--every", type=int, default=3, help="score every n-th frame (3)")
    parser.add_argument("--json", type=Path, help="write every clip's score there")
    args = parser.parse_args(argv)
    try:
        if args.every < 1:
            raise InputError(f"--every must be at least 1; it is {args.every}.")
        names = args.objects or objects_of(args.clips)
        scores = score(args.clips, names, args.personaliser, args.every)
        print(table(scores, "objects", "clips"))
        if args.json:
            settings = {"every": args.every, "objects": names}
            args.json.write_text(json.dumps(report(scores, settings), indent=1) + "\n")
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
