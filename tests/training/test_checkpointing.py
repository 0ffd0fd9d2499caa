"""Where a run stands: written whole or not at all, and never taken for another run's."""

import dataclasses
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
import torch
from torch import nn

from model.errors import InputError
from model.nn.checkpoint import load_checkpoint, save_checkpoint
from model.nn.cnaps import CnapsConfig, SimpleCnaps
from training.checkpointing import Progress, load_state, save_state
from training.log import Log
from training.settings.config import TrainConfig


@contextmanager
def full_disk(free: int) -> Iterator[None]:
    """Writing more than `free` bytes to a file fails, as it does where no room is left."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Small(nn.Linear):
    """Weights, all of which are kept: what they belong to is not this file's business."""

    def kept(self) -> dict[str, torch.Tensor]:
        return self.state_dict()


def small() -> tuple[SimpleCnaps, torch.optim.Optimizer]:
    model = Small(40, 40)
    return cast(SimpleCnaps, model), torch.optim.Adam(model.parameters())


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    return TrainConfig(out=str(tmp_path), photos=("photos",))


def test_what_is_saved_comes_back(config: TrainConfig) -> None:
    (model, optimiser), progress = small(), Progress(7, 0.5, 12.0)
    model.state_dict()["bias"].fill_(3.0)
    save_state(config, model, optimiser, progress)
    again, other = small()
    assert load_state(config, again, other) == progress
    assert torch.equal(again.state_dict()["bias"], model.state_dict()["bias"])
    assert torch.equal(again.state_dict()["weight"], model.state_dict()["weight"])


def test_the_state_before_survives_a_full_disk(config: TrainConfig) -> None:
    path = Path(config.out) / "state.pt"
    save_state(config, *small(), Progress(1))
    before = path.read_bytes()
    with (
        full_disk(1000),
        pytest.raises(InputError, match=r"could not be written.*the one before stands, so make"),
    ):
        save_state(config, *small(), Progress(2))
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["state.pt"]
    assert load_state(config, *small()).step == 1


def test_the_checkpoint_before_survives_a_full_disk(tmp_path: Path) -> None:
    path, model = tmp_path / "best.safetensors", SimpleCnaps(CnapsConfig())
    save_checkpoint(path, model, {"steps": 1})
    before = path.read_bytes()
    with full_disk(1000), pytest.raises(InputError, match=r"best\.safetensors"):
        save_checkpoint(path, model, {"steps": 2})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert load_checkpoint(path)[1] == {"steps": 1}


def test_another_runs_state_is_refused_in_words(config: TrainConfig) -> None:
    path = Path(config.out) / "state.pt"
    with pytest.raises(InputError, match=r"has no state\.pt to resume from; start without --res"):
        load_state(config, *small())
    save_state(config, *small(), Progress(1))
    other = dataclasses.replace(config, rate=0.1, photos=("others",))
    with pytest.raises(InputError, match="other values of --photos, --rate; resume it with the s"):
        load_state(other, *small())
    state = torch.load(path, weights_only=True)
    torch.save(state | {"format": 2}, path)
    with pytest.raises(InputError, match="has format 2; this program resumes format 1"):
        load_state(config, *small())
    for wrong in (path.read_bytes()[:900], b"not a state at all"):
        path.write_bytes(wrong)
        with pytest.raises(InputError, match="is damaged, or not a run's state; start again in"):
            load_state(config, *small())
    lacking = {"model": {"bias": torch.zeros(40)}}
    shaped = {"model": {"bias": torch.zeros(9), "weight": torch.zeros(9)}}
    for odd in ([1, 2], state | lacking, state | shaped, state | {"optimiser": {}}, {"format": 1}):
        torch.save(odd, path)
        with pytest.raises(InputError, match="is damaged, or not a run's state"):
            load_state(config, *small())


def test_a_run_may_go_on_elsewhere(config: TrainConfig, tmp_path: Path) -> None:
    save_state(config, *small(), Progress(3))
    moved = tmp_path / "moved"
    moved.mkdir()
    (Path(config.out) / "state.pt").rename(moved / "state.pt")
    other = dataclasses.replace(config, out=str(moved), workers=3, threads=7)
    assert load_state(other, *small()).step == 3


def test_the_curves_go_on_where_the_run_does(tmp_path: Path) -> None:
    log = Log(tmp_path, 0)
    for step in range(4):
        log.write(step, "train", {"loss": 1.0 + step})
        if step % 2:
            log.write(step + 1, "validation", {"accuracy": 0.5})
    with log.path.open("a") as file:
        file.write('{"step": 4, "kind": "tr')  # killed here
    log.board.close()
    Log(tmp_path, 2).board.close()
    rows = [json.loads(line) for line in log.path.read_text().splitlines()]
    assert [(row["kind"], row["step"]) for row in rows] == [
        ("train", 0), ("train", 1), ("validation", 2),
    ]  # fmt: skip
    Log(tmp_path, 0).board.close()
    assert log.path.read_text() == ""
