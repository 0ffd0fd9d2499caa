r"""Where a training over many domains starts: FiLM vectors, one a domain, and a set encoder that
tells the domains apart.

    python -m training.blend --composites COMPOSITES.safetensors --classes CLASSES.safetensors \
        --out runs/blend.safetensors --photos PHOTOS --views VIEWS.npy --fonts FONTS
    python -m training.train --context blend --start runs/blend.safetensors --weight-domains 1 ...

Things that a person films and photos of everyday classes have specialists: trainings of LITE of
their own, which took from each other when they were one. The vectors of the other domains begin as
one of these two. The set encoder begins as a softmax regression on what the frozen backbone sees of
the supports of training episodes; then LITE trains it and the new vectors together
(`model.nn.blend`). Prints how many held-out episodes it puts in their domain.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from model.errors import InputError
from model.nn.backbone import PACKAGED
from model.nn.blend import DOMAINS, GIVEN, BlendedFilm, DomainEncoder
from model.nn.checkpoint import save_checkpoint
from model.nn.cnaps import SimpleCnaps
from training.average import load_alike
from training.episodes.domains.mixture import orbit_of, photos_of, sources_of
from training.episodes.domains.sources import DOMAIN_OF
from training.episodes.episode import Episodes, Source, load
from training.episodes.photos import SinglePhotos
from training.initialise import embeddings
from training.settings import provenance
from training.settings.command_line import read
from training.settings.config import BLEND_OPTIONS, KINDS, TrainConfig, check, check_domains
from training.settings.provenance import Combination, commit, settings_of

BATCH = 64  # frames at once
RIDGE = 1e-3  # of the regression, on channel means of variance 1
OF_THINGS = ("cameras",)  # whose frames show things; those of the others are made of photos


@torch.no_grad()
def combine(paths: Sequence[Path], config: TrainConfig) -> tuple[SimpleCnaps, Combination]:
    """The model of the two specialists' checkpoints, in the order of KINDS, and its provenance.

    `config` says where the episodes come from, --whitening of each source. Windows are the first's.
    InputError if one of the two has no FiLM, or has it elsewhere, for other features or of another
    method or backbone than ours.
    """
    (first, one), (second, two) = load_alike(paths, ("sites", "features"))
    for path, model in zip(paths, (first, second), strict=True):
        if model.config.film == "none":
            raise InputError(f"{path} has no FiLM.")
        if (model.config.head, model.config.backbone) != ("mahalanobis", PACKAGED):
            raise InputError(
                f"{path} has the head {model.config.head} on {model.config.backbone}; a blend is "
                f"of Simple CNAPs on {PACKAGED}."
            )
    settings = replace(
        first.config, film="task", context="blend", embedding=len(DOMAINS), clutter=0
    )
    blend = SimpleCnaps(settings)
    encoder, film = blend.set_encoder, blend.film_generator
    assert isinstance(encoder, DomainEncoder) and isinstance(film, BlendedFilm)
    tasks = supports_of(config)
    by_kind = [[s for domain, s in tasks if domain == own] for own in KINDS.values()]
    specialists = [mean_film(m, s) for m, s in zip((first, second), by_kind, strict=True)]
    film.given.copy_(torch.stack(specialists))
    for vector, domain in zip(film.trained, DOMAINS[GIVEN:], strict=True):
        vector.copy_(specialists[0 if domain in OF_THINGS else 1])
    means = early_means(blend, [support for _, support in tasks])
    numbers = torch.tensor([DOMAINS.index(domain) for domain, _ in tasks])
    weight, bias = fit_encoder(means, numbers)
    encoder.line.weight.copy_(weight)
    encoder.line.bias.copy_(bias)
    blend.log_temperature.copy_((first.log_temperature + second.log_temperature) / 2)
    options = {name: value for name, value in settings_of(config).items() if name in BLEND_OPTIONS}
    parts = dict(zip(KINDS, (one, two), strict=True))
    return blend, Combination(parts, options, commit(), provenance.hours((one, two)))


def supports_of(config: TrainConfig, validation: bool = False) -> list[tuple[str, Tensor]]:
    """Domains and support clips (N, T, ...) of --whitening tasks of every source that trainings
    draw from or, a quarter as many, of what is held out.

    Single photos of anything are a source of their own: few folders hold several photos of a class,
    and an encoder that has seen only these takes whatever else a photo shows for something else. So
    are the clips of people, where --orbit names some: what is filmed looks less pasted.
    """
    count = max(config.whitening // (4 if validation else 1), 1)
    sources: list[tuple[str, Source]] = [
        (DOMAIN_OF[name], source)
        for name, source in sources_of(replace(config, queries=1), validation).items()
    ]
    sources.append(("photos", SinglePhotos(photos_of(config, validation), config.way)))
    if config.orbit:
        sources.append(("things", orbit_of(config, validation)))
    return [
        (domain, episode.task.support)
        for domain, source in sources
        for episode in load(Episodes([source], [1], config.seed), range(count), config.workers)
    ]


def mean_film(model: SimpleCnaps, supports: Sequence[Tensor]) -> Tensor:
    """The FiLM (2C,) that a specialist has on average over tasks of its own kind."""
    if model.config.film == "constant":
        return model.film(torch.zeros(model.config.embedding))  # every task's embedding
    return torch.stack([model.film(e) for e in embeddings(model, supports)]).mean(0)


def early_means(model: SimpleCnaps, supports: Sequence[Tensor]) -> Tensor:
    """What the set encoder sees of T tasks: the mean over their support frames, (T, EARLY)."""
    rows = [
        torch.cat([model.backbone.early(part) for part in clips.flatten(0, 1).split(BATCH)])
        for clips in supports
    ]
    return torch.stack([own.mean(0) for own in rows])


@torch.enable_grad()
def fit_encoder(means: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
    """W (K, C), c (K,) of the softmax regression from means m (T, C) to the domains' numbers (T,);
    all domains weigh the same.
    """
    centre, scale = means.mean(0), means.std(0).clamp_min(1e-6)
    x, counts = (means - centre) / scale, numbers.bincount(minlength=len(DOMAINS))
    weight = torch.zeros(len(DOMAINS), x.shape[1], requires_grad=True)
    bias = torch.zeros(len(DOMAINS), requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=500, line_search_fn="strong_wolfe")
    shares = len(x) / len(DOMAINS) / counts.clamp_min(1)

    def loss() -> float:
        optimiser.zero_grad()
        value = F.cross_entropy(x @ weight.T + bias, numbers, shares)
        value = value + RIDGE * weight.square().sum()
        value.backward()
        return value.item()

    optimiser.step(loss)
    with torch.no_grad():
        turned = weight / scale
        return turned, bias - turned @ centre


@torch.no_grad()
def held_out(model: SimpleCnaps, tasks: Sequence[tuple[str, Tensor]]) -> dict[str, float]:
    """For each domain, the share of its tasks (`supports_of`) whose largest score is its own."""
    best = embeddings(model, [support for _, support in tasks]).argmax(1).tolist()
    right = {domain: [] for domain in DOMAINS}
    for (domain, _), number in zip(tasks, best, strict=True):
        right[domain].append(DOMAINS[number] == domain)
    return {domain: sum(found) / len(found) for domain, found in right.items()}


def parse(argv: Sequence[str]) -> tuple[TrainConfig, dict[str, Any]]:
    """The options of the episodes, and the paths `out` and one for each of KINDS."""
    assert __doc__
    own = {kind: (Path, ..., f"the specialist for {kind}, .safetensors") for kind in KINDS}
    own["out"] = (Path, ..., "the .safetensors to write")
    return read(argv, __doc__, own, BLEND_OPTIONS)


def main(argv: Sequence[str] | None = None) -> None:
    config, own = parse(sys.argv[1:] if argv is None else argv)
    try:
        check_domains(config)
        check(config)
        if config.threads:
            torch.set_num_threads(config.threads)
        asked = supports_of(config, validation=True)  # what is missing for it is said first
        model, made_by = combine([own[kind] for kind in KINDS], config)
        save_checkpoint(own["out"], model, provenance.write(made_by))
        shares = [f"{100 * share:.1f} % of {d}" for d, share in held_out(model, asked).items()]
        print("held-out episodes in their domain:", ", ".join(shares))
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
