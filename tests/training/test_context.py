"""The trial of a task's own context, on episodes of a few random frames."""

import re
from pathlib import Path

import pytest
import torch

from training.experiments import context
from training.experiments.kept_episodes import path_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve episodes of two objects for training, and as many held out."""
    for held in (False, True):
        for i in range(12):
            generator = torch.Generator().manual_seed(100 * held + i)
            frames = torch.randint(0, 256, (6, 1, 112, 112, 3), generator=generator)
            path = path_of(tmp_path, held, i)
            path.parent.mkdir(exist_ok=True)
            support, query = frames.to(torch.uint8).split([4, 2])
            means = context._model(1).channel_means(support.flatten(0, 1)).half()
            labels = torch.tensor([0, 0, 1, 1])
            torch.save(
                {"support": support, "labels": labels, "query": query,
                 "targets": torch.tensor([0, 1]), "means": means}, path,
            )  # fmt: skip
    return tmp_path


def run(folder: Path, *words: str) -> None:
    context.main([words[0], str(folder), "--steps", "3", "--code", "4", *words[1:]])


def test_a_training_that_was_stopped_ends_as_one_that_was_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "SAVE_EVERY", 1)
    run(folder, "train", "--arm", "kinds", "--name", "whole")
    calls, plain = 0, context.backward

    def stopped(*args):  # type: ignore[no-untyped-def]
        nonlocal calls
        calls += 1
        if calls == 4:  # in the second step
            raise KeyboardInterrupt
        return plain(*args)

    monkeypatch.setattr(context, "backward", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(folder, "train", "--arm", "kinds")
    run(folder, "train", "--arm", "kinds")
    one, two = (
        torch.load(folder / f"kinds_{name}0.pt", weights_only=True)["model"]
        for name in ("whole", "")
    )
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert one["film_generator.blend"].abs().max() > 0


@pytest.mark.parametrize("arm", ["statistics", "source"])
def test_arms_are_compared_with_the_constant(
    folder: Path, arm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = ("0", "1") if arm == "source" else ("0",)
    for seed in seeds:
        for name in ("constant", arm):
            run(folder, "train", "--arm", name, "--seed", seed)
    run(folder, "compare", "--arm", arm, "--seeds", *seeds)
    printed = capsys.readouterr().out
    assert "own-constant" in printed and "\nall          12" in printed
    assert "\nthings        4" in printed and printed.count("\ntextures ") == 1
    by_seed = [float(x) for x in printed.split("seed by seed:")[1].splitlines()[0].split()]
    line = printed.split("\nall ")[1].splitlines()[0]
    own_constant = re.findall(r"([+-]\d+\.\d) \+-", line)[2]  # of own-mean, -other, -constant
    assert len(by_seed) == len(seeds)
    assert abs(sum(by_seed) / len(seeds) - float(own_constant)) < 0.11


def test_without_episodes_or_a_training_it_says_what_to_do(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(SystemExit, match="draw them first"):
        run(tmp_path / "none", "train")
    with pytest.raises(SystemExit, match="train that arm first"):
        run(folder, "compare")
