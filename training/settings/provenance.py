"""What a checkpoint tells about its making: a run, a mean of them, or a combination of both.

`read` takes the header of a checkpoint of any age, `write` gives what a new one holds; the keys of
that JSON are known in this file alone.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from model.errors import InputError
from training.settings.config import TrainConfig, renamed

VERSION = 1  # headers from before this number existed have none, and the same keys


@dataclass(frozen=True)
class Run:
    """One training."""

    settings: dict[str, Any] = field(default_factory=dict)  # its options; folders by name
    commit: str | None = None
    steps: int | None = None
    hours: float = 0.0
    validation: dict[str, float] | None = None  # accuracies on held-out episodes
    others: dict[str, Any] = field(default_factory=dict)  # what another program noted
    started: Provenance | None = None  # of the blend that it went on from


@dataclass(frozen=True)
class Mean:
    """The mean of several models (`training.average`)."""

    parts: tuple[Provenance, ...]
    hours: float


@dataclass(frozen=True)
class Combination:
    """Specialists in one blend (`training.blend`)."""

    specialists: dict[str, Provenance]  # kind of episodes -> whose FiLM they get
    blend: dict[str, Any]  # options of the episodes that the set encoder began with
    commit: str
    hours: float


Provenance = Run | Mean | Combination


def run(
    config: TrainConfig, steps: int, seconds: float, validation: dict[str, float],
    started: Provenance | None = None,
) -> Run:  # fmt: skip
    """What a run's checkpoint tells after so many steps; its hours count the start's too."""
    spent = round(seconds / 3600, 3) + (started.hours if started else 0)
    return Run(settings_of(config), commit(), steps, spent, validation, started=started)


def mean(parts: tuple[Provenance, ...]) -> Mean:
    return Mean(parts, hours(parts))


def hours(parts: tuple[Provenance, ...]) -> float:
    """What several trainings took together."""
    return round(sum(part.hours for part in parts), 3)


def read(header: Mapping[str, Any]) -> Provenance:
    """The provenance in a checkpoint's header or a card; InputError where it is not one."""
    facts = dict(header)
    facts.pop("clutter", None)  # what the head learned afterwards; the card says it
    if (version := facts.pop("version", VERSION)) != VERSION:
        raise InputError(
            f"The checkpoint tells its making in version {version!r}; this program reads "
            f"{VERSION}. Update it."
        )
    try:
        if "specialists" in facts:
            parts = {kind: read(part) for kind, part in facts["specialists"].items()}
            blend = renamed(facts.get("blend", {}))
            return Combination(parts, blend, facts.get("commit", ""), facts.get("hours", 0.0))
        if "average of" in facts:
            return Mean(tuple(map(read, facts["average of"])), facts.get("hours", 0.0))
        known = {k: facts.pop(k) for k in ("commit", "steps", "hours", "validation") if k in facts}
        if "started" in facts:
            known["started"] = read(facts.pop("started"))
        return Run(renamed(facts.pop("settings", {})), **known, others=facts)
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError("The checkpoint's account of its making is damaged.") from error


def write(provenance: Provenance) -> dict[str, Any]:
    """The JSON of a checkpoint's header."""
    return {**_plain(provenance), "version": VERSION}


def _plain(provenance: Provenance) -> dict[str, Any]:
    if isinstance(provenance, Mean):
        return {"average of": [_plain(p) for p in provenance.parts], "hours": provenance.hours}
    if isinstance(provenance, Combination):
        specialists = {kind: _plain(part) for kind, part in provenance.specialists.items()}
        return {
            "specialists": specialists, "blend": provenance.blend, "commit": provenance.commit,
            "hours": provenance.hours,
        }  # fmt: skip
    facts = asdict(replace(provenance, started=None))
    others = facts.pop("others")
    if provenance.started:
        facts["started"] = _plain(provenance.started)
    return {name: value for name, value in facts.items() if value not in (None, {})} | others


def settings_of(config: TrainConfig) -> dict[str, Any]:
    """Every option; folders by name, wherever they lie on this machine."""
    settings = asdict(config)
    for name in ("out", "orbit", "surfaces", "apart", "start", "fonts"):
        settings[name] = Path(settings[name]).name
    for name in ("photos", "cutouts", "views"):
        settings[name] = [Path(folder).name for folder in settings[name]]
    return settings


def commit() -> str:
    """The commit of this code; -dirty where it was changed since, unknown outside of git."""
    describe = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        here = Path(__file__).parent
        answer = subprocess.run(describe, cwd=here, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return answer.stdout.strip() or "unknown"
