"""Stages: of one clean commit, and each made once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.errors import InputError
from training.plan.stage import LOG, Stage, make


def test_it_is_of_one_clean_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for state in ("0a1b2c3-dirty", "unknown"):
        monkeypatch.setattr("training.plan.stage.commit", lambda state=state: state)
        with pytest.raises(InputError, match=f"a clean commit, .* this is .{state}"):
            make([], tmp_path)
    monkeypatch.setattr("training.plan.stage.commit", lambda: "0a1b2c3")
    row = {"makes": "one", "command": "python -m x", "commit": "0a1b2c3", "hours": 0}
    (tmp_path / LOG).write_text(json.dumps(row) + "\n")
    with pytest.raises(InputError, match=r"one in .* was made by another command"):
        make([Stage("y", (), tmp_path / "one")], tmp_path)
    monkeypatch.setattr("training.plan.stage.commit", lambda: "ffff111")
    with pytest.raises(InputError, match="begun at commit 0a1b2c3, and this is ffff111"):
        make([], tmp_path)


def test_a_line_that_was_cut_off_takes_nothing_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.plan.stage.commit", lambda: "0a1b2c3")
    monkeypatch.setattr(Stage, "run", lambda stage: stage.makes.write_text("made"))
    one, two = (Stage("x", (name,), tmp_path / name) for name in ("one", "two"))
    rows = make([one], tmp_path)
    with (tmp_path / LOG).open("a") as file:
        file.write('{"makes": "tw')
    assert [row["makes"] for row in make([one, two], tmp_path)] == ["one", "two"]
    logged = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert logged[0] == rows[0] and [row["makes"] for row in logged] == ["one", "two"]
    (tmp_path / "one").unlink()
    make([one, two], tmp_path)
    assert (tmp_path / "one").exists(), "what is gone is made again"


def test_a_file_is_no_folder_of_a_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.plan.stage.commit", lambda: "0a1b2c3")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file cannot be made a folder"):
        make([], tmp_path / "file")
