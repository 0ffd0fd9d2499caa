"""Episodes that are drawn once and kept, at 112 px: the same for every arm of an experiment.

Every HELD_OUT-th class of photos, group of things and script is held out.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.errors import InputError
from model.nn.cnaps import SimpleCnaps
from model.saving import atomic_write
from training.episodes.domains.sources import DOMAIN_OF, every_source, read_scripts
from training.episodes.episode import Task
from training.episodes.photos import Photos
from training.episodes.views import load_views

WAY, SHOTS, QUERIES = 5, (2, 5), 3
HELD_OUT = 4  # one class, group of things and script in so many
SOURCES = tuple(DOMAIN_OF)


@dataclass(frozen=True)
class Shown:
    """An episode at 112 px, its source, and the frozen channel means of its support (N, C)."""

    source: str
    task: Task
    means: Tensor


def draw(options: argparse.Namespace, model: SimpleCnaps) -> None:
    """Keep the episodes that are not there yet, and what the frozen net sees in their supports."""
    everything = Photos.read(options.photos)
    grounds = Photos.read([options.surfaces])
    views = load_views(options.views)
    groups = sorted(set(views.groups))
    for held, count in ((True, options.held), (False, options.episodes)):
        kept = {g for i, g in enumerate(groups) if (i % HELD_OUT == 0) == held}
        photos = Photos(
            tuple(c for i, c in enumerate(everything.classes) if (i % HELD_OUT == 0) == held)
        )
        things = [[(g, v) for v, g in zip(views.rgba, views.groups, strict=True) if g in kept]]
        scripts = read_scripts(str(options.fonts), held, HELD_OUT)
        sources = every_source(photos, grounds, things, scripts, WAY, SHOTS, QUERIES)
        for i in range(count):
            path = path_of(options.folder, held, i)
            if path.exists():
                continue
            source = SOURCES[i % len(SOURCES)]
            task = sources[source].episode(np.random.default_rng([held, i])).task
            support, query = _halved(task.support), _halved(task.query)
            parts = {"support": support, "labels": task.labels, "query": query,
                     "targets": task.targets,
                     "means": model.channel_means(support.flatten(0, 1)).half()}  # fmt: skip
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as unfinished:
                torch.save(parts, unfinished)


def read(folder: Path, held: bool) -> list[Shown]:
    """The episodes of `draw`; InputError where there is none."""
    shown: list[Shown] = []
    while (path := path_of(folder, held, len(shown))).exists():
        kept = torch.load(path, weights_only=True)
        ways = int(kept["labels"].max()) + 1
        task = Task(kept["support"], kept["labels"], kept["query"], kept["targets"], ways)
        shown.append(Shown(SOURCES[len(shown) % len(SOURCES)], task, kept["means"].float()))
    if not shown:
        raise InputError(f"{folder} holds no episodes; draw them first.")
    return shown


def path_of(folder: Path, held: bool, number: int) -> Path:
    return folder / ("held" if held else "train") / f"{number:05}.pt"


def _halved(clips: Tensor) -> Tensor:
    """Clips (N, 1, 224, 224, 3) uint8 -> (N, 1, 112, 112, 3) by area."""
    wide = clips.float().unflatten(2, (-1, 2)).unflatten(4, (-1, 2))  # (N, 1, 112, 2, 112, 2, 3)
    return wide.mean((3, 5)).round().to(torch.uint8)
