"""The paper's comparison in one command: each training once, every seed and mode asked of all, and
a trial of it all ends in a report.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.training.tree import write_tree
from training.comparison import compare
from training.comparison.compare import METHODS, main
from training.plan.stage import LOG, Stage
from training.settings import command_line


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for split in ("train", "validation", "test"):
        write_tree(tmp_path / "home", split)
    return tmp_path / "home"


def planned(monkeypatch: pytest.MonkeyPatch, home: Path, *more: str) -> list[Stage]:
    """The stages of a command line, which are not run; of the short videos of `home`."""
    found: list[Stage] = []
    monkeypatch.setattr(compare, "make", lambda wanted, out: found.extend(wanted))
    monkeypatch.setattr(compare, "report", lambda argv: None)
    main(["--orbit", str(home), "--out", "runs/x", "--least", "1", *more])
    return found


def test_every_method_is_trained_alike_once_a_seed(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    plan = planned(monkeypatch, home, "--steps", "120", "--", "--way", "4", "--windows", "0")
    configs = [
        command_line.parse(stage.argv, "test")[0]
        for stage in plan
        if stage.module == "training.train"
    ]
    names = [f"{name}-{seed}" for seed in range(3) for name in METHODS if METHODS[name]]
    assert [Path(config.out).name for config in configs] == names
    assert [config.seed for config in configs] == [seed for seed in range(3) for _ in range(7)]
    assert {config.way for config in configs} == {4} and {c.threads for c in configs} == {1}
    steps = {Path(config.out).name[:-2]: config.steps for config in configs}
    assert steps.pop("maml") == 8 and set(steps.values()) == {120}


def test_all_are_asked_the_same_and_only_what_was_trained_before(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    plan = planned(monkeypatch, home, "--seeds", "4", "4", "--tasks", "1")
    made: set[str] = set()
    asked: dict[str, set[tuple[str, ...]]] = {}
    for stage in plan:
        words = list(stage.argv)
        if stage.module.startswith("training.evaluation"):
            if "--checkpoint" in words:
                assert words[words.index("--checkpoint") + 1] in made
            question = tuple(words[: words.index("--method")])
            asked.setdefault(Path(words[-1]).name, set()).add(question)
            assert words[words.index("--seed") + 1] == "4"
        assert str(stage.makes) not in made
        made.add(str(stage.makes))
    assert list(asked) == [f"{name}-4" for name in METHODS]
    questions = next(iter(asked.values()))
    assert len(questions) == 4 and all(own == questions for own in asked.values())


def test_what_cannot_run_is_said_before_anything_does(tmp_path: Path, home: Path) -> None:
    words = ["--orbit", str(home), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit, match="no method 'protonet'; did you mean protonets-"):
        main([*words, "--methods", "protonet"])
    with pytest.raises(SystemExit, match="--way must be"):
        main([*words, "--least", "1", "--", "--way", "1"])
    for given, says in (
        (["--", "--features", "raw"], "--features after -- is not for the trainings alone"),
        (["--tasks", "0"], "--tasks must be at least 1"),
        (["--seeds", "-1"], "A seed must be at least 0"),
        (["--protocols", "2022", "--tasks", "1"], "Nobody can be asked by the protocol of 2022"),
    ):
        with pytest.raises(SystemExit, match=says):
            main([*words, *given])
    with pytest.raises(SystemExit, match="There is no folder"):
        main(["--orbit", str(tmp_path / "nobody"), "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_trial_ends_in_a_report_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr("training.plan.stage.commit", lambda: "0a1b2c3")
    out = tmp_path / "out"
    words = ["--orbit", str(home), "--out", str(out), "--methods", "protonets-cosine", "frozen",
             "--seeds", "1", "--protocols", "2022", "--steps", "1", "--tasks", "1", "--every", "2",
             "--least", "1"]  # fmt: skip
    training = ["--", "--way", "2", "--shots", "1", "--queries", "1", "--validation", "1",
                "--whitening", "1", "--windows", "0", "--workers", "0", "--skip-bad"]  # fmt: skip
    main([*words, *training])
    log = (out / LOG).read_text()
    assert [json.loads(line)["makes"] for line in log.splitlines()] == [
        "trained/protonets-cosine-1/last.safetensors",
        "2022-clu-ve/protonets-cosine-1",
        "2022-cle-ve/protonets-cosine-1",
        "2022-clu-ve/frozen-1",
        "2022-cle-ve/frozen-1",
    ]
    page = (out / "report.md").read_text()
    assert "protonets, cosine" in page and page.count("frozen-knn") >= 2
    main([*words, *training])
    assert (out / LOG).read_text() == log
