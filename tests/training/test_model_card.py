"""The card in words: its command makes the same training again, its curves show the log."""

import json
import shlex
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from training.blend import parse as parse_blend
from training.export import model_card as module
from training.export.model_card import command, model_card, write_curves
from training.plots import Curve
from training.settings.command_line import parse
from training.settings.config import KINDS, TrainConfig

CONFIGS = (
    TrainConfig(photos=("a",)),
    TrainConfig(photos=("a", "b c"), views=("v.npy",), cutouts=("d",), film="constant", steps=7),
    TrainConfig(orbit="root", weight_photos=0.0, windows=5, keep=True, rate=2e-4, seed=3),
)


@pytest.mark.parametrize("config", CONFIGS)
def test_the_command_of_a_card_asks_for_the_same_training(config: TrainConfig) -> None:
    settings = json.loads(json.dumps(asdict(config)))
    words = shlex.split(command(settings))
    assert words[:3] == ["python", "-m", "training.train"]
    assert parse(words[3:], "")[0] == replace(config, out=TrainConfig().out)


def test_the_card_of_an_average_has_every_command() -> None:
    runs = [{"settings": asdict(config), "commit": f"c{k}"} for k, config in enumerate(CONFIGS)]
    card = {"name": "mean", "trained": True, "method": "m", "sites": [], "side": 224,
            "features": 8, "embedding": 4, "provenance": {"average of": runs, "hours": 2.5},
            "head": {"features": "unit", "temperature": 0.1, "windows": [3, 4],
                     "window_floor": 0.3}}  # fmt: skip
    text = model_card(card, "", curves=False)
    assert "the mean of 3 trainings" in text and "- Hours: `2.5`" in text
    for k, config in enumerate(CONFIGS):
        assert f"    {command(asdict(config))}\n" in text and f"- Commit: c{k}\n" in text


def test_the_card_of_a_blend_says_whose_training_each_was() -> None:
    runs = [{"settings": asdict(config), "commit": f"c{k}"} for k, config in enumerate(CONFIGS)]
    kinds = {"composites": runs[0], "classes": {"average of": runs[1:], "hours": 1}}
    options = asdict(TrainConfig(photos=("p",), views=("v",), fonts="f", whitening=7))
    began = {"specialists": kinds, "blend": options, "commit": "abc", "hours": 2.5}
    last = TrainConfig(photos=("p",), context="blend", start="blend.safetensors")
    facts = {"settings": asdict(last), "commit": "def", "hours": 3.0, "started": began}
    card = {"name": "both", "trained": True, "method": "m", "sites": [], "side": 224,
            "features": 8, "embedding": 6, "provenance": facts,
            "head": {"features": "unit", "temperature": 0.1, "windows": [3, 4],
                     "window_floor": 0.3}}  # fmt: skip
    text = model_card(card, "", curves=False)
    start = "python -m training.blend "
    (made_by,) = (line.strip() for line in text.splitlines() if start in line)
    config, paths = parse_blend(shlex.split(made_by.removeprefix(start)))
    assert [str(paths[kind]) for kind in KINDS] == [f"{kind}.safetensors" for kind in KINDS]
    assert config == TrainConfig(photos=("p",), views=("v",), fonts="f", whitening=7)
    for k, kind in enumerate(("composites", "classes", "classes")):
        title = f"Training {k + 1}, for {kind}\n\n    {command(asdict(CONFIGS[k]))}\n"
        assert title in text and f"- Commit: c{k}\n" in text
    assert f"Training 4, of the blend\n\n    {command(asdict(last))}\n" in text
    assert "Meta-trained with LITE" in text and "- Commit: def" in text and "at abc by" in text
    hours = [line for line in text.splitlines() if line.startswith("- Hours: ")]
    assert hours == ["- Hours: `3.0`", "- Hours: `0.5`"]  # of all, and of the last by itself


def test_curves_are_means_of_the_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: dict[str, dict[str, Curve]] = {}
    monkeypatch.setattr(module, "plot", lambda path, across, panels: drawn.update(panels))
    losses = np.random.default_rng(0).uniform(size=(2, 60))
    logs = []
    for run, own in zip("ab", losses, strict=True):
        rows = [{"step": i, "kind": "train", "loss": loss} for i, loss in enumerate(own)]
        rows.append({"step": 60, "kind": "validation", "accuracy": own[0]})
        logs.append(tmp_path / run / "log.jsonl")
        logs[-1].parent.mkdir()
        logs[-1].write_text("".join(json.dumps(r) + "\n" for r in rows) + '{"step": 61, "ki')
    write_curves(logs, tmp_path / "curves.svg")
    for run, own in zip("ab", losses, strict=True):
        expected = {25: own[:25].mean(), 50: own[25:50].mean()}
        assert drawn["training loss"][run] == pytest.approx(expected)
        assert drawn["accuracy on held-out episodes"][run] == {60: own[0]}
