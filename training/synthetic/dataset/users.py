"""Who owns what and which clips they film: the plan of a data set, before anything is rendered.

Splits share no group of things and no surface. A user owns a handful of things, near-duplicates
among them on purpose: one mesh in two or three colours, or things of one kind with other labels.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha1

import numpy as np

from model.errors import InputError
from training.episodes.orbit import SPLITS
from training.synthetic.filming.surfaces import Surface
from training.synthetic.geometry.objects import MeshEntry

_HUE_APART = 40  # degrees between two colours of one mesh
_FEWEST, _MOST = 5, 9  # things a user is to own; a last family may bring 2 more


@dataclass(frozen=True)
class Owned:
    label: str  # unique for its user
    mesh: str
    hue: float | None  # degrees by which its colours are turned; None: as scanned
    paint: float  # how much of its greys takes colour too


@dataclass(frozen=True)
class Video:
    """One clip to render."""

    split: str
    user: str
    thing: Owned
    kind: str  # "clean" or "clutter"
    name: str
    others: tuple[Owned, ...]
    ground: str
    behind: str
    held: bool
    leaves: bool


def plan(
    things: tuple[MeshEntry, ...],
    surfaces: tuple[Surface, ...],
    users: dict[str, int],
    clean: int,
    clutter: int,
    seed: int,
) -> list[Video]:
    """Every video of the data set; users: how many each split has."""
    pools, rooms = deal(things, users, seed), deal_surfaces(surfaces, users, seed)
    rng = np.random.default_rng([seed, 3])
    videos: list[Video] = []
    number = 0
    for split in SPLITS:
        for _ in range(users[split]):
            number += 1
            videos += _home(
                split, f"P{number:03d}", pools[split], rooms[split], clean, clutter, rng, seed
            )
    # Whoever stops early has some users of every split, not all of one.
    place = {user: i for i, user in enumerate(dict.fromkeys(v.user for v in videos))}
    first = {v.split: place[v.user] for v in reversed(videos)}
    return sorted(videos, key=lambda v: (place[v.user] - first[v.split] + 0.5) / users[v.split])


def deal(
    things: tuple[MeshEntry, ...], users: dict[str, int], seed: int
) -> dict[str, list[MeshEntry]]:
    """Kinds dealt to the splits whole, so that no split knows another's cups."""
    rng = np.random.default_rng([seed, 1])
    kinds: dict[str, list[MeshEntry]] = defaultdict(list)
    for thing in things:
        kinds[_kind(thing)].append(thing)
    shared = _joined(kinds)
    order = [shared[i] for i in rng.permutation(len(shared))]
    wanted = _shares(users)
    pools: dict[str, list[MeshEntry]] = {split: [] for split in SPLITS}
    for kind in sorted(order, key=len, reverse=True):
        lacking = {s: wanted[s] * len(things) - len(pools[s]) for s in SPLITS if users[s] > 0}
        pools[max(lacking, key=lambda s: lacking[s])] += kind
    for split in SPLITS:
        if users[split] and len({t.group for t in pools[split]}) < _MOST + 6:
            raise InputError(
                f"{len(things)} meshes are too few for {users} users: {split} would have only "
                f"{len(pools[split])}; add meshes or ask for fewer splits."
            )
    return pools


def _kind(thing: MeshEntry) -> str:
    """The last real word of the label: "cup" of "blue cup", "piece" of "duplo piece a"."""
    words = [word for word in thing.label.split() if len(word) > 1]
    return words[-1] if words else thing.label


def _joined(kinds: dict[str, list[MeshEntry]]) -> list[list[MeshEntry]]:
    """Kinds that share a confusable group belong together."""
    parts = [list(kind) for _, kind in sorted(kinds.items())]
    merged: list[list[MeshEntry]] = []
    for part in parts:
        groups = {t.group for t in part}
        same = [m for m in merged if groups & {t.group for t in m}]
        merged = [m for m in merged if m not in same]
        merged.append([t for m in (*same, part) for t in m])
    return merged


def _shares(users: dict[str, int]) -> dict[str, float]:
    """Share of the meshes: it grows slower than the users, or few splits would test much."""
    weight = {split: float(users[split]) ** 0.6 for split in SPLITS}
    return {split: weight[split] / sum(weight.values()) for split in SPLITS}


def deal_surfaces(
    surfaces: tuple[Surface, ...], users: dict[str, int], seed: int
) -> dict[str, dict[str, list[str]]]:
    """split -> {"ground": files, "behind": files}; every ground is a background too."""
    rng = np.random.default_rng([seed, 2])
    share, dealt = _shares(users), {}
    start = {"texture": 0.0, "far": 0.0}
    lists = {
        "texture": [s.file for s in surfaces if s.kind == "texture"],
        "far": [s.file for s in surfaces if s.kind != "texture"],
    }
    lists = {k: [v[i] for i in rng.permutation(len(v))] for k, v in lists.items()}
    for split in SPLITS:
        part = {}
        for kind, files in lists.items():
            first, start[kind] = start[kind], start[kind] + share[split] * len(files)
            part[kind] = files[round(first) : round(start[kind])] or files[:1]
        dealt[split] = {"ground": part["texture"], "behind": part["far"] + part["texture"]}
    return dealt


def _home(
    split: str,
    user: str,
    pool: list[MeshEntry],
    rooms: dict[str, list[str]],
    clean: int,
    clutter: int,
    rng: np.random.Generator,
    seed: int,
) -> list[Video]:
    """All videos of one user. Clean and cluttered clips are filmed in different rooms."""
    owned = _belongings(pool, rng)
    groups = {t.name: t.group for t in pool}
    mine = {groups[thing.mesh] for thing in owned}  # nothing that looks like a thing of theirs
    foreign = [Owned(t.label, t.name, None, 0.0) for t in pool if t.group not in mine]
    grounds = [rooms["ground"][i] for i in rng.permutation(len(rooms["ground"]))]
    behind = [rooms["behind"][i] for i in rng.permutation(len(rooms["behind"]))]
    half_ground, half_behind = (len(grounds) + 1) // 2, (len(behind) + 1) // 2
    places = {
        "clean": (grounds[:half_ground][:4], behind[:half_behind][:6]),
        "clutter": (grounds[half_ground:] or grounds, behind[half_behind:] or behind),
    }
    videos = []
    for thing in owned:
        for kind, count in (("clean", clean), ("clutter", clutter)):
            for number in range(count):
                others = ()
                if kind == "clutter":
                    others = _bystanders(thing, owned, foreign, rng)
                videos.append(
                    Video(
                        split=split,
                        user=user,
                        thing=thing,
                        kind=kind,
                        name=_name(user, thing.label, kind, number, seed),
                        others=others,
                        ground=str(rng.choice(places[kind][0])),
                        behind=str(rng.choice(places[kind][1])),
                        held=bool(rng.uniform() < 0.5),
                        leaves=bool(rng.uniform() < (0.25 if kind == "clutter" else 0.08)),
                    )
                )
    return videos


def _belongings(pool: list[MeshEntry], rng: np.random.Generator) -> list[Owned]:
    """5 to 11 things, most with a near-duplicate of one of them or two."""
    count = int(rng.integers(_FEWEST, _MOST + 1))
    groups: dict[str, list[MeshEntry]] = defaultdict(list)
    for thing in pool:
        groups[thing.group].append(thing)
    order = [list(groups)[i] for i in rng.permutation(len(groups))]
    chosen: list[Owned] = []
    while len(chosen) < count:
        options = groups[order.pop()]
        thing = options[int(rng.integers(len(options)))]
        first = float(rng.uniform(0, 360)) if rng.uniform() < 0.3 else None
        paint = float(rng.uniform(0, 1))
        family = [(thing, first)]
        if rng.uniform() < 0.35:  # the same in other colours
            copies = int(rng.integers(1, 3))
            hues = (first or 0.0) + _HUE_APART + _spaced(copies, rng)
            family += [(thing, float(hue % 360)) for hue in hues]
            paint = max(paint, 0.6)  # or a grey thing would come out the same
        elif rng.uniform() < 0.5:  # another of its kind
            alike = [g for g in order if _kind(groups[g][0]) == _kind(thing)]
            for group in alike[:2]:
                order.remove(group)
                family.append((groups[group][0], None))
        chosen += [Owned(mesh.label, mesh.name, hue, paint) for mesh, hue in family]
    return _distinct(chosen[: _MOST + 2])


def _spaced(copies: int, rng: np.random.Generator) -> np.ndarray:
    """(copies,) hues at least 40 degrees from each other and, once 40 is added, from 0."""
    room = 360 - 2 * _HUE_APART - (copies - 1) * _HUE_APART
    return np.sort(rng.uniform(0, room, copies)) + _HUE_APART * np.arange(copies)


def _distinct(things: list[Owned]) -> list[Owned]:
    """Labels made unique: "mug", "mug 2"."""
    seen: dict[str, int] = defaultdict(int)
    named = []
    for thing in things:
        seen[thing.label] += 1
        label = thing.label if seen[thing.label] == 1 else f"{thing.label} {seen[thing.label]}"
        named.append(Owned(_file_name(label), thing.mesh, thing.hue, thing.paint))
    return named


def _file_name(label: str) -> str:
    return "".join(c for c in label if c.isalnum() or c in " -")


def _bystanders(
    thing: Owned, owned: list[Owned], foreign: list[Owned], rng: np.random.Generator
) -> tuple[Owned, ...]:
    """Things that lie around; now and then another of the user's own, never its near-duplicate."""
    count = int(rng.integers(3, 11))
    others = [foreign[i] for i in rng.permutation(len(foreign))[:count]]
    if rng.uniform() < 0.2:
        own = [o for o in owned if o.mesh != thing.mesh]
        others[0] = own[int(rng.integers(len(own)))] if own else others[0]
    return tuple(others)


def _name(user: str, label: str, kind: str, number: int, seed: int) -> str:
    digest = sha1(f"{seed} {user} {label} {kind} {number}".encode()).hexdigest()[:8]
    return f"{user}--{label.replace(' ', '-')}--{kind}--{digest}"
