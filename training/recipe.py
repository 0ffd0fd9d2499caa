"""The personaliser from folders of data, in one command: every stage, seed and option.

    python -m training.recipe --photos PHOTOS ... --objects SCANS FURNITURE --surfaces ROOMS \
        --cutouts CUTOUTS ... --apart HOME --out runs/recipe
    python -m training.recipe ... --out runs/trial --trial     the same stages in minutes, no model

views of the objects -> trainings of two specialists by LITE -> the mean of each -> the gate between
them -> OUT/simple_cnaps (export, calibration, card). Each stage is a command of this folder that
could be typed by hand; OUT/recipe.jsonl says which are done, and the card is written from it. One
that was stopped goes on where it stood. It runs from a clean commit and is of one commit, so that
whoever has the data can make the same again; torch promises the same bits on the same machine only.
"""

from __future__ import annotations

import argparse
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
from training.export.export import read_notes
from training.export.model_card import model_card
from training.log import read_log
from training.settings.command_line import parser_for
from training.settings.provenance import commit

LOG, NAME = "recipe.jsonl", "simple_cnaps"
# A trial's stages are those of the recipe with as little in them as they take.
TRIAL_VIEWS = "--views 2 --side 32 --processes 1"
TRIAL_TASKS = "--way 3 --shots 1 --workers 0"
TRIAL_RUN = TRIAL_TASKS + " --queries 1 --validation 1"


@dataclass(frozen=True)
class Training:
    """One training of LITE, with one FiLM for all its tasks."""

    name: str
    steps: int
    options: str
    start: str = ""  # a training or a mean before it; empty: the frozen net
    scans_only: bool = False  # of the objects, the first folder alone


# A specialist is the mean of several trainings, which err in other directions; README.md beside
# this file says what each kind of episode brings and takes. At rate 0 stays the frozen net, which
# pulls a mean back.
CLASSES = (
    Training("mixed", 800, "--windows 5", scans_only=True),
    Training("mixed-2", 550, "--seed 2 --windows 4", scans_only=True),
    Training("photos", 700, "--seed 10 --weight-composites 0 --weight-classes 0.2 --windows 4"),
    Training("classes-more", 160, "--seed 11 --weight-composites 0 --weight-photos 0.6 "
             "--weight-classes 1 --windows 4", start="classes-first"),
    Training("frozen", 1, "--weight-composites 0 --windows 4 --rate 0 --rate-temperature 0"),
)  # fmt: skip
COMPOSITES = (
    Training("renders", 700, "--seed 10 --weight-composites 1.5 --weight-classes 0.2 "
             "--windows 4"),
    Training("renders-20", 480, "--seed 20 --weight-photos 1.5 --windows 4", start="renders"),
    Training("renders-21", 480, "--seed 21 --weight-photos 1.5 --windows 4", start="renders"),
)  # fmt: skip
FIRST = ("classes-first", CLASSES[:3])  # the mean that `classes-more` starts from


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


def stages(data: argparse.Namespace, out: Path) -> list[Stage]:
    """All of the recipe, in order."""
    trial = data.trial
    views = [out / f"views-{number}.npy" for number in range(len(data.objects))]
    turned = TRIAL_VIEWS.split() if trial else []
    found = [
        _stage("training.synthetic.__main__", path, "views", "--objects", objects, *turned)
        for path, objects in zip(views, data.objects, strict=True)
    ]
    sources = ["--photos", *data.photos]
    sources += ["--surfaces", data.surfaces] if data.surfaces else []
    sources += ["--cutouts", *data.cutouts] if data.cutouts else []
    sources += ["--apart", data.apart] if data.apart else []

    def trained(training: Training) -> Stage:
        shown = views[:1] if training.scans_only else views
        start = ["--start", _weights(out, training.start)] if training.start else []
        more = TRIAL_RUN.split() if trial else ["--validation", "9"]
        steps = 1 if trial else training.steps
        words = [*sources, "--views", *shown, "--film", "constant", "--threads", "1",
                 *training.options.split(), *start, "--steps", steps, *more]  # fmt: skip
        run = out / training.name
        argv = ("--out", str(run), *map(str, words))
        return Stage("training.train", argv, _weights(out, training.name))

    def mean(name: str, of: Sequence[Training]) -> Stage:
        parts = [_weights(out, training.name) for training in of]
        return _stage("training.average", _weights(out, name), *parts)

    for training in CLASSES:
        if training.start == FIRST[0]:
            found.append(mean(*FIRST))
        found.append(trained(training))
    found += [mean("classes", CLASSES), *map(trained, COMPOSITES), mean("composites", COMPOSITES)]
    kinds = [("--" + kind, _weights(out, kind)) for kind in ("composites", "classes")]
    size = ["--whitening", "8", *TRIAL_TASKS.split()] if trial else ["--whitening", "300"]
    found.append(
        _stage("training.specialists", _weights(out, "both"), *kinds[0], *kinds[1], *sources,
               "--views", *views, "--threads", "1", *size)
    )  # fmt: skip
    runs = [out / training.name for training in (*CLASSES, *COMPOSITES)]
    folder = out / NAME
    found.append(_stage("training.export.export", folder, _weights(out, "both"), "--windows", 3, 4,
                        "--runs", *runs))  # fmt: skip
    size = ["--tasks", "6", *TRIAL_TASKS.split()] if trial else ["--way", "12"]
    argv = tuple(map(str, (folder, *sources, "--views", *views, *size)))
    return [*found, Stage("training.calibration.calibrate", argv, folder / "calibration.json")]


def _stage(module: str, makes: Path, *words: object) -> Stage:
    """A command that is told with --out what it makes."""
    return Stage(module, (*map(str, words), "--out", str(makes)), makes)


def _weights(out: Path, name: str) -> Path:
    """The checkpoint of a training, of a mean or of the whole."""
    trainings = {training.name for training in (*CLASSES, *COMPOSITES)}
    return out / name / "last.safetensors" if name in trainings else out / f"{name}.safetensors"


def make(wanted: Sequence[Stage], out: Path) -> list[dict[str, Any]]:
    """Run what is not done yet; returns the log. InputError where OUT is of another recipe."""
    here = commit()
    if here.endswith("-dirty") or here == "unknown":
        raise InputError(
            f"The recipe runs from a clean commit, which the card names; this is {here!r}. Commit "
            "what has changed, in a checkout of git."
        )
    out.mkdir(parents=True, exist_ok=True)
    done = {row["makes"]: row for row in read_log(out / LOG)}
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


def write_card(folder: Path, rows: Sequence[dict[str, Any]], trial: bool, notes: str) -> None:
    """MODEL_CARD.md of the folder, with the recipe that made it."""
    hours = sum(row["hours"] for row in rows)
    lines = ["## Recipe", ""]
    lines += ["**A trial of the recipe's stages, no model.**", ""] if trial else []
    lines += [f"`python -m training.recipe` at commit {rows[0]['commit']}, {hours:.1f} hours:", ""]
    lines += [f"    {row['command']}" for row in rows]
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    text = model_card(card, "\n".join([*lines, "", notes]), curves=True)
    with atomic_write(folder / "MODEL_CARD.md") as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    for name, needed, what in (
        ("photos", True, "folders of photos, FOLDER/<class>/*.jpg or FOLDER/*.jpg"),
        ("objects", True, "folders or .zips of meshes with manifest.csv, the scans first"),
        ("cutouts", False, "folders of pictures on transparent ground"),
    ):
        parser.add_argument("--" + name, type=Path, nargs="+", default=[], required=needed,
                            help=what)  # fmt: skip
    parser.add_argument("--surfaces", type=Path, help="folder of photos of rooms and tables")
    parser.add_argument("--apart", type=Path, help="rendered data set whose test things are kept")
    parser.add_argument("--notes", type=Path, help="results and limits for the card, .md")
    parser.add_argument("--out", type=Path, required=True, help="folder of all that is made")
    parser.add_argument("--trial", action="store_true", help="every stage as small as it goes")
    data = parser.parse_args(argv)
    try:
        notes = read_notes(data.notes)
        rows = make(stages(data, data.out), data.out)
        write_card(data.out / NAME, rows, data.trial, notes)
    except InputError as error:
        sys.exit(str(error))
    print(f"{data.out / NAME} is made; the card lists its {len(rows)} stages")


if __name__ == "__main__":
    main()
