"""Which methods there are, by the names that commands take, and what each is made of.

Of a checkpoint, ours or imported: `checkpoint` (Simple CNAPs, CNAPs, ProtoNets or CaSE: whatever it
holds), and `maml`. Without meta-training, on an ImageNet backbone: frozen heads, fine-tuning, and
MAML's inner steps from there.
"""

from __future__ import annotations

import difflib
from argparse import ArgumentParser
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from model.errors import InputError
from model.nn.backbone import NAMES as BACKBONES
from model.nn.backbone import PACKAGED, Backbone, check_weights, own_inputs
from model.nn.checkpoint import load_checkpoint
from model.nn.cnaps import CnapsConfig, SimpleCnaps
from model.nn.head import PROTOTYPES
from model.nn.published_set_encoder import TOGETHER
from training.methods.fine_tuner import STEPS as TUNED
from training.methods.fine_tuner import FilmTuner
from training.methods.frozen import HEADS, STEPS, Extractor, Frozen
from training.methods.learner import CHUNK, Learner
from training.methods.maml import INNER_STEPS, Maml
from training.methods.one_pass import OnePass

CHECKPOINT = "checkpoint"
FROZEN = {f"frozen-{name}": name for name in HEADS}
NAMES = (CHECKPOINT, *FROZEN, "film-tuner", "maml")


@dataclass(frozen=True)
class Chosen:
    """A method, ready to adapt, and what is said of it."""

    name: str
    learner: Learner
    parameters: int  # of its networks
    steps: int = 0  # gradient steps to personalise
    # MACs and seconds that memory of earlier tasks spared, since this was asked last
    spared: Callable[[], tuple[int, float]] = lambda: (0, 0.0)


def known(what: str, name: str, names: Collection[str]) -> None:
    """InputError for a name that there is not, with the nearest that there is."""
    if name not in names:
        near = difflib.get_close_matches(name, names, 1, 0.0)[0]
        raise InputError(
            f"There is no {what} {name!r}; did you mean {near}? There are {', '.join(names)}."
        )


def add_backbone(parser: ArgumentParser) -> None:
    """The options that say what methods without a checkpoint start from."""
    parser.add_argument("--backbone", default=PACKAGED, help=", ".join(BACKBONES))
    parser.add_argument("--weights", type=Path, help="file of its ImageNet weights, as timm's")


def open_backbone(name: str = PACKAGED, weights: Path | None = None) -> Backbone:
    """What methods start from that have no checkpoint; InputError where its weights are missing."""
    known("backbone", name, BACKBONES)
    check_weights(name, weights is not None)
    backbone = Backbone(name, own_inputs(name))
    if weights:
        backbone.load(weights)
    return backbone


def choose(name: str, checkpoint: Path | None, backbone: Backbone) -> Chosen:
    """backbone: what methods without a checkpoint start from.

    InputError for a name that there is not, with the nearest that there is.
    """
    known("method", name, NAMES)
    if name != "maml" and (checkpoint is None) == (name == CHECKPOINT):
        raise InputError(
            f"{CHECKPOINT} needs a file to evaluate; give --checkpoint FILE."
            if name == CHECKPOINT
            else f"{name} has no checkpoint; leave --checkpoint out, or evaluate {CHECKPOINT}."
        )
    if name == "maml":
        return _maml(checkpoint, backbone)
    if checkpoint is not None:
        return in_one_pass(checkpoint)
    if name == "film-tuner":
        return Chosen(name, FilmTuner(backbone, backbone.features), _count(backbone), TUNED)
    extractor = _extractor(backbone)
    head, steps = HEADS[FROZEN[name]], STEPS if FROZEN[name] == "linear" else 0
    size = _count(extractor.backbone)
    return Chosen(name, Frozen(extractor, head), size, steps, extractor.remembered)


def in_one_pass(checkpoint: Path) -> Chosen:
    """What a checkpoint holds; InputError for a start of MAML, which takes gradient steps."""
    model = load_checkpoint(checkpoint)[0]
    if model.config.adapts == "steps":
        raise InputError(f"{checkpoint} is a start of MAML; evaluate it as maml.")
    used = [p for n, p in model.named_parameters() if n.startswith("backbone.") or p.requires_grad]
    size = sum(parameter.numel() for parameter in used)
    return Chosen(_held(model.config), OnePass(model, _together(model)), size)


def _maml(checkpoint: Path | None, backbone: Backbone) -> Chosen:
    """From the start that a training found, or from the ImageNet backbone."""
    model = load_checkpoint(checkpoint)[0] if checkpoint else None
    if model is not None and model.config.adapts != "steps":
        raise InputError(
            f"{checkpoint} is no start of MAML; make one with "
            "`python -m training.train --method maml`, or leave --checkpoint out."
        )
    start = model.backbone if model else backbone
    learner = Maml(start, start.features)
    return Chosen("maml" if model else "untrained-maml", learner, _count(start), INNER_STEPS)


def _held(config: CnapsConfig) -> str:
    """What a checkpoint of these settings is called in a result."""
    if config.context == "case":
        return "case"
    if config.film == "none" and config.head in PROTOTYPES:
        euclidean = "euclidean" if config.features == "raw" else "euclidean, features of one length"
        return f"protonets, {'cosine' if config.head == 'cosine' else euclidean}"
    name = "cnaps" if config.head == "generated" else "simple-cnaps"
    if config.context == "published":
        name += ", published set encoder"
    return name if config.film == "task" else f"{name}, {config.film} FiLM"


@lru_cache(maxsize=1)
def _extractor(backbone: Backbone) -> Extractor:
    """One for all frozen heads."""
    return Extractor(backbone)


def _together(model: SimpleCnaps) -> int:
    batch = model.config.context == "published" and model.config.batch_norm == "batch"
    return TOGETHER if batch else CHUNK


def _count(network: Any) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
