"""The card of a personaliser in words, and the curves of its training.

What a training knows of itself comes from the checkpoint's provenance; what was measured afterwards
is handed in as notes.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from model.head import KINDS as HEAD_KINDS
from training.log import read_log
from training.plots import Curve, plot
from training.settings import provenance
from training.settings.config import KINDS, TrainConfig, renamed
from training.settings.provenance import Combination, Mean, Provenance, Run

HEADS = dict(zip(HEAD_KINDS, (
    "Mahalanobis head",
    "Mahalanobis head, with one variance for an object of a single frame",
    "nearest mean",
    "nearest mean by cosine",
), strict=True))  # fmt: skip
SMOOTHED = 25  # training steps that a point of the curve averages


def model_card(card: dict[str, Any], notes: str, curves: bool) -> str:
    """Markdown; notes: results and limits, as whoever measured them wrote them down."""
    head, made = card["head"], provenance.read(card["provenance"])
    runs = _runs(made)
    blend = made
    while isinstance(blend, Run) and blend.started:
        blend = blend.started
    lines = [
        f"# {card['name']}",
        "",
        _trained(card, made),
        "",
        f"- Method: {card['method']}; {_chain(card)}.",
        f"- Input: {card['side']} x {card['side']} uint8 RGB; features D = {card['features']}, "
        f"task embedding E = {card['embedding']}.",
        f"- Head: `{head['features']}` features, temperature {head['temperature']:.4g}, "
        f"windows {' and '.join(map(str, head['windows'])) or 'off'}, "
        f"window floor {head['window_floor']}.",
        *_clutter(card["provenance"].get("clutter")),
        *_listed(made),
    ]
    if isinstance(blend, Combination):
        lines += _blended(blend)
    elif isinstance(made, Mean):
        lines += ["", f"Its weights are the mean of {len(runs)} trainings (`training.average`)."]
    for number, (kind, run) in enumerate(runs, 1):
        if run.settings:
            title = f"Training {number}{kind}" if len(runs) > 1 else "Trained by"
            lines += ["", title, ""]
            lines += [f"    {command(run.settings)}", ""]
            lines += _listed(run) if len(runs) > 1 else []
    if curves:
        lines += ["", "![Loss and validation accuracy against the step](curves.svg)"]
    if notes:
        lines += ["", notes.strip()]
    lines += [
        "",
        "Files and their SHA-256 stand in `card.json`; `trained.safetensors` holds the torch "
        "weights of what is trained. Written by `python -m training.export`.",
    ]
    return "\n".join(lines) + "\n"


def _chain(card: dict[str, Any]) -> str:
    """From the support set to the answer."""
    film = f"set encoder -> FiLM at {len(card['sites'])} batch-norms -> "
    return ("" if card.get("film") == "none" else film) + HEADS[
        card["head"].get("kind", HEAD_KINDS[0])
    ]


def _trained(card: dict[str, Any], made: Provenance) -> str:
    """What of it is learned, and how."""
    if not card["trained"]:
        return (
            "**Not meta-trained.** Its FiLM changes nothing (r = 0), so it is the frozen ImageNet "
            "backbone with the Simple CNAPs head: a baseline, and what a training starts from."
        )
    if isinstance(made, Combination):
        return (
            "A start for training: LITE trained the FiLM vectors of two domains; the others repeat "
            "them, and the set encoder is a regression."
        )
    if card.get("backbone") == "trained":
        return "Meta-trained with LITE, its backbone too."
    return "Meta-trained with LITE; the frozen backbone is ImageNet's."


def _blended(made: Combination) -> list[str]:
    """How specialists became one model."""
    kinds = sorted(made.specialists, key=list(KINDS).index)  # a header sorts them
    parts = " ".join(f"--{kind} {kind}.safetensors" for kind in kinds)
    made_by = command(made.blend, f"training.blend {parts} --out blend.safetensors")
    said = (
        f"A blend of specialists for {' and for '.join(kinds)} (one of several trainings is their "
        f"mean) was made at {made.commit} by"
    )
    return ["", said, "", f"    {made_by}"]


def _clutter(known: dict[str, Any] | None) -> list[str]:
    """What the head knows of clutter (`training.calibration.clutter`)."""
    if known is None:
        return []
    return [
        f"- Clutter: {known['rank']} directions, with weight {known['weight']}, of "
        f"{known['frames']} frames of {known['people']} people "
        f"(`python -m training.calibration.clutter` at {known['commit']})."
    ]


def command(settings: dict[str, Any], module: str = "training.train") -> str:
    """The command line of a training: what its settings have other than the defaults."""
    words = [f"python -m {module}"]
    settings = renamed(settings)
    for option in fields(TrainConfig):
        value = settings.get(option.name, option.default)
        value = tuple(value) if isinstance(value, list) else value
        if value == option.default or option.name == "out":
            continue
        words.append("--" + option.name.replace("_", "-"))
        if not isinstance(value, bool):
            words += [
                shlex.quote(str(v)) for v in (value if isinstance(value, tuple) else (value,))
            ]
    return " ".join(words)


def write_curves(logs: Sequence[Path], out: Path) -> None:
    """curves.svg from the log.jsonl of one run or several, each named after its folder."""
    losses: dict[str, Curve] = {}
    accuracies: dict[str, Curve] = {}
    for log in logs:
        rows, run = read_log(log), log.parent.name
        loss = [row["loss"] for row in rows if row["kind"] == "train"]
        losses[run] = {
            end: float(np.mean(loss[end - SMOOTHED : end]))
            for end in range(SMOOTHED, len(loss) + 1, SMOOTHED)
        }
        accuracies[run] = {r["step"]: r["accuracy"] for r in rows if r["kind"] == "validation"}
    across = f"step (loss: mean of {SMOOTHED})"
    plot(out, across, {"training loss": losses, "accuracy on held-out episodes": accuracies})


def _runs(made: Provenance, kind: str = "") -> list[tuple[str, Run]]:
    """Every training that a model was made of, and which specialist it belongs to."""
    if isinstance(made, Combination):
        parts = made.specialists.items()
        return [run for name, part in parts for run in _runs(part, f", for {name}")]
    if isinstance(made, Mean):
        return [run for part in made.parts for run in _runs(part, kind)]
    if made.started:
        alone = replace(made, hours=round(made.hours - made.started.hours, 3))
        return [*_runs(made.started), (", of the blend", alone)]
    return [(kind, made)]


def _listed(made: Provenance) -> list[str]:
    """A line for every fact of its own, in alphabetical order."""
    facts: dict[str, Any] = {"hours": made.hours or None}
    if not isinstance(made, Mean):
        facts["commit"] = made.commit
    if isinstance(made, Run):
        facts |= {"steps": made.steps, "validation": made.validation, **made.others}
    return [
        f"- {name[0].upper()}{name[1:]}: {_in_words(value)}"
        for name, value in sorted(facts.items())
        if value is not None
    ]


def _in_words(value: object) -> str:
    return value if isinstance(value, str) else f"`{json.dumps(value)}`"
