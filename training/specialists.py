r"""One model of two specialists: a gate on the frozen backbone says whose task it is.

    python -m training.specialists --composites COMPOSITES.safetensors \
        --classes CLASSES.safetensors --out runs/both.safetensors --photos PHOTOS --views VIEWS.npy

One FiLM for all tasks must settle between kinds of task that want other things: telling
near-duplicates apart from views of the very object, and finding a class again from other photos of
it. Trained together, each kind takes from the other. Here each has a training of its own, and the
model goes smoothly from one's FiLM to the other's (`model.nn.gate`). The gate is a line through
what the frozen backbone sees of the support, by ridge regression to +1 on composite and -1 on class
episodes; LITE had no part in it. Prints how well it tells apart episodes that are held out.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from model.errors import InputError
from model.nn.checkpoint import save_checkpoint
from model.nn.cnaps import SimpleCnaps
from model.nn.gate import Gate, TwoFilms
from training.average import load_alike
from training.episodes.episode import Episode, Episodes, load
from training.episodes.mixture import episodes_of, photos_of
from training.episodes.photos import SinglePhotos
from training.initialise import embeddings
from training.settings import provenance
from training.settings.command_line import read
from training.settings.config import GATE_OPTIONS, KINDS, TrainConfig, check
from training.settings.provenance import Combination, commit, settings_of

BATCH = 64  # frames at once
RIDGE = 10.0  # of the regression, in tasks: it sees channel means of variance 1


@torch.no_grad()
def combine(paths: Sequence[Path], config: TrainConfig) -> tuple[SimpleCnaps, Combination]:
    """The model of the two checkpoints, in the order of KINDS, and its provenance.

    `config` says where the episodes come from, --whitening of each kind. Windows are the first's.
    InputError if one of the two has no FiLM, or has it elsewhere, or for other features.
    """
    (first, one), (second, two) = load_alike(paths, ("sites", "features"))
    for path, model in zip(paths, (first, second), strict=True):
        if model.config.film == "none":
            raise InputError(f"{path} has no FiLM.")
    gated = replace(first.config, film="task", context="gate", embedding=1, clutter=0)
    both = SimpleCnaps(gated)
    gate, films = both.set_encoder, both.film_generator
    assert isinstance(gate, Gate) and isinstance(films, TwoFilms)
    supports = [supports_of(config, kind) for kind in KINDS]
    films.above.copy_(mean_film(first, supports[0]))
    films.below.copy_(mean_film(second, supports[1]))
    a, c = fit_gate(*(early_means(both, tasks) for tasks in supports))
    gate.line.weight.copy_(a[None])
    gate.line.bias.fill_(c)
    both.log_temperature.copy_((first.log_temperature + second.log_temperature) / 2)
    options = {name: value for name, value in settings_of(config).items() if name in GATE_OPTIONS}
    specialists = dict(zip(KINDS, (one, two), strict=True))
    return both, Combination(specialists, options, commit(), provenance.hours((one, two)))


def supports_of(config: TrainConfig, kind: str, validation: bool = False) -> list[Tensor]:
    """The support clips (N, T, ...) of --whitening tasks of one kind, of what trainings draw from
    or, half as many, of what is held out. InputError where there are none.

    Half of the classes are single photos of anything: few folders hold several photos of a class,
    and a gate that has seen only these takes whatever else a photo shows for composites.
    """
    count = max(config.whitening // (2 if validation else 1), 1)
    weights = {f"weight_{name}": float(name == kind) for name in (*KINDS, "photos", "orbit")}
    drawn: list[Dataset[Episode]] = [episodes_of(replace(config, queries=1, **weights), validation)]
    if kind == "classes":
        singles = SinglePhotos(photos_of(config, validation), config.way)
        drawn.append(Episodes([singles], [1], config.seed))
    return [
        episode.task.support
        for at, episodes in enumerate(drawn)
        for episode in load(episodes, range(at, count, len(drawn)), config.workers)
    ]


def mean_film(model: SimpleCnaps, supports: Sequence[Tensor]) -> Tensor:
    """The FiLM (2C,) that a specialist has on average over tasks of its own kind."""
    if model.config.film == "constant":
        return model.film(torch.zeros(model.config.embedding))  # every task's embedding
    return torch.stack([model.film(e) for e in embeddings(model, supports)]).mean(0)


def early_means(model: SimpleCnaps, supports: Sequence[Tensor]) -> Tensor:
    """What the gate sees of T tasks: the mean over their support frames, (T, EARLY)."""
    rows = [
        torch.cat([model.backbone.early(part) for part in clips.flatten(0, 1).split(BATCH)])
        for clips in supports
    ]
    return torch.stack([own.mean(0) for own in rows])


def fit_gate(above: Tensor, below: Tensor) -> tuple[Tensor, float]:
    """a (C,) and c with a m + c near +1 and -1 on means m (T, C); both kinds weigh the same."""
    kinds = above.double(), below.double()
    centre = torch.stack([m.mean(0) for m in kinds]).mean(0)
    scale = torch.cat([m - centre for m in kinds]).std(0).clamp_min(1e-6)
    x = torch.cat([(m - centre) / scale for m in kinds])  # (T, C)
    target = torch.cat([torch.ones(len(above)), -torch.ones(len(below))]).double()
    weight = torch.cat([torch.full((len(m),), len(x) / len(m) / 2) for m in kinds]).double()
    # both kinds together have a mean of 0, of targets too: the regression needs no constant
    ridge = RIDGE * torch.eye(x.shape[1]).double()
    a = torch.linalg.solve((x.T * weight) @ x + ridge, x.T @ (weight * target)) / scale
    return a.float(), -float(a @ centre)


@torch.no_grad()
def held_out(model: SimpleCnaps, config: TrainConfig) -> list[float]:
    """For each of KINDS, the share of held-out tasks that the gate gives to its specialist."""
    shares = []
    for kind, sign in zip(KINDS, (1, -1), strict=True):
        g = embeddings(model, supports_of(config, kind, validation=True))
        shares.append((sign * g > 0).float().mean().item())
    return shares


def parse(argv: Sequence[str]) -> tuple[TrainConfig, dict[str, Any]]:
    """The options of the gate's episodes, and the paths `out` and one for each of KINDS."""
    assert __doc__
    own = {kind: (Path, ..., f"the specialist for {kind}, .safetensors") for kind in KINDS}
    own["out"] = (Path, ..., "the .safetensors to write")
    return read(argv, __doc__, own, GATE_OPTIONS)


def main(argv: Sequence[str] | None = None) -> None:
    config, own = parse(sys.argv[1:] if argv is None else argv)
    try:
        if not (config.photos and config.views):
            raise InputError("The gate needs composites and classes; give --photos and --views.")
        check(config)
        torch.set_num_threads(config.threads)
        model, made_by = combine([own[kind] for kind in KINDS], config)
        save_checkpoint(own["out"], model, provenance.write(made_by))
        shares = zip(KINDS, held_out(model, config), strict=True)
        print("held-out episodes that get their specialist:",
              ", ".join(f"{100 * share:.1f} % of {kind}" for kind, share in shares))  # fmt: skip
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
