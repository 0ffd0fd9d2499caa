"""Few-shot accuracy on folders of photos: episodes of some classes each.

    python -m training.evaluation.photos --photos PHOTOS --episodes 200
    python -m training.evaluation.photos --photos PHOTOS --support iconic:1 A:1 A:5 --query B

PHOTOS/<class>/*.jpg, or PHOTOS/index.csv with columns class, split and path (a class's photos may
lie in several splits, of two shops say). Every episode draws --way classes; `--support SPLIT:SHOTS`
says how many photos a class teach it, and of which split. Photos of --query are named, never one
that taught. All methods answer the same episodes, so that differences are paired; intervals are
95 %, over episodes.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from tqdm import tqdm

from model import InputError, Personaliser, load_model
from model.frames import read_clip
from training.evaluation.baselines import NAMES, baselines
from training.evaluation.frozen import FrozenBackbone
from training.evaluation.scores import Scores, accuracy, report, table
from training.settings.command_line import parser_for

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif")
Pools = Mapping[str, Mapping[str, Sequence[Path]]]  # class -> split -> its photos


@dataclass(frozen=True)
class Setting:
    """What an episode teaches and what it asks."""

    split: str
    shots: int
    query: str
    way: int
    queries: int  # photos a class

    @classmethod
    def parse(cls, word: str, query: str, way: int, queries: int) -> Setting:
        """SPLIT:SHOTS; InputError where it is not of that form."""
        split, _, shots = word.rpartition(":")
        if not (split and shots.isdecimal() and int(shots) > 0):
            raise InputError(f"--support takes SPLIT:SHOTS, for instance all:5; it is {word!r}.")
        return cls(split, int(shots), query, way, queries)


def read_pools(root: Path) -> Pools:
    """The photos of a folder by class and split; without index.csv the one split is `all`."""
    pools: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    if not root.is_dir():
        raise InputError(f"There is no folder {root}.")
    index = root / "index.csv"
    if index.is_file():
        try:
            with index.open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    pools[row["class"]][row["split"]].append(root / row["path"])
        except (KeyError, TypeError, UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{index} has no columns class, split and path in UTF-8.") from error
    else:
        for path in sorted(p for p in root.glob("*/*") if p.suffix.lower() in ENDINGS):
            pools[path.parent.name]["all"].append(path)
    return pools


def episodes(
    pools: Pools, setting: Setting, count: int, seed: int
) -> Iterator[tuple[list[list[Path]], list[list[Path]]]]:
    """Support and query photos of each class; InputError where too few classes have enough."""
    same = setting.split == setting.query
    least = setting.shots + 1 if same else 1
    fit = sorted(
        name
        for name, pool in pools.items()
        if len(pool.get(setting.split, ())) >= setting.shots
        and len(pool.get(setting.query, ())) >= least
    )
    if len(fit) < setting.way:
        raise InputError(
            f"{len(fit)} classes have {setting.shots} photos in {setting.split!r} and one more to "
            f"ask for in {setting.query!r}; --way {setting.way} needs as many, so make it smaller."
        )
    rng = np.random.default_rng([seed, crc32(f"{setting.split}:{setting.shots}".encode())])
    for _ in range(count):
        support, query = [], []
        for name in rng.choice(fit, setting.way, replace=False):
            taught = _some(pools[name][setting.split], setting.shots, rng)
            others = [path for path in pools[name][setting.query] if path not in taught]
            support.append(taught)
            query.append(_some(others, setting.queries, rng))
        yield support, query


def _some(paths: Sequence[Path], count: int, rng: np.random.Generator) -> list[Path]:
    return [paths[i] for i in rng.permutation(len(paths))[:count]]


class Photos:
    """Squares of photos and their frozen features, each computed once."""

    def __init__(self) -> None:
        self.frozen = FrozenBackbone()
        self.squares: dict[Path, np.ndarray] = {}
        self.rows: dict[Path, torch.Tensor] = {}

    def frame(self, path: Path) -> np.ndarray:
        if path not in self.squares:
            self.squares[path] = read_clip(path)[0]
        return self.squares[path]

    def features(self, path: Path) -> torch.Tensor:
        """(1 + W, D)."""
        if path not in self.rows:
            self.rows[path] = self.frozen.features(self.frame(path)[None])[0]
        return self.rows[path]


def score(
    pools: Pools, setting: Setting, count: int, seed: int,
    personalisers: Mapping[str, Personaliser], photos: Photos,
) -> Scores:  # fmt: skip
    """The accuracy of every personaliser and baseline on `count` episodes."""
    right: dict[str, list[float]] = {name: [] for name in (*personalisers, *NAMES)}
    for support, query in tqdm(episodes(pools, setting, count, seed), total=count, unit="episode"):
        labels, targets = (np.repeat(np.arange(len(s)), [*map(len, s)]) for s in (support, query))
        asked = [path for own in query for path in own]
        answers: dict[str, np.ndarray] = {}
        for name, model in personalisers.items():
            taught = {f"{k:03d}": [photos.frame(p) for p in own] for k, own in enumerate(support)}
            answers[name] = model.adapt(taught).predict([photos.frame(p) for p in asked])
        z = torch.stack([photos.features(path)[0] for own in support for path in own])
        x = torch.stack([photos.features(path) for path in asked])
        answers |= baselines(z, torch.from_numpy(labels), x, setting.way)
        for name, found in answers.items():
            right[name].append(accuracy(found, targets))
    return Scores(tuple(map(str, range(count))), right)


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    default = [Path("assets/simple_cnaps")]
    parser.add_argument("--personaliser", type=Path, nargs="+", default=default, metavar="DIR")
    parser.add_argument("--support", nargs="+", default=["all:1", "all:5"], metavar="SPLIT:SHOTS")
    parser.add_argument("--query", default="all", metavar="SPLIT", help="photos to name (all)")
    parser.add_argument("--episodes", type=int, default=200, help="a setting (200)")
    parser.add_argument("--way", type=int, default=10, help="classes an episode (10)")
    parser.add_argument("--queries", type=int, default=3, help="query photos a class (3)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write every episode's score there")
    args = parser.parse_args(argv)
    try:
        for name, least in (("episodes", 1), ("way", 2), ("queries", 1), ("seed", 0)):
            if (value := getattr(args, name)) < least:
                raise InputError(f"--{name} must be at least {least}; it is {value}.")
        settings = [Setting.parse(w, args.query, args.way, args.queries) for w in args.support]
        pools, photos = read_pools(args.photos), Photos()
        models = {str(path): load_model(path) for path in args.personaliser}
        reports = {}
        for word, setting in zip(args.support, settings, strict=True):
            scores = score(pools, setting, args.episodes, args.seed, models, photos)
            print(f"{word} -> {args.query}: {table(scores, 'episodes', 'tasks')}\n", flush=True)
            reports[word] = report(scores, {"way": args.way, "seed": args.seed})
        if args.json:
            args.json.write_text(json.dumps(reports, indent=1) + "\n")
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
