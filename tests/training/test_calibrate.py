"""Calibration: what was planted is found again; a tiny run writes what the personaliser reads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from model import InputError, load_model
from model.card import CALIBRATION
from model.confidence.unknown import ENOUGH, OwnLooks
from tests.tiny import write_tiny
from training.calibration.calibrate import calibrate, main, report, strangeness
from training.calibration.left_out import ELSEWHERE, LEFT_OUT, Shown
from training.evaluation.open_set import accepted, auroc, ece

SHARPNESS, BY_FRAMES, BY_OBJECTS, STEEPNESS = 0.25, -0.5, 0.3, 30.0
COLOUR = 1.0


def planted(rng: np.random.Generator, frames: int = 200) -> Shown:
    """A task whose unknown probability is logistic in likeness, with a line that moves its middle,
    and whose logits are too large by what n frames an object and K objects ask for.
    """
    ways, shots = int(rng.integers(2, 9)), int(rng.integers(1, 41))
    looks = OwnLooks(rng.uniform(0.6, 0.9, ways), rng.uniform(0.2, 0.6, ways))
    middle = 0.2 + 0.3 * looks.own.mean()
    likeness = rng.uniform(0.2, 0.8, frames)
    unknown = rng.random(frames) < special.expit(STEEPNESS * (middle - likeness))
    true = rng.normal(0, 1.5, (frames, ways))
    labels = np.array([rng.choice(ways, p=row) for row in special.softmax(true, axis=1)])
    kinds = np.where(rng.random(frames) < 0.5, LEFT_OUT, ELSEWHERE)
    targets = np.where(unknown, kinds, labels)
    logits = true / (SHARPNESS * min(shots, ENOUGH) ** BY_FRAMES * ways**BY_OBJECTS)
    taught = np.repeat(np.arange(ways), shots)
    apart = rng.uniform(0, 0.3, (frames, 1))
    alike = likeness[:, None] + COLOUR * apart  # colour takes back what it gave
    return Shown(taught, looks, np.tile(alike, ways), np.tile(apart, ways), logits, targets)


def test_what_was_planted_is_found() -> None:
    rng = np.random.default_rng(0)
    tasks = [planted(rng) for _ in range(120)]
    found = calibrate(tasks)
    assert found.sharpness == pytest.approx(SHARPNESS, rel=0.1)
    assert found.colour == COLOUR
    assert found.by_frames == pytest.approx(BY_FRAMES, abs=0.06)
    assert found.by_objects == pytest.approx(BY_OBJECTS, abs=0.06)
    for task in tasks[:10]:  # a and b move s and its middle alike, where all objects look the same
        known, left_out = strangeness(task, found)
        assert auroc(known, left_out) > 0.9
    figures = report(tasks, found)
    assert figures["ECE"] < 0.03 and figures["AUROC"] > 0.93
    assert 0.02 < figures["taught called unknown"] < 0.2


def test_the_threshold_does_not_depend_on_how_many_frames_a_task_shows() -> None:
    rng = np.random.default_rng(1)
    tasks = [planted(rng, 150) for _ in range(40)]
    doubled = [
        replace(t, likeness=np.tile(t.likeness, (2, 1)), logits=np.tile(t.logits, (2, 1)),
                apart=np.tile(t.apart, (2, 1)),
                targets=np.tile(t.targets, 2))
        if i % 2 else t
        for i, t in enumerate(tasks)
    ]  # fmt: skip
    one, other = calibrate(tasks), calibrate(doubled)
    assert one.base == pytest.approx(other.base, abs=2e-3)
    assert one.steepness == pytest.approx(other.steepness, rel=1e-2)


def test_figures_against_loops() -> None:
    rng = np.random.default_rng(2)
    known, unknown = rng.normal(0, 1, 40).round(1), rng.normal(1, 1, 30).round(1)
    pairs = [(u > k) + 0.5 * (u == k) for u in unknown for k in known]
    assert auroc(known, unknown) == pytest.approx(np.mean(pairs))
    limit = np.quantile(known, 0.95)
    assert accepted(known, unknown) == pytest.approx(np.mean([u <= limit for u in unknown]))
    p = rng.dirichlet(np.ones(3), 60)
    right = rng.random(60) < 0.5
    error = 0.0
    for b in range(15):
        rows = [i for i in range(60) if min(int(p[i].max() * 15), 14) == b]
        if rows:
            error += len(rows) / 60 * abs(right[rows].mean() - p[rows].max(1).mean())
    assert ece(p, right) == pytest.approx(error)


def test_without_left_out_objects_nothing_is_learned() -> None:
    task = planted(np.random.default_rng(0))
    with pytest.raises(InputError, match="3 objects"):
        calibrate([replace(task, targets=np.abs(task.targets))])


def test_a_tiny_run_writes_what_the_personaliser_reads(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_tiny(tmp_path / "tiny")
    words = ["--tasks", "6", "--way", "3", "--workers", "0", "--seed", "1"]
    main([str(folder), "--photos", str(photos), *words])
    assert "AUROC" in capsys.readouterr().out
    known = load_model(folder).card.calibration
    assert known and json.loads((folder / CALIBRATION).read_text())["base"] == known.base
    frames = np.zeros((1, 224, 224, 3), np.uint8)
    adapted = load_model(folder).adapt({"a": [frames], "b": [frames + 200]})
    assert 0 <= adapted.unknown(frames)[0] <= 1
    with pytest.raises(SystemExit, match="no folder"):
        main([str(folder), "--photos", str(tmp_path / "none"), "--workers", "0"])
    with pytest.raises(SystemExit, match="--way must be at least 2; it is 0"):
        main([str(folder), "--photos", str(photos), "--way", "0"])
