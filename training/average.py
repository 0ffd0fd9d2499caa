"""One model of several trainings: the mean of their weights (model soups, Wortsman et al., 2022).

    python -m training.average runs/{a,b}/last.safetensors --out runs/average.safetensors

Runs that began alike and saw other episodes err in other directions; their mean errs less than each
of them, and costs nothing when it is used. It is a checkpoint like any other.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from model.errors import InputError
from model.nn.checkpoint import load_checkpoint, save_checkpoint
from model.nn.cnaps import SimpleCnaps


def average(paths: Sequence[Path]) -> tuple[SimpleCnaps, dict[str, Any]]:
    """The mean of the checkpoints' weights, and what each tells about itself.

    The first's settings are kept where no weight depends on them. Raises InputError for fewer than
    two checkpoints and for those whose FiLM differs.
    """
    if len(paths) < 2:
        raise InputError(f"An average needs 2 checkpoints or more; there is {len(paths)}.")
    loaded = [load_checkpoint(path) for path in paths]
    model, _ = loaded[0]
    for path, (other, _) in zip(paths, loaded, strict=True):
        for name in ("film", "sites", "embedding", "features"):
            ours, theirs = getattr(model.config, name), getattr(other.config, name)
            if ours != theirs:
                raise InputError(f"{path} has {name} {theirs}, and {paths[0]} has {ours}.")
    weights = [dict(other.named_parameters()) for other, _ in loaded]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.stack([own[name] for own in weights]).mean(0))
    facts = [provenance for _, provenance in loaded]
    return model, {"average of": facts, "hours": round(sum(f.get("hours", 0) for f in facts), 3)}


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoints", type=Path, nargs="+", help=".safetensors of training.train")
    parser.add_argument("--out", type=Path, required=True, help="the .safetensors to write")
    args = parser.parse_args(argv)
    try:
        save_checkpoint(args.out, *average(args.checkpoints))
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
