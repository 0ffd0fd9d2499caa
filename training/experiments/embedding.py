"""What the set encoder is for: answers under a task's own FiLM beside those under another task's.

    python -m training.experiments.embedding CHECKPOINT --orbit ROOT [options of the episodes]

On the validation episodes of these options, three kinds of FiLM: of the task's own embedding, of
the embedding of the episode before, and of the mean embedding of all episodes, which is one FiLM
for every task. Prints the accuracy of each, how many answers differ from the first, and how far
FiLM moves between tasks beside how far it moves from the frozen backbone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from model.errors import InputError
from model.nn.checkpoint import load_checkpoint
from model.nn.cnaps import SimpleCnaps
from training.episodes.episode import Task
from training.episodes.mixture import episodes_of
from training.experiments.given import GivenFilm
from training.lite import logits_of, task_embedding
from training.settings.command_line import read
from training.settings.config import SYNTHETIC_SOURCES, LiteConfig, check

OPTIONS = (*SYNTHETIC_SOURCES, "orbit", "weight_orbit", "weight_composites", "weight_photos",
         "weight_classes", "queries", "clip_length", "query", "frames", "validation")  # fmt: skip
KINDS = ("its own embedding", "another task's embedding", "the mean embedding")


@dataclass(frozen=True)
class Found:
    """Of each of KINDS: accuracy, and the share of answers that differ from the first's."""

    accuracy: tuple[float, ...]
    changed: tuple[float, ...]
    between: float  # root mean square of FiLM around its mean over the tasks
    moved: float  # of that mean around the frozen backbone's gamma = 1, beta = 0


@torch.no_grad()
def compare(model: SimpleCnaps, episodes: Sequence[Task]) -> Found:
    """The same tasks under the three kinds of FiLM."""
    own = [task_embedding(model, task.support, task.labels, LiteConfig()) for task in episodes]
    mean = torch.stack(own).mean(0)
    right, changed = torch.zeros(3), torch.zeros(3)
    for i, task in enumerate(episodes):
        given = [GivenFilm(model, partial(model.film, e)) for e in (own[i], own[i - 1], mean)]
        answers = torch.stack([logits_of(g, task, LiteConfig()).argmax(1) for g in given])
        right += (answers == task.targets).float().mean(1)
        changed += (answers != answers[0]).float().mean(1)
    films = torch.stack([model.film(e) for e in own])
    frozen = torch.cat([torch.ones(films.shape[1] // 2), torch.zeros(films.shape[1] // 2)])
    return Found(
        tuple((right / len(episodes)).tolist()),
        tuple((changed / len(episodes)).tolist()),
        between=(films - films.mean(0)).square().mean().sqrt().item(),
        moved=(films.mean(0) - frozen).square().mean().sqrt().item(),
    )


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    own = {"checkpoint": (Path, ..., ".safetensors of training.train")}
    argv = sys.argv[1:] if argv is None else argv
    config, values = read(argv, __doc__, own, OPTIONS, positional="checkpoint")
    try:
        check(config)
        torch.set_num_threads(config.threads)
        model, _ = load_checkpoint(values["checkpoint"])
        episodes = episodes_of(config, validation=True)
        tasks = [episodes[i].task for i in range(config.validation)]
        found = compare(model, tasks)
    except InputError as error:
        sys.exit(str(error))
    for kind, accuracy, changed in zip(KINDS, found.accuracy, found.changed, strict=True):
        print(f"{kind:26}{100 * accuracy:5.1f} %   {100 * changed:5.1f} % of answers differ")
    print(f"FiLM: {found.between:.4f} between tasks, {found.moved:.4f} from the frozen backbone")


if __name__ == "__main__":
    main()
