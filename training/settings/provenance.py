"""What a checkpoint tells about itself: its settings, its commit, how long it took."""

from __future__ import annotations

import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.settings.config import TrainConfig
from training.checkpointing import Progress


def provenance(config: TrainConfig, progress: Progress, facts: dict[str, float]) -> dict[str, Any]:
    """What a trained checkpoint tells about itself."""
    return {
        "settings": settings_of(config),
        "commit": commit(),
        "steps": progress.step,
        "hours": round(progress.seconds / 3600, 3),
        "validation": facts,
    }


def settings_of(config: TrainConfig) -> dict[str, Any]:
    """Every knob; folders by name, wherever they lie on this machine."""
    settings = asdict(config)
    for name in ("out", "orbit", "surfaces", "apart", "start"):
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
