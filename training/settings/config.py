"""Every knob of a training, and the command line made from them."""

from __future__ import annotations

import argparse
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from model.card import GRID
from model.errors import InputError
from model.nn.cnaps import CnapsConfig
from training.lite import LiteConfig

# Knobs that say which photos and composites are shown, and who prepares the episodes.
MADE_UP = ("seed", "photos", "surfaces", "cutouts", "views", "apart", "way", "shots", "skip_bad",
           "workers", "threads")  # fmt: skip

# Knobs that a run may be resumed with other values of: where it runs and what it keeps.
ANYWHERE = {"out", "workers", "threads", "device", "keep", "skip_bad"}


def knob(default: Any, what: str) -> Any:
    """A field with its comment, which is its --help too."""
    return field(default=default, metadata={"help": what})


@dataclass(frozen=True)
class TrainConfig:
    """Start here: the defaults are what 2 CPU cores can do; try `--steps 20` first."""

    out: str = knob("runs/first", "folder of this run: checkpoints, curves, state")
    seed: int = knob(0, "of episodes and draws")

    # data: give at least one; several are mixed by their weights
    orbit: str = knob("", "root of a data set in ORBIT's layout, real or rendered")
    photos: tuple[str, ...] = knob((), "folders of photos, FOLDER/<class>/*.jpg or FOLDER/*.jpg")
    surfaces: str = knob("", "folder of photos of rooms and tables to paste onto; default: photos")
    cutouts: tuple[str, ...] = knob((), "folders of pictures on transparent ground, to paste")
    views: tuple[str, ...] = knob(
        (), "views.npy of `python -m training.synthetic views`; of several, each is shown as often"
    )
    apart: str = knob("", "root of a rendered data set: none of its test things and rooms is shown")
    weight_orbit: float = knob(1.0, "share of ORBIT episodes")
    weight_composites: float = knob(1.0, "share of rendered things and photo pieces in scenes")
    weight_photos: float = knob(1.0, "share of photo pieces: plain ground -> small in other photos")
    weight_classes: float = knob(0.3, "share of class episodes: other photos of the class")

    # episodes
    way: int = knob(10, "objects an episode, at most")
    shots: int = knob(4, "support clips an object, at most; drawn from 1 up")
    queries: int = knob(2, "query clips an object")
    clip_length: int = knob(1, "frames a clip (ORBIT 2021: 8; photos need 1)")
    query: Literal["clutter", "clean"] = knob("clutter", "which ORBIT videos are asked for")
    frames: Literal["random", "uniform"] = knob("random", "how support clips are taken from videos")
    skip_bad: bool = knob(False, "go on without unreadable frames and annotations, naming them")

    # model
    start: str = knob(
        "", "checkpoint to start from, for film=task one of constant too; default: the frozen net"
    )
    film: Literal["task", "constant", "none"] = knob("task", "task: the full Simple CNAPs")
    sites: Literal["paper", "deep", "all"] = knob(
        "deep", "batch-norms that FiLM reaches: 18, 46, 49"
    )
    whitening: int = knob(100, "tasks by which a new set encoder's embeddings are made to differ")
    features: Literal["raw", "unit"] = knob("unit", "what the head sees")
    windows: int = knob(0, "train through w x w windows of the query's map; 0: whole frames")

    # LITE
    back: int = knob(8, "H: support clips back-propagated, a query batch")
    back_embeddings: int = knob(64, "the same for the set encoder")
    query_batch: int = knob(32, "query clips a backward pass: less memory, more passes")
    chunk: int = knob(16, "frames a forward call")
    bf16: bool = knob(False, "autocast outside the head; on GPUs, and CPUs with bf16 in hardware")

    # optimisation
    steps: int = knob(2000, "optimiser steps")
    tasks: int = knob(1, "episodes a step, over all processes")
    rate: float = knob(1.5e-3, "Adam's learning rate; after warm-up it falls to 0 by a cosine")
    rate_temperature: float = knob(5e-3, "the temperature's own")
    rate_encoder: float = knob(
        1.5e-4, "the set encoder's own: what all tasks share must not outrun what tells them apart"
    )
    warm_up: int = knob(20, "steps")
    clip: float = knob(1.0, "largest norm of the gradient")
    penalty: float = knob(1e-3, "times sum of r^2: the pull towards the frozen backbone")

    # housekeeping
    validate_every: int = knob(
        100, "steps; last and best checkpoints are written then, and at the end"
    )
    validation: int = knob(40, "validation episodes")
    keep: bool = knob(False, "keep the checkpoint of every validation, to choose among later")
    workers: int = knob(1, "processes that prepare episodes ahead")
    threads: int = knob(2, "of torch, a process")
    device: Literal["cpu", "cuda"] = knob("cpu", "where the networks run")

    def cnaps(self) -> CnapsConfig:
        return CnapsConfig(
            film=self.film,
            sites=self.sites,
            features=self.features,
            windows=(self.windows,) if self.windows else (),
        )

    def lite(self) -> LiteConfig:
        return LiteConfig(self.back, self.back_embeddings, self.query_batch, self.chunk, self.bf16)


def parse(argv: Sequence[str], description: str) -> tuple[TrainConfig, bool]:
    """The configuration a command line asks for, and whether to go on with a run that stopped."""
    parser = parser_for(description)
    parser.add_argument("--resume", action="store_true", help="go on where --out stopped")
    add_knobs(parser)
    values = vars(parser.parse_args(argv))
    resume = values.pop("resume")
    return config_of(values), resume


def parser_for(description: str) -> argparse.ArgumentParser:
    """A command line whose --help shows `description` as it stands, line by line."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def add_knobs(parser: argparse.ArgumentParser, names: Collection[str] = ()) -> None:
    """An option for every knob, or for those of `names`."""
    types = get_type_hints(TrainConfig)
    for knob_ in fields(TrainConfig):
        if not names or knob_.name in names:
            _add(parser, knob_, types[knob_.name])


def config_of(values: Mapping[str, Any]) -> TrainConfig:
    """What argparse read of `add_knobs`; InputError where a training could not run."""
    tuples: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in values.items()}
    config = TrainConfig(**tuples)
    check(config)
    return config


def _add(parser: argparse.ArgumentParser, knob_: Field[Any], kind: Any) -> None:
    flag = "--" + knob_.name.replace("_", "-")
    what = knob_.metadata["help"] + f" ({knob_.default})" * (knob_.default not in ("", ()))
    if kind is bool:
        parser.add_argument(flag, action="store_true", help=knob_.metadata["help"])
    elif get_origin(kind) is tuple:
        parser.add_argument(flag, nargs="+", default=knob_.default, help=what)
    elif get_origin(kind) is Literal:
        parser.add_argument(flag, choices=get_args(kind), default=knob_.default, help=what)
    else:
        parser.add_argument(flag, type=kind, default=knob_.default, help=what)


def check(config: TrainConfig) -> None:
    """Raise InputError where a training could not run."""
    for name in ("steps", "tasks", "back", "back_embeddings", "query_batch", "chunk", "shots",
                 "queries", "clip_length", "validate_every", "validation", "threads",
                 "whitening"):  # fmt: skip
        if getattr(config, name) < 1:
            flag = name.replace("_", "-")
            raise InputError(f"--{flag} must be at least 1; it is {getattr(config, name)}.")
    for name in ("seed", "workers", "warm_up", "penalty", "rate", "rate_temperature",
                 "rate_encoder", "clip", "weight_orbit", "weight_composites", "weight_photos",
                 "weight_classes"):  # fmt: skip
        if not 0 <= getattr(config, name) < math.inf:
            flag = name.replace("_", "-")
            raise InputError(f"--{flag} must be 0 or more; it is {getattr(config, name)}.")
    if config.way < 2:
        raise InputError(f"--way must be at least 2; it is {config.way}.")
    if not (config.orbit or config.photos):
        raise InputError(
            "There is nothing to train on; give --orbit ROOT, --photos FOLDER or both."
        )
    if config.views and not config.photos:
        raise InputError("Composites need photos to stand on and among; give --photos too.")
    if config.cutouts and not config.photos:
        raise InputError("Cut-outs need photos to stand on and among; give --photos too.")
    if config.clip_length > 1 and config.photos:
        raise InputError(f"Photos have no clips of {config.clip_length} frames; leave them out.")
    if not 0 <= config.windows <= GRID:
        raise InputError(f"--windows must lie between 0 and {GRID}; it is {config.windows}.")


def differences(ours: TrainConfig, theirs: dict[str, Any]) -> list[str]:
    """Names of the knobs that stand differently, of those that a run's losses depend on."""
    mine = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(ours).items()}
    names = (mine.keys() | theirs.keys()) - ANYWHERE
    return sorted(name for name in names if mine.get(name) != theirs.get(name))
