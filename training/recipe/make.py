r"""The personaliser from folders of data, in one command: every stage, seed and option.

    python -m training.recipe --photos PHOTOS ... --objects SCANS FURNITURE --surfaces ROOMS \
        --cutouts CUTOUTS ... --apart HOME --people HOME --out runs/recipe
    python -m training.recipe ... --out runs/trial --trial     the same stages in minutes, no model

views of the objects -> trainings of two specialists by LITE -> the mean of each -> their blend with
other domains -> LITE on the set encoder and these domains' FiLM -> OUT/simple_cnaps (export,
clutter, calibration, card). Each stage is a command of this folder that could be typed by hand;
OUT/stages.jsonl says which are done, and the card is written from it. One that was stopped goes on
where it stood. It runs from a clean commit and is of one commit, so that whoever has the data can
make the same again; torch promises the same bits on the same machine only.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.errors import InputError
from model.saving import atomic_write
from training.episodes.domains.characters import Scripts
from training.episodes.orbit import read_split
from training.export.export import read_notes
from training.export.model_card import model_card
from training.plan.stage import make
from training.recipe.stages import NAME, stages
from training.settings.command_line import parser_for


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


def check_data(data: argparse.Namespace) -> None:
    """Raises InputError for what a stage hours from now would miss."""
    Scripts.read(data.fonts)
    for split in ("train", "validation") if data.people else ():
        read_split(data.people, split)


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    parser.prog = "python -m training.recipe"
    for name, needed, what in (
        ("photos", True, "folders of photos, FOLDER/<class>/*.jpg or FOLDER/*.jpg"),
        ("objects", True, "folders or .zips of meshes with manifest.csv, the scans first"),
        ("cutouts", False, "folders of pictures on transparent ground"),
    ):
        parser.add_argument("--" + name, type=Path, nargs="+", default=[], required=needed,
                            help=what)  # fmt: skip
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"), help="font files")
    parser.add_argument("--surfaces", type=Path, help="folder of photos of rooms and tables")
    parser.add_argument("--apart", type=Path, help="rendered data set whose test things are kept")
    parser.add_argument("--people", type=Path, help="data set of ORBIT's layout with train and "
                        "validation: filmed episodes, and what clutter does")  # fmt: skip
    parser.add_argument("--notes", type=Path, help="results and limits for the card, .md")
    parser.add_argument("--out", type=Path, required=True, help="folder of all that is made")
    parser.add_argument("--trial", action="store_true", help="every stage as small as it goes")
    data = parser.parse_args(argv)
    try:
        notes = read_notes(data.notes)
        check_data(data)
        rows = make(stages(data, data.out), data.out)
        write_card(data.out / NAME, rows, data.trial, notes)
    except InputError as error:
        sys.exit(str(error))
    print(f"{data.out / NAME} is made; the card lists its {len(rows)} stages")
