"""How sure a personaliser is, learned over tasks of people with an object left out.

    python -m training.calibrate assets/NAME --orbit ROOT

Of every user each object is left out in turn: the others are taught from their clean videos, and
all are shown in clutter videos. Writes calibration.json (`model.confidence`) into the folder and
names it in card.json; prints how well it does on the users of another split.

Learned one after the other: `own` and `others` by the area under the ROC curve, the threshold so
that 95 % of the frames of taught objects are kept, the steepness and the sharpness of the
probabilities by likelihood. Nothing else of the personaliser changes.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
from scipy import optimize, special
from tqdm import tqdm

from model import InputError, Personaliser, SupportSet, load_model
from model.card import CALIBRATION, PARTS, read_card
from model.confidence import TAIL, Calibration, OwnLooks, own_looks
from model.frames import SIDE
from model.saving import atomic_write
from training.episodes.orbit import SPLITS, Filter, User, in_sight, load_frame, read_split
from training.evaluation.open_set import accepted, auroc, ece
from training.settings.command_line import parser_for

TAUGHT = 20  # frames of a clean video, as the app keeps them
SHOWN = 6  # frames of a clutter video
# With it likeness is c_k itself, and probabilities are as the head has them.
PLAIN = Calibration(1, own=0, others=0, typical=0.8, base=0.5, slope=0, steepness=20)
TRIED = np.linspace(0, 0.7, 15)  # values of `own` and `others`


@dataclass(frozen=True)
class Shown:
    """What a model of a user's objects but one says of frames, before calibration."""

    looks: OwnLooks
    likeness: np.ndarray  # (M, K) c_k
    logits: np.ndarray  # (M, K)
    targets: np.ndarray  # (M,) in [0, K), -1: the object that was left out


def main() -> None:
    assert __doc__
    parser = parser_for(__doc__)
    parser.add_argument("personaliser", type=Path, help="its folder, which is changed")
    parser.add_argument("--orbit", type=Path, required=True, help="a tree in ORBIT's layout")
    parser.add_argument("--split", choices=SPLITS, default="train", help="to learn from (train)")
    parser.add_argument(
        "--held-out", choices=SPLITS, default="validation", help="to report on (validation)"
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    try:
        if args.split == args.held_out:
            raise InputError(f"Both splits are {args.split}; report on another with --held-out.")
        personaliser = plain(args.personaliser)
        splits = [read_split(args.orbit, name) for name in (args.split, args.held_out)]
        seen_in = in_sight(args.orbit, "clutter")
        learned, held_out = (
            list(tasks(personaliser, users, seen_in, args.seed)) for users in splits
        )
        calibration = calibrate(learned)
        write(args.personaliser, calibration)
    except InputError as error:
        sys.exit(str(error))
    print(f"wrote {args.personaliser / CALIBRATION}: {json.dumps(asdict(calibration))}")
    for name, found in ((args.split, learned), (args.held_out, held_out)):
        figures = "  ".join(f"{k} {100 * v:.1f} %" for k, v in report(found, calibration).items())
        print(f"{name} ({len(found)} tasks): {figures}")


def plain(folder: Path) -> Personaliser:
    """The personaliser with likeness and logits as they are before calibration."""
    load_model(folder)  # complains of what is wrong
    card = replace(read_card(folder), calibration=PLAIN)
    return Personaliser(card, *((folder / part).read_bytes() for part in PARTS))


def tasks(
    personaliser: Personaliser, users: Sequence[User], seen_in: Filter, seed: int
) -> Iterator[Shown]:
    """For every object of every user a model of the others, which are taught from 1 to all of
    their clean videos; objects without clean and clutter videos are left aside.
    """
    found = 0
    for number, user in enumerate(tqdm(users, "users", leave=False, disable=None)):
        objects = [thing for thing in user.objects if thing.clean and thing.clutter]
        clean = [[_frames(v.frames(), TAUGHT) for v in thing.clean] for thing in objects]
        shown = [
            np.concatenate([_frames(seen_in.frames(v), SHOWN) for v in thing.clutter])
            for thing in objects
        ]
        rng = np.random.default_rng([seed, number])
        for out in range(len(objects) if len(objects) > 2 else 0):
            taught = [k for k in range(len(objects)) if k != out and len(shown[k])]
            clips = int(rng.integers(1, 1 + max(map(len, clean))))
            support = SupportSet(
                tuple(objects[k].name for k in taught),
                tuple(tuple(clean[k][:clips]) for k in taught),
            )
            found += 1
            yield _shown(personaliser, support, [*(shown[k] for k in taught), shown[out]])
    if not found:
        raise InputError("No user has 3 objects with clean and clutter videos to leave one out.")


def _shown(personaliser: Personaliser, support: SupportSet, shown: Sequence[np.ndarray]) -> Shown:
    """shown: frames of the K taught objects, then of the one that was left out."""
    backbone, z = personaliser.see(support)
    looks = own_looks(z, support.labels(), support.clip_numbers(), PLAIN.typical)
    adapted = personaliser.fit(support, backbone, z)
    session = ort.InferenceSession(adapted.to_bytes())
    ways = len(support.names)
    targets = np.repeat([*range(ways), -1], [len(frames) for frames in shown])
    answers = [
        session.run(["likeness", "logits"], {"frames": frames}) for frames in shown if len(frames)
    ]
    likeness, logits = (np.concatenate(rows) for rows in zip(*answers, strict=True))
    return Shown(looks, likeness, logits.astype(np.float64), targets)


def _frames(paths: Sequence[Path], most: int) -> np.ndarray:
    """(n, S, S, 3) evenly taken."""
    if not paths:
        return np.zeros((0, SIDE, SIDE, 3), np.uint8)
    taken = np.linspace(0, len(paths) - 1, min(len(paths), most)).round().astype(int)
    return np.stack([load_frame(paths[i]) for i in taken])


def calibrate(tasks: Sequence[Shown]) -> Calibration:
    typical = float(np.median(np.concatenate([task.looks.own for task in tasks])))

    def area(own: float, others: float) -> float:
        trial = replace(PLAIN, own=own, others=others)
        return float(np.mean([auroc(*strangeness(task, trial)) for task in tasks]))

    _, own, others = max((area(a, b), a, b) for a in TRIED for b in TRIED)
    found = replace(PLAIN, own=float(own), others=float(others), typical=typical)
    found = replace(found, **dict(zip(("base", "slope"), _threshold(tasks, found), strict=True)))
    return replace(found, steepness=_steepness(tasks, found), sharpness=_sharpness(tasks))


def strangeness(task: Shown, calibration: Calibration) -> tuple[np.ndarray, np.ndarray]:
    """threshold - s of the taught objects' frames, and of the one's that was left out."""
    familiar = (task.likeness - task.looks.offsets(calibration)).max(1)
    threshold = calibration.base + calibration.slope * task.looks.quantile(calibration)
    return threshold - familiar[task.targets >= 0], threshold - familiar[task.targets < 0]


def _threshold(tasks: Sequence[Shown], calibration: Calibration) -> tuple[float, float]:
    """base and slope by quantile regression: a share TAIL of every task's taught frames is lost."""
    level = replace(calibration, base=0, slope=0)
    known = [-strangeness(task, level)[0] for task in tasks]
    q = np.array([task.looks.quantile(level) for task in tasks])

    def pinball(line: np.ndarray) -> float:
        errors = [s - (line[0] + line[1] * x) for s, x in zip(known, q, strict=True)]
        return float(np.mean([np.mean(np.maximum(TAIL * e, (TAIL - 1) * e)) for e in errors]))

    start = np.array([np.mean([np.quantile(s, TAIL) for s in known]), 0.0])
    base, slope = optimize.minimize(pinball, start, method="Nelder-Mead").x
    return float(base), float(slope)


def _steepness(tasks: Sequence[Shown], calibration: Calibration) -> float:
    pairs = [strangeness(task, calibration) for task in tasks]

    def loss(log: float) -> float:
        k = np.exp(log)
        each = [np.logaddexp(0, k * a).mean() + np.logaddexp(0, -k * b).mean() for a, b in pairs]
        return float(np.mean(each))

    return float(np.exp(optimize.minimize_scalar(loss, bounds=(0, 6), method="bounded").x))


def _sharpness(tasks: Sequence[Shown]) -> float:
    def loss(log: float) -> float:
        each = []
        for task in tasks:
            known = task.targets >= 0
            rows = special.log_softmax(np.exp(log) * task.logits[known], axis=1)
            each.append(-rows[np.arange(len(rows)), task.targets[known]].mean())
        return float(np.mean(each))

    return float(np.exp(optimize.minimize_scalar(loss, bounds=(-5, 2), method="bounded").x))


def report(tasks: Sequence[Shown], calibration: Calibration) -> dict[str, float]:
    """Shares, as means over tasks; the calibration error over the frames of all of them."""
    pairs = [strangeness(task, calibration) for task in tasks]
    confidence, right, named = [], [], []
    for task, (known, _) in zip(tasks, pairs, strict=True):
        rows = task.targets >= 0
        p = special.softmax(calibration.sharpness * task.logits[rows], axis=1)
        confidence.append(p.max(1))
        right.append(p.argmax(1) == task.targets[rows])
        named.append(right[-1][known < 0])
    return {
        "AUROC": float(np.mean([auroc(*pair) for pair in pairs])),
        "unknown accepted at 95 % kept": float(np.mean([accepted(*pair) for pair in pairs])),
        "taught called unknown": float(np.mean([(known >= 0).mean() for known, _ in pairs])),
        "unknown called unknown": float(np.mean([(other >= 0).mean() for _, other in pairs])),
        "ECE": ece(np.concatenate(confidence)[:, None], np.concatenate(right)),
        "accuracy": float(np.concatenate(right).mean()),
        "accuracy of what is named": float(np.concatenate(named).mean()),
    }


def write(folder: Path, calibration: Calibration) -> None:
    """calibration.json, and its SHA-256 in card.json; each is whole at any moment."""
    text = json.dumps(asdict(calibration), indent=1) + "\n"
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    card["sha256"][CALIBRATION] = hashlib.sha256(text.encode()).hexdigest()
    for name, content in (
        (CALIBRATION, text),
        ("card.json", json.dumps(card, indent=1) + "\n"),
    ):
        with atomic_write(folder / name) as unfinished:
            unfinished.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
