"""The card in words: its command makes the same training again, its curves show the log."""

import json
import shlex
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from training import model_card as module
from training.config import TrainConfig, parse
from training.model_card import command, write_curves
from training.plots import Curve

CONFIGS = (
    TrainConfig(photos=("a",)),
    TrainConfig(photos=("a", "b c"), views="v.npy", cutouts=("d",), film="constant", steps=7),
    TrainConfig(orbit="root", weight_photos=0.0, windows=5, keep=True, rate=2e-4, seed=3),
)


@pytest.mark.parametrize("config", CONFIGS)
def test_the_command_of_a_card_asks_for_the_same_training(config: TrainConfig) -> None:
    settings = json.loads(json.dumps(asdict(config)))
    words = shlex.split(command(settings))
    assert words[:3] == ["python", "-m", "training.train"]
    assert parse(words[3:], "")[0] == replace(config, out=TrainConfig().out)


def test_curves_are_means_of_the_log_up_to_the_step_that_is_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: dict[str, dict[str, Curve]] = {}
    monkeypatch.setattr(module, "plot", lambda path, across, panels: drawn.update(panels))
    losses = np.random.default_rng(0).uniform(size=90)
    rows = [{"step": i, "kind": "train", "loss": loss} for i, loss in enumerate(losses)]
    for step in (30, 60, 90):
        rows.append({"step": step, "kind": "validation", "accuracy": 0.1,
                     "accuracy of photos": step / 100})  # fmt: skip
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_curves(log, tmp_path / "curves.svg", steps=60)
    (loss,) = drawn["training loss"].values()
    assert loss == pytest.approx({25: losses[:25].mean(), 50: losses[25:50].mean()})
    assert drawn["accuracy on held-out episodes"] == {"photos": {30: 0.3, 60: 0.6}}
