"""Where a training starts: from a checkpoint or the frozen backbone, with a set encoder that tells
tasks apart.

At its random start a convolutional net sees almost the same in every task: what two tasks differ
by is a small part of what they share, so that the FiLM generator learns one FiLM for all of them
and nothing else. The net's last layer is linear, as is the mean over the support; both together are
turned once, before the first step, so that over a sample of tasks the embeddings have mean 0 and,
but for RIDGE, covariance 1 (a start that depends on the data, as Krähenbühl et al., 2016, give
every layer). From there on the net is trained as the others are, but slowly (--rate-encoder): a
small step of its first layers moves all embeddings at once, and soon further than what lies between
them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from model.errors import InputError
from model.nn.checkpoint import load_checkpoint
from model.nn.cnaps import SimpleCnaps
from training.episodes.domains.mixture import episodes_of
from training.episodes.episode import load
from training.lite import task_embedding
from training.settings import provenance
from training.settings.config import LiteConfig, TrainConfig
from training.settings.provenance import Provenance, Run

# Added to every direction's variance, in mean variances: one that tasks hardly differ in would
# otherwise be blown up, and with it every small change of the layers before.
RIDGE = 1.0


def start(model: SimpleCnaps, config: TrainConfig) -> None:
    """Give a new model the weights of step 0, wherever it is, the same in every process."""
    if config.weights:
        model.backbone.load(Path(config.weights))
    given = load_checkpoint(Path(config.start))[0] if config.start else None
    if given is not None:
        load_pretrained(model, given, config.start)
    reads_pixels = model.config.film == "task" and model.config.context == "pixels"
    if reads_pixels and (given is None or given.config.film != "task"):
        # whatever the seed: only runs that began alike can be averaged
        episodes = episodes_of(replace(config, seed=0, queries=1), validation=False)
        supports = (e.task.support for e in load(episodes, range(config.whitening), config.workers))
        whiten(model, supports)


def blended(config: TrainConfig, resume: bool) -> Provenance | None:
    """How the blend was made that a training goes on from; None for other trainings. One that is
    resumed knows it, and needs no --start any more.
    """
    if config.context != "blend":
        return None
    if not resume:
        return provenance.read(load_checkpoint(Path(config.start))[1])
    made = provenance.read(load_checkpoint(Path(config.out) / "last.safetensors")[1])
    return made.started if isinstance(made, Run) else None


@torch.no_grad()
def load_pretrained(model: SimpleCnaps, given: SimpleCnaps, name: str) -> None:
    """The weights of `given`; its one FiLM for all tasks becomes what the tasks' vary around.

    InputError if the two have other sites or sizes, or FiLM of other kinds in another way.
    """
    for option in ("backbone", "sites", "context", "film", "head"):
        ours, theirs = getattr(model.config, option), getattr(given.config, option)
        if ours != theirs and (ours, theirs) != ("task", "constant"):
            raise InputError(f"{name} was trained with {option} {theirs}, not {ours}.")
    if model.config.film == given.config.film:
        if given.config.embedding != model.config.embedding:
            raise InputError(
                f"{name} has embeddings of {given.config.embedding} numbers; a training starts "
                f"from those of {model.config.embedding}."
            )
        tensors = given.state_dict()
        tensors.pop("clutter", None)  # which holds for the FiLM of `given`
        model.load_state_dict(tensors)
        return
    nothing = torch.zeros(given.config.embedding)  # what every task's embedding is there
    (_, ours), (_, theirs) = model.pixel_parts(), given.pixel_parts()
    pairs = zip(ours.vectors(), theirs.vectors(), strict=True)
    for vector, constant in pairs:
        vector.r.copy_(constant.r)
        vector.last.bias.copy_(constant.unscaled(nothing))
    model.log_temperature.copy_(given.log_temperature)


@torch.no_grad()
def whiten(model: SimpleCnaps, supports: Iterable[Tensor]) -> Tensor:
    """Turn the set encoder's last layer by the embeddings of T tasks, given their supports
    (N, T, ...); returns the embeddings (T, E) that they have from then on.

    In place. Exact up to RIDGE; what the tasks do not vary in at all stays as good as 0.
    """
    e = embeddings(model, supports).double()  # (T, E)
    mean, covariance = e.mean(0), torch.cov(e.T, correction=0)
    variances, directions = torch.linalg.eigh(covariance)
    variances = variances.clamp(min=0)
    scales = (variances + RIDGE * variances.mean()).clamp(min=1e-12).rsqrt()
    turn = directions @ scales.diag() @ directions.T  # (E, E)
    project = model.pixel_parts()[0].project
    project.weight.copy_(turn @ project.weight.double())
    project.bias.copy_(turn @ (project.bias.double() - mean))
    return ((e - mean) @ turn).float()


def embeddings(model: SimpleCnaps, supports: Iterable[Tensor]) -> Tensor:
    """The embeddings (T, E) of T tasks, given their supports (N, T, ...), without any gradient."""
    device = model.log_temperature.device
    return torch.stack(
        [
            # of all but statistics the embedding is a mean, which asks for no labels
            task_embedding(model, s.to(device), torch.zeros(len(s), dtype=torch.long), LiteConfig())
            for s in supports
        ]
    )
