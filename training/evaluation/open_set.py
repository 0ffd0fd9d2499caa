"""Does a model know what it was not taught? Each object is left out in turn, and then shown.

    python -m training.evaluation.open_set --clips CLIPS
    python -m training.evaluation.open_set --clips CLIPS --empty PHOTOS --plot reliability.svg

CLIPS is a folder as for `training.evaluation.clips`; PHOTOS holds photos without any of the things.
Prints means over the objects that were left out: AUROC of the unknown score, the share of unknown
frames accepted where 95 % of the known ones are kept, what is rejected and accepted at the model's
own threshold, and how right and how honest the names are (calibration error over 15 bins). The plot
sets confidence against the share that is right, over all known frames.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from model import Adapted, InputError, SupportSet, load_model
from model.adapted import UNKNOWN
from model.support import read_clips
from training.evaluation.clips import objects_of
from training.evaluation.self_report import Filmed, filmed_clips
from training.plots import reliability
from training.settings.command_line import parser_for

BINS = 15
EVERY = 6  # of the cluttered frames, every sixth is shown
PHOTOS = (".jpg", ".jpeg", ".png", ".webp")


def auroc(known: np.ndarray, unknown: np.ndarray) -> float:
    """The chance that an unknown thing scores higher than a known one; ties count half."""
    ranked = np.sort(known)
    below = np.searchsorted(ranked, unknown, "left") + np.searchsorted(ranked, unknown, "right")
    return float(below.mean() / 2 / len(ranked))


def accepted(known: np.ndarray, unknown: np.ndarray, kept: float = 0.95) -> float:
    """The share of unknown things that pass where a share `kept` of the known ones does."""
    return float((unknown <= np.quantile(known, kept)).mean())


def honesty(confidence: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(n, 3) for every bin with answers: mean confidence, share that is right, share of answers.

    confidence (M,): the largest probability of each answer; right (M,): whether it was right.
    """
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins = [place == b for b in np.unique(place)]
    return np.array([(confidence[b].mean(), right[b].mean(), b.mean()) for b in bins])


def ece(probabilities: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error of probabilities (M, K) whose largest were right (M,) or not.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017: over BINS bins of confidence,
    the mean distance of accuracy and confidence.
    """
    confidence, accuracy, share = honesty(probabilities.max(1), right).T
    return float(share @ np.abs(accuracy - confidence))


def figures(
    adapted: Adapted, shown: Mapping[str, np.ndarray], empty: np.ndarray | None
) -> tuple[dict[str, float], np.ndarray, np.ndarray]:
    """What a model makes of frames {name: (T, 224, 224, 3)} of what it was taught, and of others.

    empty: (B, 224, 224, 3) of nothing. Also the largest probabilities of the taught ones' frames,
    and which of them were right.
    """
    names = adapted.names
    answers = {name: adapted.answers(frames) for name, frames in shown.items()}
    unknown = {name: _unknown(adapted, found.unknown) for name, found in answers.items()}
    others = [name for name in shown if name not in names]
    known, other = (np.concatenate([unknown[n] for n in of]) for of in (names, others))
    p, q = (np.concatenate([answers[n].probabilities for n in of]) for of in (names, others))
    targets = np.repeat(np.arange(len(names)), [len(shown[name]) for name in names])
    right, kept = p.argmax(1) == targets, known < UNKNOWN
    found = {
        "AUROC": auroc(known, other),
        "AUROC of 1 - the largest probability": auroc(1 - p.max(1), 1 - q.max(1)),
        "unknown accepted at 95 % known kept": accepted(known, other),
        "known rejected": float((~kept).mean()),
        "unknown rejected": float((other >= UNKNOWN).mean()),
        "accuracy": float(right.mean()),
        "accuracy of what is named": float(right[kept].mean()) if kept.any() else np.nan,
        "calibration error": ece(p, right),
    }
    if empty is not None:
        found["empty accepted"] = float((adapted.unknown(empty) < UNKNOWN).mean())
    return found, p.max(1), right


def _unknown(adapted: Adapted, scores: np.ndarray | None) -> np.ndarray:
    return scores if scores is not None else adapted.unknown([])  # which says what is missing


def _photos(folder: Path | None) -> np.ndarray | None:
    if folder is None:
        return None
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in PHOTOS)
    if not found:
        raise InputError(f"{folder} holds no photo ({', '.join(PHOTOS)}).")
    return np.concatenate(read_clips("photo", found))


def _left_out(things: Mapping[str, Filmed], out: str) -> SupportSet:
    names = tuple(name for name in things if name != out)
    return SupportSet(names, tuple(things[name].clean for name in names))


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--objects", nargs="+", help="names of folders (all)")
    parser.add_argument("--empty", type=Path, help="a folder of photos that show none of them")
    parser.add_argument("--plot", type=Path, help="write a reliability diagram there (.svg)")
    default = Path("assets/simple_cnaps")
    parser.add_argument("--personaliser", type=Path, default=default, metavar="DIR")
    args = parser.parse_args(argv)
    try:
        names, empty = args.objects or objects_of(args.clips), _photos(args.empty)
        if len(names) < 3:
            raise InputError(f"To leave one out and teach two takes 3 objects; got {len(names)}.")
        personaliser = load_model(args.personaliser)
        things = filmed_clips(args.clips, names, EVERY)
        shown = {name: thing.clutter for name, thing in things.items()}
        rows, confidence, right = [], [], []
        for out in names:
            found, sure, true = figures(personaliser.adapt(_left_out(things, out)), shown, empty)
            print(f"without {out}: AUROC {100 * found['AUROC']:.1f} %", flush=True)
            rows.append(found)
            confidence.append(sure)
            right.append(true)
        print(f"{len(names)} objects, each left out once; means")
        for name in rows[0]:
            print(f"  {name:38}{100 * np.nanmean([row[name] for row in rows]):6.1f} %")
        if args.plot:
            bins = honesty(np.concatenate(confidence), np.concatenate(right))
            reliability(args.plot, {"clips": bins})
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
