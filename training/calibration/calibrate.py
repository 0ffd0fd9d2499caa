"""How sure a personaliser is, learned over episodes with objects left out.

    python -m training.calibrate assets/NAME --photos PHOTOS --views VIEWS.npy ...

Episodes are those of a training (`training.episodes.domains.mixture`), with clips of 1 to 10
frames. Some objects of each are not taught, but shown; so are frames of another episode. Writes
calibration.json (`model.confidence.unknown`) into the folder and names it in card.json; prints how
well it does on episodes that are kept for validation.

Learned one after the other: `own`, `others` and `colour` by the area under the ROC curve, what the
threshold is made of by logistic regression, how sharp probabilities are, with how many frames, by
likelihood.
Nothing else of the personaliser changes.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from scipy import optimize, special

from model import InputError
from model.card import CALIBRATION
from model.confidence.unknown import MOST_POWER, Calibration
from model.saving import atomic_write
from training.calibration.left_out import ELSEWHERE, LEFT_OUT, PLAIN, Shown, plain, tasks
from training.evaluation.open_set import accepted, auroc, ece
from training.settings.command_line import read
from training.settings.config import SYNTHETIC_SOURCES, check

QUERIES = 3  # frames of each object that are asked
TRIED = np.linspace(0, 0.7, 15)  # values of `own` and `others`
COLOURS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)  # of `colour`


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    own = {
        "personaliser": (Path, ..., "its folder, which is changed"),
        "tasks": (int, 150, "episodes to learn from; a third as many to report on"),
    }
    weights = ("weight_composites", "weight_photos", "weight_classes")
    names = (*SYNTHETIC_SOURCES, *weights)
    try:
        config, values = read(sys.argv[1:] if argv is None else argv, __doc__, own, names,
                              positional="personaliser")  # fmt: skip
        check(config)
        config = replace(config, queries=QUERIES)
        folder, count = values["personaliser"], values["tasks"]
        personaliser = plain(folder)
        learned = list(tasks(personaliser, config, False, count))
        held_out = list(tasks(personaliser, config, True, max(count // 3, 1)))
        calibration = calibrate(learned)
        write(folder, calibration)
    except InputError as error:
        sys.exit(str(error))
    print(f"wrote {folder / CALIBRATION}: {json.dumps(asdict(calibration))}")
    for name, found in (("learned from", learned), ("held out", held_out)):
        figures = "  ".join(f"{k} {100 * v:.1f} %" for k, v in report(found, calibration).items())
        print(f"{name} ({len(found)} tasks): {figures}")


def calibrate(tasks: Sequence[Shown]) -> Calibration:
    """Raises InputError where no episode left an object out."""
    tasks = [task for task in tasks if (task.targets == LEFT_OUT).any()]
    if not tasks:
        raise InputError("No episode has 3 objects to leave one out; give more photos or views.")
    typical = float(np.median(np.concatenate([task.looks.own for task in tasks])))

    def best(trials: Iterable[Calibration]) -> Calibration:
        def area(trial: Calibration) -> float:
            return float(np.mean([auroc(*strangeness(task, trial)) for task in tasks]))

        return max(trials, key=area)

    found = replace(PLAIN, typical=typical)
    for _ in range(2):  # `own` and `others` once more, given the colour
        pairs = [(float(a), float(b)) for a in TRIED for b in TRIED]
        found = best(replace(found, own=own, others=others) for own, others in pairs)
        found = best(replace(found, colour=colour) for colour in COLOURS)
    return replace(found, **_regression(tasks, found), **_sharpness(tasks))


def strangeness(task: Shown, calibration: Calibration) -> tuple[np.ndarray, np.ndarray]:
    """threshold - s of the taught objects' frames, and of those of the ones that were left out."""
    below = task.looks.threshold(calibration) - task.familiar(calibration)
    return below[task.targets >= 0], below[task.targets == LEFT_OUT]


def _regression(tasks: Sequence[Shown], calibration: Calibration) -> dict[str, float]:
    """steepness, base and slopes of the threshold: P(unknown) by logistic regression.

    Every task counts the same, and in it what was taught, left out and foreign, whatever their
    numbers of frames.
    """
    rows, unknown, weights = [], [], []
    for task in tasks:
        s = task.familiar(calibration)
        rows.append(np.column_stack([s, np.tile([1, *task.looks.levels()], (len(s), 1))]))
        unknown.append(task.targets < 0)
        kinds = (task.targets >= 0, task.targets == LEFT_OUT, task.targets == ELSEWHERE)
        weights.append(sum(of / max(of.sum(), 1) for of in kinds))
    x, y, w = np.concatenate(rows), np.concatenate(unknown), np.concatenate(weights) / len(tasks)
    scale = np.abs(x).mean(0)
    signs = np.where(y, -1, 1)

    def loss(b: np.ndarray) -> tuple[float, np.ndarray]:
        margin = signs * (x / scale @ b)
        slope = -w * signs * special.expit(-margin)
        ridge = 1e-3 * b
        return float(w @ np.logaddexp(0, -margin) + ridge @ b / 2), x.T @ slope / scale + ridge

    found = optimize.minimize(loss, np.zeros(x.shape[1]), jac=True, method="BFGS").x / scale
    if found[0] <= 0:
        raise InputError(
            "What was left out looks no stranger than what was taught; check episodes."
        )
    names = ("base", "from_own", "from_others")
    line = {n: float(-v / found[0]) for n, v in zip(names, found[1:], strict=True)}
    return line | {"steepness": float(found[0])}


def _sharpness(tasks: Sequence[Shown]) -> dict[str, float]:
    """sharpness and its powers by the likelihood of the taught objects' frames; every task counts
    the same.
    """

    def found(line: np.ndarray) -> dict[str, float]:
        log, by_frames, by_objects = map(float, line)
        return {"sharpness": float(np.exp(log)), "by_frames": by_frames, "by_objects": by_objects}

    def loss(line: np.ndarray) -> float:
        trial = replace(PLAIN, **found(line))
        each = []
        for task in tasks:
            known = task.targets >= 0
            sharp = trial.sharpness_for(task.labels)
            rows = special.log_softmax(sharp * task.logits[known], axis=1)
            each.append(-rows[np.arange(len(rows)), task.targets[known]].mean())
        return float(np.mean(each))

    within = [(-5, 5), (-MOST_POWER, MOST_POWER), (-MOST_POWER, MOST_POWER)]
    return found(optimize.minimize(loss, np.zeros(3), method="Nelder-Mead", bounds=within).x)


def report(tasks: Sequence[Shown], calibration: Calibration) -> dict[str, float]:
    """Shares, as means over tasks that left an object out; ECE and accuracy over all their frames.

    Empty without such a task; without accuracy of what is named where nothing is.
    """
    tasks = [task for task in tasks if (task.targets == LEFT_OUT).any()]
    if not tasks:
        return {}
    pairs = [strangeness(task, calibration) for task in tasks]
    confidence, right, named = [], [], []
    for task, (known, _) in zip(tasks, pairs, strict=True):
        rows = task.targets >= 0
        sharp = calibration.sharpness_for(task.labels)
        p = special.softmax(sharp * task.logits[rows], axis=1)
        confidence.append(p.max(1))
        right.append(p.argmax(1) == task.targets[rows])
        named.append(right[-1][known < 0])
    kept = np.concatenate(named)
    figures = {
        "AUROC": float(np.mean([auroc(*pair) for pair in pairs])),
        "unknown accepted at 95 % kept": float(np.mean([accepted(*pair) for pair in pairs])),
        "taught called unknown": float(np.mean([(known >= 0).mean() for known, _ in pairs])),
        "unknown called unknown": float(np.mean([(other >= 0).mean() for _, other in pairs])),
        "ECE": ece(np.concatenate(confidence)[:, None], np.concatenate(right)),
        "accuracy": float(np.concatenate(right).mean()),
    }
    return figures | ({"accuracy of what is named": float(kept.mean())} if len(kept) else {})


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
