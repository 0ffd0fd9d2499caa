"""A checkpoint: what was trained, and the words that make a model of it again, in one safetensors
file.

The frozen backbone is not in it where its weights come from a package and are the same in every
training. Only numbers and JSON are ever read, never code. How far a training had come is
`training/train.py`'s to keep.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from model.card import sides
from model.errors import InputError
from model.nn.cnaps import CnapsConfig, SimpleCnaps
from model.saving import atomic_write

FORMAT = 2  # 1 had one size of windows, or null
METHOD = "Simple CNAPs"
FIRST = (
    "film",
    "sites",
    "embedding",
    "features",
    "windows",
    "window_floor",
)  # settings of format 1


def save_checkpoint(path: Path, model: SimpleCnaps, provenance: Mapping[str, Any]) -> None:
    """Write what was trained, its configuration and provenance; `path` is whole or untouched."""
    usual = asdict(CnapsConfig())
    # a newer setting at its default is left out, so that older programs can read the file
    config = {
        name: value
        for name, value in asdict(model.config).items()
        if name in FIRST or value != usual[name]
    }
    header = {
        "format": FORMAT,
        "method": METHOD,
        "config": config,
        "provenance": dict(provenance),
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.kept().items()}
    try:
        with atomic_write(path) as unfinished:
            save_file(tensors, unfinished, {"checkpoint": json.dumps(header, sort_keys=True)})
            unfinished.chmod(0o644)  # safetensors writes 0600
    except (InputError, SafetensorError) as error:
        reason = error.__cause__ or error
        raise InputError(
            f"The checkpoint {path} could not be written ({reason}); the one before is untouched."
        ) from error


def load_checkpoint(path: Path) -> tuple[SimpleCnaps, dict[str, Any]]:
    """The model on the CPU, and its provenance; InputError if the file is not one of ours."""
    try:
        with safe_open(path, "pt") as file:
            header = _header(path, file.metadata())
            names = list(file.keys())
            tensors = {name: file.get_tensor(name) for name in names}
    except FileNotFoundError:
        raise InputError(f"There is no checkpoint {path}.") from None
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} is not a checkpoint, or not a whole one ({error}).") from error
    try:
        config = dict(header["config"])
        if "windows" in config:
            config["windows"] = sides(config["windows"])
        model = SimpleCnaps(CnapsConfig(**config))
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: larger than memory
        raise InputError(
            f"{path} has settings that this program does not know: {error}."
        ) from error
    lacking = set(model.kept()) ^ set(tensors)
    if lacking:
        raise InputError(
            f"{path} does not fit its own settings: {sorted(lacking)[0]} is missing or too many."
        )
    try:
        model.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise InputError(f"{path} does not fit its own settings: {error}.") from error
    return model.eval(), header["provenance"]


def _header(path: Path, metadata: dict[str, str] | None) -> dict[str, Any]:
    if not metadata or "checkpoint" not in metadata:
        raise InputError(f"{path} holds tensors, but it is not a checkpoint of this program.")
    try:
        header = json.loads(metadata["checkpoint"])
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} has a header that is not a checkpoint's.") from error
    kinds = {"format": int, "method": str, "config": dict, "provenance": dict}
    whole = isinstance(header, dict) and all(type(header.get(k)) is t for k, t in kinds.items())
    if not whole or header["format"] < 1:
        raise InputError(f"{path} has a header that is not a checkpoint's.")
    if header["format"] > FORMAT:
        raise InputError(
            f"{path} has format {header['format']}, newer than the {FORMAT} that this program "
            "reads; update it."
        )
    if header["method"] != METHOD:
        raise InputError(
            f"{path} is a {header['method']!r} checkpoint; this program reads {METHOD!r}."
        )
    return header
