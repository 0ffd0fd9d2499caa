"""What the set encoder is for: answers under a task's own FiLM beside those under other FiLM.

    python -m training.experiments.embedding CHECKPOINT --photos DIR ... --views FILE --fonts DIR
        --validation 308 [--constant CHECKPOINT] [--orbit ROOT and other options of the episodes]

On held-out episodes of every source of `training.episodes.domains` in turn, and of the validation
people where --orbit names some: the FiLM of the task's own embedding, of the mean embedding of all
tasks, which is one FiLM for every task, of the embedding of a task of another domain, no FiLM at
all, and the one FiLM of --constant, under the same head and windows. Prints the accuracy of the
first by source, by domain and over all, its paired differences to the others with 95 % intervals
over tasks, and how FiLM moves from task to task. A checkpoint whose weights saw these episodes
tells nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.errors import InputError
from model.nn.checkpoint import load_checkpoint
from model.nn.cnaps import SimpleCnaps
from training.episodes.domains.mixture import orbit_of, sources_of
from training.episodes.domains.sources import DOMAIN_OF
from training.episodes.episode import RoundRobin, Task
from training.experiments.given import (
    accuracy,
    by_group,
    effective_rank,
    from_elsewhere,
    no_film,
)
from training.lite import task_embedding
from training.settings.command_line import read
from training.settings.config import (
    SYNTHETIC_SOURCES,
    LiteConfig,
    TrainConfig,
    check,
    check_domains,
)

OPTIONS = (*SYNTHETIC_SOURCES, "fonts", "orbit", "queries", "query", "frames", "validation")
PEOPLE = "people"  # a source, where there are some
FILMS = ("own", "mean", "another domain's", "none", "constant")


@dataclass(frozen=True)
class Asked:
    """A held-out task and where it comes from."""

    source: str
    task: Task

    @property
    def domain(self) -> str:
        return "things" if self.source == PEOPLE else DOMAIN_OF[self.source]


@dataclass(frozen=True)
class Found:
    """Of T tasks."""

    right: np.ndarray  # (T, 4 or 5): accuracy under each of FILMS; the last, where it was given
    films: Tensor  # (T, 2C)


def held_out(config: TrainConfig) -> list[Asked]:
    """--validation tasks, the sources in turn."""
    sources = sources_of(config, validation=True)
    if config.orbit:
        sources[PEOPLE] = orbit_of(config, validation=True)
    names, episodes = list(sources), RoundRobin(list(sources.values()))
    return [Asked(names[i % len(names)], episodes[i].task) for i in range(config.validation)]


@torch.no_grad()
def compare(model: SimpleCnaps, asked: Sequence[Asked], *constant: Tensor) -> Found:
    """The same tasks under each kind of FiLM; constant: (2C,), of a training of its own."""
    own = torch.stack(
        [task_embedding(model, a.task.support, a.task.labels, LiteConfig()) for a in asked]
    )
    films, mean = [model.film(e) for e in own], model.film(own.mean(0))
    rows = []
    for one, film, k in zip(asked, films, from_elsewhere([a.domain for a in asked]), strict=True):
        other = mean if k is None else films[k]
        given = (film, mean, other, no_film(mean), *constant)
        rows.append([accuracy(model, f, one.task, LiteConfig()) for f in given])
    return Found(np.array(rows), torch.stack(films))


def one_film(path: Path, model: SimpleCnaps) -> Tensor:
    """The FiLM (2C,) of a checkpoint that has one for all tasks of `model`'s backbone.

    Raises InputError for any other.
    """
    constant, _ = load_checkpoint(path)
    ours, theirs = model.config, constant.config
    if theirs.film != "constant" or (theirs.backbone, theirs.sites) != (ours.backbone, ours.sites):
        raise InputError(
            f"{path.name} has --film {theirs.film} on {theirs.backbone}; --constant takes one with "
            f"--film constant on {ours.backbone}."
        )
    return constant.film(torch.zeros(theirs.embedding)).detach()


def table(found: Found, asked: Sequence[Asked]) -> str:
    """Accuracies and paired differences in %, by source, by domain, over all."""
    others = FILMS[1 : found.right.shape[1]]
    lines = [f"{'':12}{'tasks':>6}{'own':>8}" + "".join(f"{'own - ' + f:>24}" for f in others)]
    sources, domains = [a.source for a in asked], [a.domain for a in asked]
    for group, rows, gains in by_group(100 * found.right, sources, domains):
        lines.append(
            f"{group:12}{len(rows):6}{rows[:, 0].mean():8.1f}"
            + "".join(f"{f'{gain.mean:+.1f} ± {gain.half:.1f}':>24}" for gain in gains)
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    own = {
        "checkpoint": (Path, ..., ".safetensors of training.train"),
        "constant": (Path | None, None, "one of --film constant, trained on the same episodes"),
    }
    argv = sys.argv[1:] if argv is None else argv
    config, values = read(argv, __doc__, own, OPTIONS, positional="checkpoint")
    try:
        check_domains(config)
        check(config)
        if config.threads:
            torch.set_num_threads(config.threads)
        model, _ = load_checkpoint(values["checkpoint"])
        constant = [one_film(values["constant"], model)] if values["constant"] else []
        asked = held_out(config)
        found = compare(model, asked, *constant)
    except InputError as error:
        sys.exit(str(error))
    print(table(found, asked))
    around = (found.films - found.films.mean(0)).square().mean().sqrt().item()
    print(f"FiLM: {around:.4f} between tasks, effective rank {effective_rank(found.films):.1f}")


if __name__ == "__main__":
    main()
