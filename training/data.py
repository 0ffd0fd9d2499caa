"""The episodes of a training and those it is validated on, from what its configuration names.

Validation never sees what is trained on: another split of an ORBIT tree; every tenth class of
photos, and every tenth group of look-alikes among rendered things. Surfaces are what things stand
on, never what is asked for; both see the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from model.errors import InputError
from training.composites import CompositeRules, Composites
from training.config import TrainConfig
from training.episodes import Episodes, Source
from training.orbit import Filter, read_split
from training.photos import PhotoEpisodes, Photos
from training.synthetic.views import load_views
from training.tasks import OrbitEpisodes, OrbitRules

T = TypeVar("T")
HELD_OUT = 10  # one class in so many is for validation


def episodes_of(config: TrainConfig, validation: bool) -> Episodes:
    """The endless stream of a training, or the fixed one it is validated on."""
    sources: list[Source] = []
    weights: list[float] = []
    if config.orbit and config.weight_orbit > 0:
        sources.append(_orbit(config, validation))
        weights.append(config.weight_orbit)
    if config.photos:
        for source, weight in _made_up(config, validation):
            sources.append(source)
            weights.append(weight)
    if not sources:
        raise InputError("Every share of the mix is 0; give one of the --weight knobs more.")
    return Episodes(sources, weights, config.seed + 1_000_003 * validation)


def _orbit(config: TrainConfig, validation: bool) -> Source:
    root = Path(config.orbit)
    rules = OrbitRules(
        way=(min(2, config.way), config.way),
        shots=(1, config.shots),
        queries=config.queries,
        clip_length=config.clip_length,
        query=config.query,
        frames=config.frames,
        query_filter=in_sight(root, config.query),
    )
    users = read_split(root, "validation" if validation else "train")
    return OrbitEpisodes(users, rules, "skip" if config.skip_bad else "error")


def in_sight(root: Path, query: Literal["clutter", "clean"]) -> Filter:
    """Clutter frames that show the object, where the tree says which do."""
    if query == "clean" or not (root / "annotations").is_dir():
        return Filter()
    return Filter(("no_object_not_present_issue",))


def _made_up(config: TrainConfig, validation: bool) -> list[tuple[Source, float]]:
    """Composites, photo pieces and photo classes, each with its weight."""
    everything = Photos.read([Path(folder) for folder in config.photos])
    if len(everything.classes) < 2:
        raise InputError(
            "There is 1 class of photos; training needs 2 or more, as one is kept for validation."
        )
    photos = Photos(_part(everything.classes, validation))
    grounds = Photos.read([Path(config.surfaces)]) if config.surfaces else photos
    ready = Photos.read([Path(folder) for folder in config.cutouts]).all
    ready = _part(ready, validation)
    shots, way, queries = (1, config.shots), config.way, config.queries
    made: list[tuple[Source, float]] = []
    if config.weight_photos > 0:
        rules = CompositeRules(
            way, shots, queries, meshes=0, alike=0.3, support_scale=(0.5, 0.95), plain=0.75
        )
        made.append((Composites(rules, photos, grounds, None, ready), config.weight_photos))
    if config.views and config.weight_composites > 0:
        views = _views(Path(config.views), validation)
        rules = CompositeRules(way, shots, queries)
        made.append((Composites(rules, photos, grounds, views, ready), config.weight_composites))
    if config.weight_classes > 0 and sum(len(p) > 1 for p in photos.classes) >= 2:
        made.append((PhotoEpisodes(photos, way, shots, queries), config.weight_classes))
    return made


def _views(path: Path, validation: bool) -> Sequence[np.ndarray]:
    """Views (V, S, S, 4) of each rendered thing, memory-mapped; look-alikes stay on one side."""
    views = load_views(path)
    groups = sorted(set(views.groups))
    if len(groups) < 2:
        raise InputError(f"{path} shows {len(groups)} kind of thing; training needs 2 or more.")
    kept = set(_part(groups, validation))
    return [rgba for rgba, group in zip(views.rgba, views.groups, strict=True) if group in kept]


def _part(classes: Sequence[T], validation: bool) -> tuple[T, ...]:
    return tuple(c for i, c in enumerate(classes) if (i % HELD_OUT == 0) == validation)
