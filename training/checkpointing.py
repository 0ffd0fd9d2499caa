"""Where a training stands, so that it goes on after kill -9 as if nothing had happened.

`last.safetensors` and `best.safetensors` are checkpoints for use; `state.pt` beside them holds the
same weights with the optimiser's moments, the step and the configuration. Episodes and draws depend
on their numbers alone, so no random state is kept. Every file is replaced whole.
"""

from __future__ import annotations

import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from model.errors import InputError
from model.nn.cnaps import SimpleCnaps
from model.saving import atomic_write
from training.settings.config import TrainConfig, differences

FORMAT = 1
FILE = "state.pt"
PARTS = {"format", "config", "model", "optimiser", "progress"}


@dataclass(frozen=True)
class Progress:
    """How far a training has come."""

    step: int = 0  # optimiser steps done
    best: float = -1.0  # best validation accuracy so far
    seconds: float = 0.0  # spent training, over all its runs


def save_state(
    config: TrainConfig, model: SimpleCnaps, optimiser: torch.optim.Optimizer, progress: Progress
) -> None:
    """Replace the state of the run; what was there before stays if the disk is full."""
    path = Path(config.out) / FILE
    state = {
        "format": FORMAT,
        "config": {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(config).items()},
        "model": model.kept(),
        "optimiser": optimiser.state_dict(),
        "progress": asdict(progress),
    }
    try:
        with atomic_write(path) as unfinished:
            torch.save(state, unfinished)
    except (InputError, RuntimeError) as error:  # the latter from torch's zip writer, disk full
        raise InputError(
            f"The state of the run could not be written to {path} ({error.__cause__ or error}); "
            "the one before stands, so make room and pass --resume."
        ) from error


def load_state(
    config: TrainConfig, model: SimpleCnaps, optimiser: torch.optim.Optimizer
) -> Progress:
    """Fill model and optimiser from the run's state; InputError if it is another run's."""
    path = Path(config.out) / FILE
    if not path.is_file():
        raise InputError(f"{config.out} has no {FILE} to resume from; start without --resume.")
    damaged = f"{path} is damaged, or not a run's state; start again in another --out."
    if not zipfile.is_zipfile(path):  # cut short: the list of a zip's parts stands at its end
        raise InputError(damaged)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's reader has no error of its own for a foreign file
        raise InputError(damaged) from error
    if not isinstance(state, dict) or not set(state) >= PARTS:
        raise InputError(damaged)
    if state["format"] != FORMAT:
        raise InputError(
            f"{path} has format {state['format']}; this program resumes format {FORMAT}."
        )
    other = differences(config, state["config"])
    if other:
        flags = ", ".join("--" + name.replace("_", "-") for name in other)
        raise InputError(
            f"The run in {config.out} was started with other values of {flags}; resume it with the "
            "same, or start a new one in another --out."
        )
    if set(state["model"]) != set(model.kept()):
        raise InputError(damaged)
    try:
        model.load_state_dict(state["model"], strict=False)
        optimiser.load_state_dict(state["optimiser"])
        return Progress(**state["progress"])
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise InputError(damaged) from error
