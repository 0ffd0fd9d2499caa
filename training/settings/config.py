"""The options of a training, in groups, and what values they may have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from model.card import GRID
from model.errors import InputError
from model.nn.backbone import PACKAGED, SERVED, Name, check_weights, own_inputs
from model.nn.blend import DOMAINS
from model.nn.cnaps import CnapsConfig

# Options that say which photos and composites are shown, and who prepares the episodes.
SYNTHETIC_SOURCES = ("seed", "photos", "surfaces", "cutouts", "views", "apart", "way", "shots",
                     "skip_bad", "workers", "threads")  # fmt: skip

# What `training.blend` takes: the kinds of specialists, with the domain whose FiLM each is, in the
# order of DOMAINS, and the options of its episodes.
KINDS: dict[str, str] = {"composites": "things", "classes": "photos"}
BLEND_OPTIONS = (*SYNTHETIC_SOURCES, "whitening", "fonts", "orbit")

# Options that a run may be resumed with other values of: where it runs and what it keeps.
ANYWHERE = {"out", "workers", "threads", "device", "keep", "skip_bad"}

# What the methods are made of, where they differ from Simple CNAPs.
PIECES: dict[str, dict[str, Any]] = {
    "simple-cnaps": {},
    "cnaps": {"head": "generated"},
    "protonets": {"film": "none", "head": "cosine", "backbone_trained": True},
    "case": {"context": "case", "head": "cosine"},
    "maml": {"film": "none", "head": "prototypes", "backbone_trained": True, "adapts": "steps"},
}

# Names in the headers of older checkpoints and states -> the names of today.
RENAMED = {"back": "num_backprop"}


def option(default: Any, what: str, alias: str = "") -> Any:
    """A field with its comment, which is its --help too, and an older spelling of its flag."""
    return field(default=default, metadata={"help": what, "alias": alias})


@dataclass(frozen=True)
class RunConfig:
    """Where a run is kept, and what its randomness hangs on."""

    out: str = option("runs/first", "folder of this run: checkpoints, curves, state")
    seed: int = option(0, "of episodes and draws")


@dataclass(frozen=True)
class DataConfig:
    """Sources of episodes: give at least one; several are mixed by their weights."""

    orbit: str = option("", "root of a data set in ORBIT's layout, real or rendered")
    photos: tuple[str, ...] = option((), "folders of photos, FOLDER/<class>/*.jpg or FOLDER/*.jpg")
    surfaces: str = option(
        "", "folder of photos of rooms and tables to paste onto; default: photos"
    )
    cutouts: tuple[str, ...] = option((), "folders of pictures on transparent ground, to paste")
    views: tuple[str, ...] = option(
        (), "views.npy of `python -m training.synthetic views`; of several, each is shown as often"
    )
    apart: str = option(
        "", "root of a rendered data set: none of its test things and rooms is shown"
    )
    weight_orbit: float = option(1.0, "share of ORBIT episodes")
    weight_composites: float = option(1.0, "share of rendered things and photo pieces in scenes")
    weight_photos: float = option(
        1.0, "share of photo pieces: plain ground -> small in other photos"
    )
    weight_classes: float = option(0.3, "share of class episodes: other photos of the class")
    fonts: str = option("", "folder of font files, whose characters are a domain")
    weight_domains: float = option(
        0.0, "share of each source of many domains: characters, fonts, textures, drawings, ..."
    )


@dataclass(frozen=True)
class EpisodeConfig:
    """How a task is drawn."""

    way: int = option(10, "objects an episode, at most")
    shots: int = option(4, "support clips an object, at most; drawn from 1 up")
    queries: int = option(2, "query clips an object")
    clip_length: int = option(1, "frames a clip (ORBIT 2021: 8; photos need 1)")
    query: Literal["clutter", "clean"] = option("clutter", "which ORBIT videos are asked for")
    frames: Literal["random", "uniform"] = option(
        "random", "how support clips are taken from videos"
    )
    skip_bad: bool = option(False, "go on without unreadable frames and annotations, naming them")


@dataclass(frozen=True)
class ModelConfig:
    """What is trained, and what it starts from."""

    start: str = option(
        "", "checkpoint to start from, for film=task one of constant too; default: the frozen net"
    )
    method: Literal["simple-cnaps", "cnaps", "protonets", "case", "maml"] = option(
        "simple-cnaps", "what is meta-trained: by LITE, and maml by its own first-order gradient"
    )
    backbone: Name = option(PACKAGED, "timm's name; a package has its weights")  # noqa: RUF009
    weights: str = option("", "file of another backbone's ImageNet weights, as timm names them")
    film: Literal["task", "constant", "none"] = option("task", "task: the full Simple CNAPs")
    context: Literal["pixels", "published", "blend"] = option(
        "pixels",
        "the set encoder: ours; the published one, which costs twice the backbone; or a blend, "
        "with one of `training.blend` as --start",
    )
    sites: Literal["paper", "deep", "all"] = option(
        "deep", "batch-norms that FiLM reaches: 18, 46, 49"
    )
    whitening: int = option(
        100, "tasks that a new set encoder of ours is whitened by; of a blend, of each source"
    )
    features: Literal["raw", "unit"] = option("unit", "what the head sees")
    windows: int = option(0, "train through w x w windows of the query's map; 0: whole frames")


@dataclass(frozen=True)
class LiteConfig:
    """How a task's gradient is sampled (`training.lite`)."""

    num_backprop: int = option(8, "H: support clips back-propagated, a query batch", alias="--back")
    back_embeddings: int = option(64, "the same for the set encoder, which is cheap: less noise")
    query_batch: int = option(32, "query clips a backward pass, each with draws of its own")
    chunk: int = option(16, "frames a forward call; bounds memory where no gradient is kept")
    bf16: bool = option(False, "autocast outside the head; on GPUs, and CPUs with bf16 in hardware")


@dataclass(frozen=True)
class OptimiserConfig:
    """Steps of Adam."""

    steps: int = option(2000, "optimiser steps")
    tasks: int = option(1, "episodes a step, over all processes")
    rate: float = option(1.5e-3, "Adam's learning rate; after warm-up it falls to 0 by a cosine")
    rate_temperature: float = option(5e-3, "the temperature's own")
    rate_backbone: float = option(1e-4, "the backbone's own, where the method trains it")
    rate_encoder: float = option(
        1.5e-4, "the set encoder's own: what all tasks share must not outrun what tells them apart"
    )
    warm_up: int = option(20, "steps")
    clip: float = option(1.0, "largest norm of the gradient")
    penalty: float = option(
        1e-3, "times the square of what FiLM changes: pulls towards the frozen net"
    )


@dataclass(frozen=True)
class HousekeepingConfig:
    """When a run is validated and saved, and which machine it uses."""

    validate_every: int = option(
        100, "steps; last and best checkpoints are written then, and at the end"
    )
    validation: int = option(40, "validation episodes")
    keep: bool = option(False, "keep the checkpoint of every validation, to choose among later")
    workers: int = option(1, "processes that prepare episodes ahead")
    threads: int = option(0, "of torch, a process; 0: as many as it takes by itself")
    device: Literal["cpu", "cuda"] = option("cpu", "where the networks run")


# A dataclass takes the fields of its last base first: read the groups from right to left.
@dataclass(frozen=True)
class TrainConfig(
    HousekeepingConfig, OptimiserConfig, LiteConfig, ModelConfig, EpisodeConfig, DataConfig,
    RunConfig,
):  # fmt: skip
    """Start here: the defaults are what 2 CPU cores can do; try `--steps 20` first.

    Flat, so that a flag, a key in a checkpoint's header and a field have one name; code that needs
    one group takes that group's type.
    """

    def cnaps(self) -> CnapsConfig:
        """The settings of the model that this run trains."""
        ours = CnapsConfig(
            film=self.film,
            sites=self.sites,
            context=self.context,
            embedding=len(DOMAINS) if self.context == "blend" else CnapsConfig.embedding,
            features=self.features,
            windows=(self.windows,) if self.windows else (),
            backbone=self.backbone,
            inputs=own_inputs(self.backbone),
        )
        pieces = replace(ours, **PIECES[self.method])
        euclidean = pieces.head == "cosine" and pieces.features == "raw"
        return replace(pieces, head="prototypes") if euclidean else pieces


def check(config: TrainConfig) -> None:
    """Raise InputError where a training could not run."""
    for name in ("steps", "tasks", "num_backprop", "back_embeddings", "query_batch", "chunk",
                 "shots", "queries", "clip_length", "validate_every", "validation",
                 "whitening"):  # fmt: skip
        if getattr(config, name) < 1:
            raise InputError(f"{flag(name)} must be at least 1; it is {getattr(config, name)}.")
    for name in ("seed", "workers", "threads", "warm_up", "penalty", "rate", "rate_temperature",
                 "rate_backbone", "rate_encoder", "weight_orbit", "weight_composites",
                 "weight_photos", "weight_classes", "weight_domains"):  # fmt: skip
        if not 0 <= getattr(config, name) < math.inf:
            raise InputError(f"{flag(name)} must be 0 or more; it is {getattr(config, name)}.")
    if not config.clip > 0:
        raise InputError(
            f"--clip must be above 0; it is {config.clip}, and inf leaves gradients as they are."
        )
    if config.method != "simple-cnaps" and config.film != "task":
        raise InputError(
            f"--film {config.film} is for simple-cnaps; leave it out for {config.method}."
        )
    plain = config.method == "simple-cnaps" and config.film == "task"
    if config.context != "pixels" and not plain:
        raise InputError(
            f"--context {config.context} is for simple-cnaps with --film task; leave it out."
        )
    if config.context == "blend" and not config.start:
        raise InputError("--context blend goes on from a blend; give --start FILE.")
    if config.context == "blend" and config.backbone not in SERVED:
        raise InputError(f"--context blend is for {' and '.join(SERVED)}, not {config.backbone}.")
    if config.weight_domains:
        check_domains(config)
    check_weights(config.backbone, bool(config.weights))
    if config.sites == "paper" and config.backbone not in SERVED:
        raise InputError(
            f"--sites paper is for {' and '.join(SERVED)}; take deep or all for {config.backbone}."
        )
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


def check_domains(config: TrainConfig) -> None:
    """Raise InputError where there is nothing to make the episodes of many domains of."""
    if not (config.photos and config.views and config.fonts):
        raise InputError("The domains need --photos, --views and --fonts.")


def flag(name: str) -> str:
    """An option's flag, with its older spelling where it has one."""
    old = TrainConfig.__dataclass_fields__[name].metadata["alias"]
    return "--" + name.replace("_", "-") + (f" or {old}" if old else "")


def renamed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of any age under the names of today."""
    return {RENAMED.get(name, name): value for name, value in settings.items()}


def differences(ours: TrainConfig, theirs: Mapping[str, Any]) -> list[str]:
    """Names of the options that stand differently, of those that a run's losses depend on."""
    mine, usual = (
        {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(config).items()}
        for config in (ours, TrainConfig())
    )
    theirs = usual | renamed(theirs)  # which lacks the options that are younger than the run
    names = (mine.keys() | theirs.keys()) - ANYWHERE
    return sorted(name for name in names if mine.get(name) != theirs.get(name))
