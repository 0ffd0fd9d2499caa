"""The training loop: all weights move, kill and resume changes nothing, two processes equal one."""

import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from model.errors import InputError
from model.nn.checkpoint import load_checkpoint
from model.nn.cnaps import SimpleCnaps
from training import train
from training.episodes.composites import Composites
from training.episodes.domains.mixture import episodes_of
from training.settings.command_line import parse
from training.settings.config import TrainConfig, check

ROOT = Path(__file__).resolve().parents[2]
SMALL = ["--way", "2", "--shots", "1", "--queries", "1", "--validation", "2", "--threads", "1",
         "--weight-photos", "1", "--weight-classes", "0", "--workers", "0",
         "--whitening", "8"]  # fmt: skip


def arguments(photos: Path, out: Path, *more: str) -> list[str]:
    return ["--photos", str(photos), "--out", str(out), *SMALL, *more]


def config_of(photos: Path, out: Path, *more: str) -> TrainConfig:
    return parse(arguments(photos, out, *more), "test")[0]


def losses(out: Path) -> list[float]:
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [row["loss"] for row in rows if row["kind"] == "train"]


def test_every_trained_parameter_gets_a_gradient(photos: Path, tmp_path: Path) -> None:
    config = config_of(photos, tmp_path, "--sites", "all")
    model, optimiser = train.build(config, torch.device("cpu"))
    with torch.no_grad():  # r = 0 keeps the generator's first gradient from reaching it
        for name, parameter in model.named_parameters():
            if name.endswith(".r"):
                parameter.fill_(0.1)
    stream = (episodes_of(config, validation=False)[n] for n in range(9))
    train.one_step(config, model, optimiser, 0, stream, torch.device("cpu"))
    silent = [
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and not (parameter.grad is not None and parameter.grad.any())
    ]
    assert silent == []
    assert all(p.grad is None for p in model.backbone.parameters())


@pytest.mark.slow
def test_killed_and_resumed_is_the_same_as_unbroken(photos: Path, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    more = ("--steps", "6", "--validate-every", "2")
    train.train(config_of(photos, whole, *more), resume=False)
    command = [sys.executable, "-m", "training.train", *arguments(photos, broken, *more)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not (broken / "state.pt").exists() and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 0 < len(losses(broken)) < 6
    train.train(config_of(photos, broken, *more), resume=True)
    assert losses(broken) == losses(whole)
    ours, theirs = (load_checkpoint(out / "last.safetensors")[0] for out in (broken, whole))
    for (name, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


@pytest.mark.slow
def test_two_processes_take_the_same_steps_as_one(photos: Path, tmp_path: Path) -> None:
    more = ("--steps", "2", "--tasks", "2", "--validate-every", "2")
    train.train(config_of(photos, tmp_path / "one", *more), resume=False)
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone",
         "-m", "training.train", *arguments(photos, tmp_path / "two", *more)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    ours, theirs = (load_checkpoint(tmp_path / n / "last.safetensors")[0] for n in ("two", "one"))
    moved = 0.0
    for name, parameter in theirs.named_parameters():
        other = ours.get_parameter(name)
        torch.testing.assert_close(other, parameter, rtol=1e-4, atol=1e-6, msg=name)
        moved += parameter.detach().abs().sum().item() if name.endswith(".r") else 0.0
    assert moved > 0


@pytest.mark.slow
def test_a_run_is_not_overwritten_nor_resumed_with_other_settings(
    photos: Path, tmp_path: Path
) -> None:
    config = config_of(photos, tmp_path, "--steps", "1")
    with pytest.raises(InputError, match=r"no state\.pt to resume from"):
        train.train(config, resume=True)
    train.train(config, resume=False)
    with pytest.raises(InputError, match="holds a run already; pass --resume"):
        train.train(config, resume=False)
    with pytest.raises(InputError, match="other values of --rate, --tasks"):
        train.train(dataclasses.replace(config, rate=0.1, tasks=2), resume=True)


def test_settings_that_cannot_work_are_refused_in_words(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to train on"):
        check(TrainConfig())
    with pytest.raises(InputError, match="--way must be at least 2"):
        config_of(photos, tmp_path, "--way", "1")
    with pytest.raises(InputError, match="--back must be at least 1"):
        config_of(photos, tmp_path, "--back", "0")
    with pytest.raises(InputError, match="no folder"):
        train.train(config_of(tmp_path / "nowhere", tmp_path / "out"), resume=False)
    with pytest.raises(InputError, match="--seed must be 0 or more; it is -1"):
        config_of(photos, tmp_path, "--seed", "-1")
    with pytest.raises(InputError, match="--rate must be 0 or more; it is nan"):
        config_of(photos, tmp_path, "--rate", "nan")
    with pytest.raises(InputError, match="is a file; give a folder"):
        train.train(config_of(photos, next(photos.rglob("*.jpg"))), resume=False)


def test_episodes_depend_on_their_number_alone(photos: Path, tmp_path: Path) -> None:
    config = config_of(photos, tmp_path, "--weight-classes", "1")
    first, again = (episodes_of(config, validation=False) for _ in range(2))
    for number in (3, 0, 3):
        a, b = first[number], again[number]
        assert torch.equal(a.task.support, b.task.support)
        assert torch.equal(a.task.query, b.task.query)
    assert not torch.equal(first[0].task.query, first[1].task.query)
    held_out = episodes_of(config, validation=True)
    trained_on, validated = (
        {path for source in e.sources if isinstance(source, Composites) for path in source.photos}
        for e in (first, held_out)
    )
    assert trained_on and validated and not trained_on & validated


def test_the_older_spelling_of_h_goes_on_working() -> None:
    old, new = (parse(["--photos", "a", "b", flag, "3"], "")[0]
                for flag in ("--back", "--num-backprop"))  # fmt: skip
    assert old == new and old.num_backprop == 3 and old.photos == ("a", "b")


def test_a_loss_that_is_no_number_stops_before_anything_learns_from_it(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, kept = tmp_path / "run", {}
    config = config_of(photos, out, "--validate-every", "1", "--steps", "3")
    whole = train.add_gradient

    def breaking(config: TrainConfig, model: SimpleCnaps, *more: Any) -> tuple[float, float]:
        loss, accuracy = whole(config, model, *more)
        if not (out / "state.pt").exists():  # the first step is well
            return loss, accuracy
        kept.update({path: path.read_bytes() for path in out.iterdir() if path.suffix != ".jsonl"})
        assert model.log_temperature.grad is not None
        model.log_temperature.grad.fill_(float("nan"))
        return float("nan"), accuracy

    monkeypatch.setattr(train, "add_gradient", breaking)
    with pytest.raises(InputError, match=r"^Step 2 has a loss of nan and a gradient of nan; the"):
        train.train(config, resume=False)
    assert {"state.pt", "last.safetensors"} <= {path.name for path in kept}
    assert {path: path.read_bytes() for path in kept} == kept


def test_a_gradient_cannot_be_clipped_to_nothing(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--clip must be above 0; it is 0"):
        config_of(photos, tmp_path, "--clip", "0")
    assert config_of(photos, tmp_path, "--clip", "inf").clip == float("inf")
