"""The curves of a run: log.jsonl, one line a measurement, and the same as TensorBoard's events.

A training step is written under its number from 0, a validation under the number of steps before
it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch.utils.tensorboard.writer import SummaryWriter


class Log:
    """log.jsonl and TensorBoard's events of a run; what came after the resumed step is dropped."""

    def __init__(self, out: Path, step: int) -> None:
        self.path = out / "log.jsonl"
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        kept = [row for line in lines if (row := _row(line)) and _before(row, step)]
        self.path.write_text("".join(json.dumps(row) + "\n" for row in kept))
        self.board = SummaryWriter(str(out), purge_step=step or None)
        for row in kept:
            if row["step"] == step:  # the validation there, which TensorBoard purges too
                self._draw(row)

    def write(self, step: int, kind: str, facts: dict[str, float]) -> None:
        row = {"step": step, "kind": kind, **facts}
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        self._draw(row)

    def _draw(self, row: dict[str, Any]) -> None:
        for name, value in row.items():
            if name not in ("step", "kind"):
                self.board.add_scalar(f"{row['kind']}/{name}", value, row["step"])


def _row(line: str) -> dict[str, Any] | None:
    try:
        return json.loads(line)
    except ValueError:
        return None  # cut off by a kill


def _before(row: dict[str, Any], step: int) -> bool:
    return row["step"] < step + (row["kind"] == "validation")
