r"""One task-conditioned model of two specialists: the set encoder says whose task it is.

    python -m training.specialists --composites COMPOSITES.safetensors \
        --classes CLASSES.safetensors --out runs/both.safetensors --photos PHOTOS --views VIEWS.npy

One FiLM for all tasks must settle between kinds of task that want other things: telling
near-duplicates apart from views of the very object, and finding a class again from other photos of
it. Trained together, each kind takes from the other. Here each has a training of its own, and the
FiLM generator goes smoothly from one's FiLM to the other's:

    film(e) = (A + B) / 2 + (A - B) / 2 * g / sqrt(g^2 + SOFT^2),   g = a e + b

with a and b by ridge regression to +1 on composite and -1 on class episodes, and embeddings
whitened over both (`training.initialise`). The generator's own layers hold this, up to the norm's
eps of 1e-5 beside SOFT^2, so that the result is a checkpoint as any other: it can be trained on and
exported.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.errors import InputError
from model.nn.checkpoint import save_checkpoint
from model.nn.cnaps import SimpleCnaps
from model.nn.film import FilmVector
from training.average import load_alike
from training.episodes.episode import load
from training.episodes.mixture import episodes_of
from training.initialise import embeddings, whiten
from training.settings import provenance
from training.settings.command_line import read
from training.settings.config import GATE_OPTIONS, KINDS, TrainConfig, check
from training.settings.provenance import Combination, commit, settings_of

RIDGE = 10.0  # of the regression, in tasks: embeddings have variances below 1
SOFT = 0.15  # the g at which 0.7 of the way is gone


@torch.no_grad()
def combine(paths: Sequence[Path], config: TrainConfig) -> tuple[SimpleCnaps, Combination]:
    """The model of the two checkpoints, in the order of KINDS, and its provenance.

    `config` says where the episodes come from, --whitening of each kind. Embedding and windows are
    the first's. InputError if one of the two has no FiLM, or has it elsewhere, or for other
    features.
    """
    (first, one), (second, two) = load_alike(paths, ("sites", "features"))
    for path, model in zip(paths, (first, second), strict=True):
        if model.config.film == "none":
            raise InputError(f"{path} has no FiLM.")
    if (size := first.config.embedding) % 2 or size < 4:
        raise InputError(
            f"{paths[0]} has embeddings of {size} numbers; the gate needs an even number from 4."
        )
    supports = [supports_of(config, kind) for kind in KINDS]
    films = [mean_film(m, tasks) for m, tasks in zip((first, second), supports, strict=True)]
    with torch.random.fork_rng():
        torch.manual_seed(0)  # as training.train: only models that began alike can be averaged
        both = SimpleCnaps(replace(first.config, film="task"))
    whitened = whiten(both, [support for tasks in supports for support in tasks])
    gate = fit_gate(*whitened.split([len(tasks) for tasks in supports]))
    blend(both, *gate, *films)
    both.log_temperature.copy_((first.log_temperature + second.log_temperature) / 2)
    gate = {name: value for name, value in settings_of(config).items() if name in GATE_OPTIONS}
    specialists = dict(zip(KINDS, (one, two), strict=True))
    return both, Combination(specialists, gate, commit(), provenance.hours((one, two)))


def supports_of(config: TrainConfig, kind: str) -> list[Tensor]:
    """The support clips (N, T, ...) of --whitening tasks of one kind, of what trainings draw from.

    InputError where there are none.
    """
    weights = {f"weight_{name}": float(name == kind) for name in (*KINDS, "photos", "orbit")}
    episodes = episodes_of(replace(config, queries=1, **weights), validation=False)
    return [e.task.support for e in load(episodes, range(config.whitening), config.workers)]


def mean_film(model: SimpleCnaps, supports: Sequence[Tensor]) -> Tensor:
    """The FiLM (2C,) that a specialist has on average over tasks of its own kind."""
    if model.config.film == "constant":
        return model.film(torch.zeros(model.config.embedding))  # every task's embedding
    return torch.stack([model.film(e) for e in embeddings(model, supports)]).mean(0)


def fit_gate(positive: Tensor, negative: Tensor) -> tuple[Tensor, float]:
    """a (E,) and b with a e + b near +1 and -1 on embeddings (T, E); both kinds weigh the same."""
    e = torch.cat([positive, negative]).double()
    ones = torch.ones(len(e), 1).double()
    target = torch.cat([ones[: len(positive)], -ones[: len(negative)]])
    weight = torch.cat(
        [ones[: len(positive)] / len(positive), ones[: len(negative)] / len(negative)]
    )
    weight *= len(e) / 2
    x = torch.cat([e, ones], 1)
    ridge = RIDGE * torch.eye(x.shape[1]).double()
    ridge[-1, -1] = 0
    solution = torch.linalg.solve(x.T @ (weight * x) + ridge, x.T @ (weight * target))[:, 0]
    return solution[:-1].float(), float(solution[-1])


@torch.no_grad()
def blend(model: SimpleCnaps, a: Tensor, b: float, positive: Tensor, negative: Tensor) -> None:
    """Set a new model's FiLM generator: from FiLM `negative` (2C,) to `positive`, g = a e + b."""
    frozen = torch.cat([torch.ones(len(positive) // 2), torch.zeros(len(positive) // 2)])
    vectors = model.film_generator.vectors()
    sizes = [len(vector.r) for vector in vectors]
    parts = ((film - frozen).split(sizes) for film in (positive, negative))
    for vector, up, down in zip(vectors, *parts, strict=True):
        _blend(vector, a, b, up, down)


def _blend(vector: FilmVector, a: Tensor, b: float, up: Tensor, down: Tensor) -> None:
    """Half of the units see g + u, the other half its negative -(g + u), with u around 0 of root
    mean square SOFT: a new model's norm divides all by sqrt(g^2 + SOFT^2), and
    relu(x) - relu(-x) = x.
    """
    half = len(a) // 2
    u = torch.linspace(-1, 1, half)
    u *= SOFT / u.square().mean().sqrt()
    vector.first.weight.copy_(torch.cat([a.expand(half, -1), -a.expand(half, -1)]))
    vector.first.bias.copy_(torch.cat([b + u, -b - u]))
    r = ((up.square() + down.square()) / 2).sqrt().clamp(min=1e-6)
    sign = torch.cat([torch.ones(half), -torch.ones(half)])
    vector.r.copy_(r)
    vector.last.weight.copy_(((up - down) / 2 / r)[:, None] * sign / half)
    vector.last.bias.copy_((up + down) / 2 / r)


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
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
