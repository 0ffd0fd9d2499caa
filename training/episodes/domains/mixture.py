"""The episodes of a training and those it is validated on, from what its configuration names.

Validation never sees what is trained on: another split of an ORBIT tree; every tenth class of
photos. Rendered things and surfaces are split as the data set `apart` splits them; without one,
every tenth group of look-alikes is for validation, and both stand on the same surfaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from model.errors import InputError
from training.episodes.composites import CompositeRules, Composites
from training.episodes.domains.sources import SHARES, every_source, read_scripts
from training.episodes.episode import Episodes, RoundRobin, Source
from training.episodes.orbit import in_sight, read_split
from training.episodes.orbit_tasks import OrbitEpisodes, OrbitRules
from training.episodes.photos import PhotoEpisodes, Photos
from training.episodes.plan import read_plan
from training.episodes.views import load_views
from training.settings.config import TrainConfig

T = TypeVar("T")
HELD_OUT = 10  # one class in so many is for validation


def episodes_of(config: TrainConfig, validation: bool) -> Episodes | RoundRobin:
    """The endless stream of a training, or the fixed one it is validated on."""
    sources: list[Source] = []
    weights: list[float] = []
    if config.orbit and config.weight_orbit > 0:
        sources.append(orbit_of(config, validation))
        weights.append(config.weight_orbit)
    if config.photos:
        for source, weight in _made_up(config, validation):
            sources.append(source)
            weights.append(weight)
    if not sources:
        what = "validation" if validation else "training"
        raise InputError(
            f"There is nothing for {what}: give one of the --weight knobs more than 0, or classes "
            "of two photos and more."
        )
    if validation:
        return RoundRobin(sources)
    return Episodes(sources, weights, config.seed, config.skip_bad)


def orbit_of(config: TrainConfig, validation: bool) -> Source:
    """Tasks of the people of --orbit."""
    root = Path(config.orbit)
    rules = OrbitRules(
        way=(2, config.way),
        shots=(1, config.shots),
        queries=config.queries,
        clip_length=config.clip_length,
        query=config.query,
        frames=config.frames,
        query_filter=in_sight(root, config.query),
    )
    users = read_split(root, _split(validation))
    return OrbitEpisodes(users, rules, "skip" if config.skip_bad else "error")


def _made_up(config: TrainConfig, validation: bool) -> list[tuple[Source, float]]:
    """Composites, photo pieces and photo classes, each with its weight."""
    photos = photos_of(config, validation)
    grounds = _grounds(config, validation, photos)
    cutouts = Photos.read([Path(folder) for folder in config.cutouts])
    ready = Photos(_part(cutouts.classes, validation)).all
    way, queries, length = config.way, config.queries, config.clip_length
    shots = (1, config.shots)
    made: list[tuple[Source, float]] = []
    if config.weight_photos > 0:
        rules = CompositeRules(
            way, shots, queries, length, meshes=0, alike=0.3, support_scale=(0.5, 0.95), plain=0.75
        )
        made.append((Composites(rules, photos, grounds, None, ready), config.weight_photos))
    if config.views and config.weight_composites > 0:
        views = _views(config, validation)
        rules = CompositeRules(way, shots, queries, length)
        made.append((Composites(rules, photos, grounds, views, ready), config.weight_composites))
    if config.weight_classes > 0 and sum(len(p) > 1 for p in photos.classes) >= 2:
        made.append((PhotoEpisodes(photos, way, shots, queries), config.weight_classes))
    if config.weight_domains > 0:
        sources = _sources(config, validation, photos, grounds)
        made += [(own, config.weight_domains * SHARES[name]) for name, own in sources.items()]
    return made


def sources_of(config: TrainConfig, validation: bool) -> dict[str, Source]:
    """The sources of many domains by their names."""
    photos = photos_of(config, validation)
    return _sources(config, validation, photos, _grounds(config, validation, photos))


def _sources(
    config: TrainConfig, validation: bool, photos: Photos, grounds: Photos
) -> dict[str, Source]:
    scripts = read_scripts(config.fonts, validation, HELD_OUT)
    views, shots = _views(config, validation), (1, config.shots)
    return every_source(photos, grounds, views, scripts, config.way, shots, config.queries)


def photos_of(config: TrainConfig, validation: bool) -> Photos:
    """The photos of --photos, or those of them that are kept for validation."""
    everything = Photos.read([Path(folder) for folder in config.photos])
    if len(everything.classes) < 2:
        raise InputError(
            "There is 1 class of photos; training needs 2 or more, as one is kept for validation."
        )
    return Photos(_part(everything.classes, validation))


def _grounds(config: TrainConfig, validation: bool, photos: Photos) -> Photos:
    """Surfaces to stand on, `photos` where there are none; those of a data set's own split where
    one is kept apart.
    """
    if not config.surfaces:
        return photos
    surfaces = Photos.read([Path(config.surfaces)])
    if not config.apart:
        return surfaces
    dealt = {split: set(s) for split, s in read_plan(Path(config.apart)).surfaces.items()}
    kept = _ours({paths[0].name for paths in surfaces.classes}, dealt, validation)
    named = tuple(paths for paths in surfaces.classes if paths[0].name in kept)
    if not named:
        raise InputError(f"{config.surfaces} holds none of the surfaces of {config.apart}.")
    return Photos(named)


def _views(config: TrainConfig, validation: bool) -> list[list[tuple[str, np.ndarray]]]:
    """Of every file, group and views (V, S, S, 4) of each rendered thing, memory-mapped;
    look-alikes stay on one side.
    """
    files = [load_views(Path(path)) for path in config.views]
    named = [pair for views in files for pair in zip(views.names, views.groups, strict=True)]
    groups = {group for _, group in named}
    if config.apart:
        things = read_plan(Path(config.apart)).things
        dealt = {split: {g for n, g in named if n in names} for split, names in things.items()}
        kept = _ours(groups, dealt, validation)
    else:
        kept = set(_part(sorted(groups), validation))
    found = [
        [(g, rgba) for rgba, g in zip(views.rgba, views.groups, strict=True) if g in kept]
        for views in files
    ]
    found = [things for things in found if things]
    if not found:
        raise InputError(
            f"{' '.join(config.views)} shows no thing for {_split(validation)}; training needs 2 "
            "kinds or more, and those of the data set it is kept apart from."
        )
    return found


def _ours(everything: set[str], dealt: dict[str, set[str]], validation: bool) -> set[str]:
    """The validation split's share of a plan, or for training what none of the others has."""
    if validation:
        return dealt["validation"]
    return everything - dealt["validation"] - dealt["test"]


def _split(validation: bool) -> str:
    return "validation" if validation else "train"


def _part(classes: Sequence[T], validation: bool) -> tuple[T, ...]:
    return tuple(c for i, c in enumerate(classes) if (i % HELD_OUT == 0) == validation)
