"""A file of tensors becomes a model of ours: every tensor lands or is named."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.errors import InputError
from model.nn.cnaps import SimpleCnaps
from training.import_checkpoint import orbit
from training.import_checkpoint.layout import GENERATOR, SET_ENCODER, Layout
from training.import_checkpoint.lite import LITE

RESUMABLE = "model_state_dict"  # LITE's checkpoint.pt has the weights under it


@dataclass(frozen=True)
class Imported:
    """A model of another program, and what of its file nothing needed."""

    model: SimpleCnaps
    layout: Layout
    unused: tuple[str, ...]


def read(path: Path) -> Imported:
    """InputError that names the tensor, for a file that is not whole, of another layout, or that
    holds anything but tensors: nothing in it is ever run.
    """
    tensors, others = _tensors(path)
    layout = recognise(tensors)
    model = SimpleCnaps(layout.config)
    wanted = {
        layout.theirs(model, ours): ours
        for ours in model.kept()
        if ours != "log_temperature" and not _stand_in(layout, ours)
    }
    if missing := sorted(wanted.keys() - tensors.keys()):
        raise InputError(_lacking(path, layout, "is missing", missing))
    if extra := sorted(tensors.keys() - wanted.keys() - set(layout.unused)):
        raise InputError(_lacking(path, layout, "is not one of it", extra))
    ours = model.state_dict()
    for theirs, name in wanted.items():
        shape, needed = tuple(tensors[theirs].shape), tuple(ours[name].shape)
        if shape != needed:
            raise InputError(f"{path}: {theirs} has the shape {shape}, not {needed}.")
        if not torch.isfinite(tensors[theirs]).all():
            raise InputError(f"{path}: {theirs} has numbers that are not finite.")
        ours[name] = tensors[theirs]
    model.load_state_dict(ours | {"log_temperature": torch.tensor(0.0)})  # t = 1
    unused = (*(name for name in layout.unused if name in tensors), *others)
    return Imported(model.eval(), layout, unused)


def recognise(names: Iterable[str]) -> Layout:
    """The layout of a checkpoint with tensors of these names; InputError where none is known."""
    names = list(names)

    def any_below(*prefixes: str) -> bool:
        return any(name.startswith(prefixes) for name in names)

    if any_below("set_encoder.pre_pooling_fn.", "feature_adaptation_network."):
        return LITE
    if any_below("set_encoder.encoder.", GENERATOR):
        generated = any_below("classifier.weight_processor.", "classifier.bias_processor.")
        return orbit.CNAPS if generated else orbit.SIMPLE_CNAPS
    if any_below("feature_extractor.conv_stem.") and not any_below(SET_ENCODER):
        return orbit.PROTONETS
    raise InputError(
        "Its tensors have neither the names of LITE's program (set_encoder.pre_pooling_fn) nor "
        "those of ORBIT's since December 2022 (set_encoder.encoder, feature_extractor.conv_stem); "
        f"one is {min(names, default='missing')!r}."
    )


def _stand_in(layout: Layout, ours: str) -> bool:
    """Whether a part of ours has nothing to say in a model without FiLM."""
    return layout.config.film == "none" and ours.startswith((SET_ENCODER, GENERATOR))


def _lacking(path: Path, layout: Layout, what: str, names: list[str]) -> str:
    more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
    kind = f"{layout.name} with EfficientNet-B0"
    return f"{path} does not fit {kind}: {names[0]} {what}{more}."


def _tensors(path: Path) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors by name, and what else the file holds, which is named and not used."""
    if not path.is_file():
        raise InputError(f"There is no file {path}.")
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's reader has no error of its own for a foreign file
        code = "weights_only" in str(error).lower() or "Unsupported" in str(error)
        if code and (zipfile.is_zipfile(path) or path.read_bytes()[:1] == b"\x80"):
            raise InputError(
                f"{path} holds more than tensors, code perhaps, and is not opened; ask its authors "
                "for the state_dict alone."
            ) from error
        raise InputError(f"{path} is not a checkpoint of PyTorch, or not a whole one.") from error
    others: list[str] = []
    if isinstance(found, Mapping) and isinstance(found.get(RESUMABLE), Mapping):
        others = sorted(str(name) for name in found if name != RESUMABLE)
        found = found[RESUMABLE]
    if not isinstance(found, Mapping) or not all(isinstance(t, Tensor) for t in found.values()):
        raise InputError(f"{path} is not a state_dict: a name and a tensor each.")
    return {str(name): tensor for name, tensor in found.items()}, others
