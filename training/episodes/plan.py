"""plan.json: what a rendered data set consists of, and whose each thing and each surface is.

Whoever trains on views of the same things, or pastes onto the same surfaces, reads here which of
them are for testing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from model.errors import InputError
from model.saving import atomic_write
from training.episodes.orbit import SPLITS

FILE = "plan.json"


@dataclass(frozen=True)
class Plan:
    """Settings of a data set, and what they deal to each split."""

    settings: dict[str, Any]
    things: dict[str, list[str]]  # split -> names of meshes
    surfaces: dict[str, list[str]]  # split -> files


def read_plan(root: Path) -> Plan:
    """The plan of the data set at `root`; InputError if there is none."""
    path = root / FILE
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        plan = Plan(read["settings"], read["things"], read["surfaces"])
        complete = all(set(part) == set(SPLITS) for part in (plan.things, plan.surfaces))
    except OSError as error:
        raise InputError(
            f"{root} has no {FILE} that can be read; training.synthetic writes one first of all."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no plan of training.synthetic.") from error
    if not complete:
        raise InputError(f"{path} is no plan of training.synthetic.")
    return plan


def keep_plan(root: Path, plan: Plan) -> None:
    """Write the plan, or compare it with the one that is there: one root holds one data set."""
    if (root / FILE).exists():
        before = read_plan(root)
        if before != plan:
            names = [k for k, v in plan.settings.items() if before.settings.get(k) != v]
            what = f"other values of {', '.join(names)}" if names else "other meshes or surfaces"
            raise InputError(
                f"{root} was begun with {what}; go on with the same or in a new folder."
            )
        return
    root.mkdir(parents=True, exist_ok=True)
    with atomic_write(root / FILE) as unfinished:
        unfinished.write_text(json.dumps(asdict(plan), indent=1) + "\n", encoding="utf-8")
