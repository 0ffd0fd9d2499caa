"""Stages: of one clean commit, and each made once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.errors import InputError
from training.stage import LOG, Stage, make


def test_it_is_of_one_clean_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for state in ("0a1b2c3-dirty", "unknown"):
        monkeypatch.setattr("training.stage.commit", lambda state=state: state)
        with pytest.raises(InputError, match=f"a clean commit, .* this is .{state}"):
            make([], tmp_path)
    monkeypatch.setattr("training.stage.commit", lambda: "0a1b2c3")
    row = {"makes": "one", "command": "python -m x", "commit": "0a1b2c3", "hours": 0}
    (tmp_path / LOG).write_text(json.dumps(row) + "\n")
    with pytest.raises(InputError, match=r"one in .* was made by another command"):
        make([Stage("y", (), tmp_path / "one")], tmp_path)
    monkeypatch.setattr("training.stage.commit", lambda: "ffff111")
    with pytest.raises(InputError, match="begun at commit 0a1b2c3, and this is ffff111"):
        make([], tmp_path)
