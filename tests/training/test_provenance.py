"""Provenance: what is written comes back, and the headers of before are still understood."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from model.errors import InputError
from training.settings import provenance
from training.settings.config import TrainConfig, differences
from training.settings.provenance import Combination, Mean, Run, read, write

RUN = Run({"steps": 7, "num_backprop": 4}, "abc", 7, 0.25, {"accuracy": 0.5})
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "made", [RUN, Mean((RUN, Run(hours=0.5)), 0.75), Combination({"classes": RUN}, {}, "d", 1.0)]
)
def test_what_is_written_comes_back(made: provenance.Provenance) -> None:
    assert read(json.loads(json.dumps(write(made)))) == made


def test_the_shipped_card_tells_of_the_blend_and_the_means_in_it() -> None:
    card = json.loads((ROOT / "assets" / "simple_cnaps" / "card.json").read_text())
    told = read(card["provenance"])
    assert isinstance(told, Run) and told.settings["context"] == "blend"
    made = told.started
    assert isinstance(made, Combination) and sorted(made.specialists) == ["classes", "composites"]
    counts = {k: len(m.parts) for k, m in made.specialists.items() if isinstance(m, Mean)}
    assert counts == {"classes": 5, "composites": 3}


def test_an_older_name_is_the_same_option() -> None:
    config = TrainConfig(photos=("a",), num_backprop=4)
    before = asdict(config)
    before["back"] = before.pop("num_backprop")
    before["photos"] = ["a"]
    for empty in ("cutouts", "views"):
        before[empty] = []
    del before["context"], before["fonts"]  # younger than the run
    assert differences(config, before) == []
    assert differences(config, before | {"back": 5}) == ["num_backprop"]
    older = read({"settings": {"back": 3}, "steps": 1})
    assert isinstance(older, Run) and older.settings == {"num_backprop": 3}


@pytest.mark.parametrize("odd", [{"version": 2}, {"average of": [3]}, {"specialists": [1]}])
def test_what_is_not_provenance_is_refused(odd: dict[str, object]) -> None:
    with pytest.raises(InputError, match="making"):
        read(odd)
