"""One model of several trainings: the mean of their FiLM (model soups, Wortsman et al., 2022).

    python -m training.average runs/{a,b}/last.safetensors --out runs/average.safetensors

Runs that saw other episodes err in other directions; their mean errs less than each of them, and
costs nothing when it is used. It is a checkpoint like any other. FiLM is linear in the generator's
last layer: of runs with one FiLM for all tasks, and of these with one task-conditioned run, the
mean is exact. The set encoders of several task-conditioned runs are averaged too, weight by weight,
which is good for runs that began alike.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from model.errors import InputError
from model.nn.checkpoint import load_checkpoint, save_checkpoint
from model.nn.cnaps import SimpleCnaps
from model.nn.film import FilmVector
from training.settings import provenance
from training.settings.command_line import parser_for
from training.settings.provenance import Provenance

# Settings on which the meaning of the weights depends.
ALIKE = ("backbone", "inputs", "sites", "film_on", "context", "embedding", "features", "head",
         "backbone_trained")  # fmt: skip


def average(paths: Sequence[Path]) -> tuple[SimpleCnaps, Provenance]:
    """The mean of the checkpoints, and how each was made; one named twice counts twice.

    Task-conditioned if one of them is. The first's settings are kept where no weight depends on
    them. Raises InputError for fewer than two checkpoints, for those whose FiLM differs, and for
    those that trained more than a set encoder and FiLM.
    """
    if len(paths) < 2:
        raise InputError(f"An average needs 2 checkpoints or more; there is {len(paths)}.")
    loaded = load_alike(paths, ALIKE)
    first = loaded[0][0].config
    if first.backbone_trained or first.head == "generated":
        trained = "backbone" if first.backbone_trained else "head"
        raise InputError(f"{paths[0]} trained its {trained} too; a mean is of FiLM alone.")
    models = [model for model, _ in loaded]
    for path, other in zip(paths, models, strict=True):
        if (other.config.film == "none") != (models[0].config.film == "none"):
            raise InputError(f"Of {path} and {paths[0]} one has FiLM and the other has none.")
    return mean(models), provenance.mean(tuple(made_by for _, made_by in loaded))


def load_alike(
    paths: Sequence[Path], settings: Sequence[str]
) -> list[tuple[SimpleCnaps, Provenance]]:
    """Checkpoints and their provenance; InputError where `settings` differ."""
    loaded = []
    for path in paths:
        model, header = load_checkpoint(path)
        loaded.append((model, provenance.read(header)))
    first = loaded[0][0].config
    for path, (model, _) in zip(paths, loaded, strict=True):
        for name in settings:
            ours, theirs = getattr(first, name), getattr(model.config, name)
            if ours != theirs:
                raise InputError(f"{path} has {name} {theirs}, and {paths[0]} has {ours}.")
    return loaded


@torch.no_grad()
def mean(models: Sequence[SimpleCnaps]) -> SimpleCnaps:
    """The mean of models with the same sites and sizes, in the first task-conditioned one."""
    conditioned = [model for model in models if model.config.film == "task"]
    # what one knows of clutter holds for its own FiLM
    mixed = SimpleCnaps(replace((conditioned or models)[0].config, clutter=0))
    for part in ("set_encoder", "film_generator"):
        own = [
            dict(model.get_submodule(part).named_parameters()) for model in conditioned or models
        ]
        for name, parameter in mixed.get_submodule(part).named_parameters():
            parameter.copy_(torch.stack([weights[name] for weights in own]).mean(0))
    mixed.log_temperature.copy_(torch.stack([model.log_temperature for model in models]).mean())
    kinds = [model.config.film for model in models]
    generators = [model.pixel_parts()[1].vectors() for model in models]
    for vector, *parts in zip(mixed.pixel_parts()[1].vectors(), *generators, strict=True):
        _mix(vector, parts, kinds)
    return mixed


def _mix(vector: FilmVector, parts: Sequence[FilmVector], kinds: Sequence[str]) -> None:
    """The mean of r (W h + b) over the parts; r is the root mean square of theirs."""
    folded = [_folded(part, kind) for part, kind in zip(parts, kinds, strict=True)]
    weights, biases = zip(*folded, strict=True)
    r = torch.stack([part.r for part in parts]).square().mean(0).sqrt()
    scale = torch.where(r > 0, r, 1)
    vector.r.copy_(r)
    vector.last.weight.copy_(torch.stack(weights).mean(0) / scale[:, None])
    vector.last.bias.copy_(torch.stack(biases).mean(0) / scale)


def _folded(part: FilmVector, kind: str) -> tuple[Tensor, Tensor]:
    """r W and r b; of one FiLM for all tasks nothing hangs on h."""
    if kind == "task":
        return part.folded()
    nothing = torch.zeros(part.first.in_features)  # every task's embedding
    return torch.zeros_like(part.last.weight), part(nothing)


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    parser.add_argument("checkpoints", type=Path, nargs="+", help=".safetensors of training.train")
    parser.add_argument("--out", type=Path, required=True, help="the .safetensors to write")
    args = parser.parse_args(argv)
    try:
        model, made_by = average(args.checkpoints)
        save_checkpoint(args.out, model, provenance.write(made_by))
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
