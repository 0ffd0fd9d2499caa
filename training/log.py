"""The curves of a run: log.jsonl, one line a measurement, and the same as TensorBoard's events.

A training step is written under its number from 0, a validation under the number of steps before
it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch.utils.tensorboard.writer import SummaryWriter

from model.errors import InputError


class Log:
    """log.jsonl and TensorBoard's events of a run; what came after the resumed step is dropped."""

    def __init__(self, out: Path, step: int) -> None:
        self.path = out / "log.jsonl"
        kept = [row for row in read_log(self.path) if _before(row, step)]
        self.path.write_text("".join(json.dumps(row) + "\n" for row in kept))
        self.board = SummaryWriter(str(out), purge_step=step or None)
        for row in kept:
            if row["step"] == step:  # the validation there, which TensorBoard purges too
                self._draw(row)

    def write(self, step: int, kind: str, facts: dict[str, float]) -> None:
        row = {"step": step, "kind": kind, **facts}
        try:
            with self.path.open("a") as file:
                file.write(json.dumps(row) + "\n")
            self._draw(row)
        except OSError as error:
            raise InputError(
                f"{self.path} could not be written ({error.strerror}); make room and pass --resume."
            ) from error

    def _draw(self, row: dict[str, Any]) -> None:
        for name, value in row.items():
            if name not in ("step", "kind"):
                self.board.add_scalar(f"{row['kind']}/{name}", value, row["step"])


def read_log(path: Path) -> list[dict[str, Any]]:
    """The measurements in log.jsonl, without a last line that a kill cut off."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [row for line in lines if (row := _row(line))]


def _row(line: str) -> dict[str, Any] | None:
    try:
        return json.loads(line)
    except ValueError:
        return None  # cut off by a kill


def _before(row: dict[str, Any], step: int) -> bool:
    return row["step"] < step + (row["kind"] == "validation")
