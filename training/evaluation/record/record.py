"""record.json: one method's answers to one set of episodes, as the report reads them."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from model.errors import InputError
from model.saving import atomic_write
from training.settings.provenance import commit

FILE, FORMAT = "record.json", 1


@dataclass(frozen=True)
class Score:
    """What one item got: a video of a task, or an episode."""

    group: str  # what items are drawn from: a user, a data set
    item: str  # names it within the group, the same for every method
    values: dict[str, float]  # by measure, each in [0, 1]; the first is the one that counts


@dataclass(frozen=True)
class Record:
    """One method on one set of episodes."""

    benchmark: str  # with protocol and mode
    episodes: str  # SHA-256 of everything that was asked
    method: str
    seed: int
    settings: dict[str, Any]
    machine: dict[str, str]
    cost: dict[str, float]
    scores: tuple[Score, ...]

    def measures(self) -> list[str]:
        """Their names, the one that counts first."""
        return list(self.scores[0].values)

    def of(self, measure: str) -> list[float]:
        """The values of a measure, item by item."""
        return [score.values[measure] for score in self.scores]

    def groups(self) -> list[str]:
        """The group of each item."""
        return [score.group for score in self.scores]


def fingerprint(asked: Any) -> str:
    """SHA-256 of a set of episodes, given as JSON would hold it."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def machine() -> dict[str, str]:
    """The hardware and the program, in words."""
    return {
        "processor": _processor(),  # evaluations run there
        "threads": str(torch.get_num_threads()),
        "torch": version("torch"),
        "commit": commit(),
    }


def save(path: Path, record: Record) -> None:
    with atomic_write(path) as unfinished:
        text = json.dumps({"format": FORMAT, **asdict(record)}, indent=1)
        unfinished.write_text(text + "\n", encoding="utf-8")


def load(path: Path) -> Record:
    """A record, or that of a run's folder; InputError for anything else."""
    file = path / FILE if path.is_dir() else path
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        version = content.pop("format")
        scores = tuple(_score(score) for score in content.pop("scores"))
        record = Record(scores=scores, **content)
        measured = {tuple(score.values) for score in scores}
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror}); did its run end?") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{file} is no record of an evaluation.") from error
    if version != FORMAT:
        raise InputError(f"{file} has format {version}; this program reads {FORMAT}.")
    if len(measured) != 1 or () in measured:
        raise InputError(f"{file} is no record of an evaluation: its scores lack some measure.")
    return record


def begin(out: Path, settings: dict[str, Any]) -> None:
    """Make the folder of the run, or see that it is this one's."""
    path = out / "settings.json"
    try:
        (out / "tasks").mkdir(parents=True, exist_ok=True)
        if not path.exists():
            with atomic_write(path) as unfinished:
                unfinished.write_text(json.dumps(settings, indent=1) + "\n")
        before = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{out} cannot be used as the folder of a run ({error}).") from error
    if other := differing(settings, before):
        raise InputError(
            f"{out} holds a run with another {', '.join(other)}; go on with the same, or give a "
            "new folder with --out."
        )


def differing(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Sequence[str]:
    """Names of the settings that stand differently."""
    return sorted(n for n in ours.keys() | theirs.keys() if ours.get(n) != theirs.get(n))


def _score(values: dict[str, Any]) -> Score:
    score = Score(**values)
    if not all(0 <= value <= 1 for value in score.values.values()):
        raise ValueError("a value outside [0, 1]")
    return score


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.machine()
