"""A plan of commands that could be typed by hand, run one after the other, and which are done."""

from __future__ import annotations

import importlib
import json
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.errors import InputError
from model.saving import atomic_write
from training.checkpointing import FILE
from training.log import read_log
from training.settings.provenance import commit

LOG = "stages.jsonl"


@dataclass(frozen=True)
class Stage:
    """One command: `main(argv)` of a module, and what is there when it is done."""

    module: str
    argv: tuple[str, ...]
    makes: Path

    def command(self, out: Path) -> str:
        """As it could be typed in OUT; data by the names of their folders, not their places."""
        words = [f"python -m {self.module.removesuffix('.__main__')}"]
        for word in self.argv:
            path = Path(word)
            inside = path.is_relative_to(out)
            short = path.relative_to(out) if inside else path.name if "/" in word else word
            words.append(shlex.quote(str(short)))
        return " ".join(words)

    def run(self) -> None:
        """Raises SystemExit, with the command's own sentence, where it fails."""
        argv = list(self.argv)
        if self.module == "training.train" and (self.makes.parent / FILE).exists():
            argv.append("--resume")
        if failed := importlib.import_module(self.module).main(argv):
            sys.exit(failed)


def make(wanted: Sequence[Stage], out: Path) -> list[dict[str, Any]]:
    """Run what is not done yet; returns OUT's log, a row a stage.

    All is made from one clean commit, so that whoever has the data can make the same again.
    InputError where it is none, or where OUT holds what another command or commit made. Data are
    known by the name of their folder: other data under the same name are not noticed.
    """
    here = commit()
    if here.endswith("-dirty") or here == "unknown":
        raise InputError(
            f"This runs from a clean commit, which its log names; this is {here!r}. Commit what "
            "has changed, in a checkout of git."
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out} cannot be made a folder: {error.strerror}.") from error
    done = {row["makes"]: row for row in read_log(out / LOG)}
    if done:
        with atomic_write(out / LOG) as unfinished:  # without a last line that was cut off
            unfinished.write_text("".join(json.dumps(row) + "\n" for row in done.values()))
    for row in done.values():
        if row["commit"] != here:
            raise InputError(
                f"{out} was begun at commit {row['commit']}, and this is {here}; check that one "
                "out, or give another --out."
            )
    rows = []
    for number, stage in enumerate(wanted, 1):
        name, command = str(stage.makes.relative_to(out)), stage.command(out)
        row = done.get(name)
        if row and row["command"] != command:
            raise InputError(f"{name} in {out} was made by another command; give another --out.")
        if row is None or not stage.makes.exists():
            print(f"{number}/{len(wanted)}  {command}", flush=True)
            started = time.perf_counter()
            stage.run()
            hours = round((time.perf_counter() - started) / 3600, 3)
            row = {"makes": name, "command": command, "commit": here, "hours": hours}
            with (out / LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        rows.append(row)
    return rows
