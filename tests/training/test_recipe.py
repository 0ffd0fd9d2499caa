"""The recipe: every command of it is one that the modules accept, it goes on where it stopped, and
a trial of all its stages makes a personaliser.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from model import load_model
from model.errors import InputError
from model.nn.blend import BlendedFilm
from model.nn.checkpoint import load_checkpoint
from tests.training.synthetic_world import open_renderer, write_catalogue
from training import blend
from training.calibration import calibrate
from training.episodes.domains.sources import SHARES
from training.plan.stage import LOG, Stage
from training.recipe import make as recipe
from training.recipe.stages import BLEND, CLASSES, COMPOSITES, NAME
from training.settings import command_line

WORDS = ["--photos", "a/photos", "b/more", "--objects", "scans", "furniture", "--surfaces",
         "rooms", "--cutouts", "stamps/food", "--apart", "home",
         "--people", "home"]  # fmt: skip


def planned(monkeypatch: pytest.MonkeyPatch, *more: str) -> list[Stage]:
    """The stages of a command line, which are not run."""
    found: list[Stage] = []

    def keep(wanted: list[Stage], out: Path) -> list[dict[str, object]]:
        found.extend(wanted)
        raise InputError("planned")

    monkeypatch.setattr(recipe, "make", keep)
    monkeypatch.setattr(recipe, "check_data", lambda data: None)
    with pytest.raises(SystemExit, match="planned"):
        recipe.main([*WORDS, "--out", "runs/x", *more])
    return found


def test_the_trainings_are_those_of_the_table_and_may_run(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(monkeypatch)
    configs = [
        command_line.parse(stage.argv, "test")[0]
        for stage in plan
        if stage.module == "training.train"
    ]
    assert [Path(config.out).name for config in configs] == [
        training.name for training in (*CLASSES, *COMPOSITES, BLEND)
    ]
    steps = 800 + 550 + 700 + 160 + 1 + 700 + 2 * 480 + 800
    assert sum(config.steps for config in configs) == steps
    assert {config.film for config in configs[:-1]} == {"constant"}
    assert configs[-1].context == "blend" and configs[-1].film == "task"
    assert all(config.threads == 1 for config in configs)
    assert [config.validation for config in configs] == [9] * 8 + [len(SHARES) + 1]  # and people
    assert configs[-1].orbit == "home" and configs[-1].weight_orbit == 1
    assert [len(config.views) for config in configs] == [1, 1, 2, 2, 2, 2, 2, 2, 2]
    start = next(stage for stage in plan if stage.module == "training.blend")
    config, own = blend.parse(start.argv)
    assert config.whitening == 30 and config.surfaces == "rooms" and config.orbit == "home"
    assert own["composites"].name == "composites.safetensors"


def test_nothing_is_used_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made: set[str] = set()
    for stage in planned(monkeypatch, "--trial"):
        needs = {word for word in stage.argv if word.startswith("runs/") and Path(word).suffix}
        assert needs - {str(stage.makes)} <= made, stage
        assert str(stage.makes) not in made
        made.add(str(stage.makes))


def test_commands_hold_no_place_of_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(monkeypatch)
    commands = [stage.command(Path("runs/x")) for stage in plan]
    assert commands[0] == ("python -m training.synthetic views --objects scans --out views-0.npy")
    assert "--photos photos more --surfaces rooms --cutouts food --apart home" in commands[2]
    assert "runs" not in " ".join(commands).replace("--runs", "")


def test_what_a_late_stage_needs_is_asked_for_at_once(tmp_path: Path, fonts: Path) -> None:
    (tmp_path / "home" / "train").mkdir(parents=True)
    words = ["--photos", "a", "--objects", "b", "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit, match="no font"):
        recipe.main([*words, "--fonts", str(tmp_path)])
    people = ["--fonts", str(fonts), "--people", str(tmp_path / "home")]
    with pytest.raises(SystemExit, match="home/train holds no <user>"):
        recipe.main([*words, *people])
    assert not (tmp_path / "out").exists()


def test_a_stage_that_fails_is_said_in_its_words_and_not_logged(
    tmp_path: Path, fonts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training.plan.stage.commit", lambda: "0a1b2c3")
    words = ["--photos", str(tmp_path), "--objects", str(tmp_path / "none"), "--fonts", str(fonts)]
    with pytest.raises(SystemExit) as failed:
        recipe.main([*words, "--out", str(tmp_path / "out")])
    assert failed.value.code == 2 and "none" in capsys.readouterr().err
    assert not (tmp_path / "out" / LOG).exists()
    with pytest.raises(SystemExit, match=r"notes\.md cannot be read"):
        recipe.main([*words, "--out", str(tmp_path), "--notes", str(tmp_path / "notes.md")])


@pytest.mark.slow
@pytest.mark.timeout(900)  # a minute of one core, which others may want too
def test_a_trial_of_all_stages_makes_a_personaliser(
    photos: Path, fonts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_renderer(16, 16).release()
    monkeypatch.setattr("training.plan.stage.commit", lambda: "0a1b2c3")
    objects = write_catalogue(tmp_path / "scans", [(20 * k, 90, 240 - 20 * k) for k in range(12)])
    out, notes = tmp_path / "out", tmp_path / "notes.md"
    notes.write_text("## Results\n\nNone: a trial.\n")
    words = ["--photos", str(photos), "--objects", str(objects), "--out", str(out), "--trial",
             "--notes", str(notes), "--fonts", str(fonts)]  # fmt: skip
    plain = calibrate.main

    def killed(argv: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(calibrate, "main", killed)
    with pytest.raises(KeyboardInterrupt):
        recipe.main(words)
    shutil.rmtree(out / "mixed")  # a training that is gone is made again, and nothing else
    log = (out / LOG).read_text()
    monkeypatch.setattr(calibrate, "main", plain)
    recipe.main(words)
    rows = [json.loads(line) for line in (out / LOG).read_text().splitlines()]
    again = [row["makes"] for row in rows[len(log.splitlines()) :]]
    assert again == ["mixed/last.safetensors", f"{NAME}/calibration.json"]

    card = (out / NAME / "MODEL_CARD.md").read_text()
    assert "A trial of the recipe's stages, no model" in card and "None: a trial." in card
    assert all(row["command"] in card for row in rows) and str(tmp_path) not in card
    assert load_model(out / NAME).card.calibration
    model, _ = load_checkpoint(out / "domains" / "last.safetensors")
    films = model.film_generator
    assert isinstance(films, BlendedFilm)
    for film in films.vectors():  # LITE moved every site of each
        gammas, betas = (half.split(model.channels) for half in film.detach().chunk(2))
        for gamma, beta in zip(gammas, betas, strict=True):
            assert ((gamma != 1) | (beta != 0)).float().mean() > 0.5
    assert not torch.equal(*films.given)
