"""Runs of ORBIT's benchmark: frames are named in order, what was stopped goes on, and results are
laid out as the challenge asks.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from model.errors import InputError
from tests.training.tree import write_tree
from training.episodes.orbit import read_split
from training.evaluation.orbit import run
from training.evaluation.orbit.__main__ import main
from training.evaluation.orbit.answering import Files, given
from training.evaluation.orbit.protocol import PROTOCOLS, Asked, tasks_of
from training.evaluation.orbit.submission import check
from training.evaluation.record.cost import Cost
from training.evaluation.record.record import load
from training.methods import catalogue
from training.methods.catalogue import Chosen
from training.methods.frozen import Extractor
from training.methods.learner import Clips, Recogniser


class Greys(nn.Module):
    """A 'backbone' whose map is the mean grey, in three powers."""

    def forward(self, frames: Tensor) -> Tensor:
        grey = frames.float().mean((1, 2, 3)) / 255
        return torch.stack([grey, grey**2, torch.ones_like(grey)], 1)[:, :, None, None]


class Nearest:
    """Names a frame by the nearest mean grey; counts the clips that were read at once."""

    def __init__(self) -> None:
        self.calls = 0

    def adapt(self, support: Clips, labels: Tensor, ways: int) -> Recogniser:
        self.calls += 1
        rows = torch.cat(
            [support[i : i + 1].float().mean((1, 2, 3, 4)) for i in range(len(support))]
        )
        means = torch.stack([rows[labels == k].mean() for k in range(ways)])
        return Recogniser(
            lambda frames: frames.float().mean((1, 2, 3))[:, None, None],
            lambda x: -(x[:, 0] - means).abs(),
        )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("orbit")
    write_tree(root, "test")
    return root


def test_a_frame_is_named_with_those_before_it(tree: Path) -> None:
    folder = next((tree / "test" / "P100" / "mug" / "clutter").iterdir())
    frames = tuple(sorted(folder.iterdir()))
    seen: list[Tensor] = []

    def logits(x: Tensor) -> Tensor:
        seen.append(x[:, 0, 0])
        return torch.eye(2)[[0] * len(x)]

    recogniser = Recogniser(lambda f: f.float().mean((1, 2, 3))[:, None, None], logits)
    assert given(recogniser, Asked("v", 0, frames), 3, Cost()) == (0,) * len(frames)
    grey = [float(Files([(f,)])[0:1].float().mean()) for f in frames]
    padded = [grey[0], grey[0], *grey]  # the first is repeated
    expected = [sum(padded[i : i + 3]) / 3 for i in range(len(grey))]
    torch.testing.assert_close(torch.cat(seen), torch.tensor(expected))


def question(tree: Path, protocol: str = "2022") -> run.Question:
    rules = replace(PROTOCOLS[protocol], tasks=2)
    if protocol == "2022":
        rules = replace(rules, every=2, least_asked=1)
    users = read_split(tree, "test")
    return run.Question(tree, rules, "clu-ve", 0, tuple(tasks_of(users, rules, "clu-ve", True, 0)))


def test_other_pictures_under_the_same_names_are_other_episodes(tree: Path, tmp_path: Path) -> None:
    copy = tmp_path / "orbit"
    shutil.copytree(tree, copy)
    assert question(copy).episodes == question(tree).episodes
    next((copy / "test").rglob("clutter/*/*.jpg")).write_bytes(b"another picture")
    assert question(copy).episodes != question(tree).episodes


def test_a_killed_run_goes_on_to_the_same_numbers(tree: Path, tmp_path: Path) -> None:
    asked, whole = question(tree), Nearest()
    printed = run.evaluate(asked, Chosen("nearest", whole, 0), None, tmp_path / "whole")
    assert whole.calls == 6 and "frame accuracy" in printed

    class Killed(Nearest):
        def adapt(self, support: Clips, labels: Tensor, ways: int) -> Recogniser:
            if self.calls == 3:
                raise KeyboardInterrupt
            return super().adapt(support, labels, ways)

    with pytest.raises(KeyboardInterrupt):
        run.evaluate(asked, Chosen("nearest", Killed(), 0), None, tmp_path / "killed")
    half = sorted((tmp_path / "killed" / "tasks").iterdir())[0]
    half.write_text(half.read_text()[:20])  # and one file was cut short
    rest = Nearest()
    run.evaluate(asked, Chosen("nearest", rest, 0), None, tmp_path / "killed")
    assert rest.calls == 5, "the first and the third task are adapted to twice, to be timed"
    first, second = (load(tmp_path / name) for name in ("whole", "killed"))
    assert first.scores == second.scores and first.episodes == second.episodes
    results = [(tmp_path / n / "results.json").read_text() for n in ("whole", "killed")]
    assert results[0] == results[1]
    with pytest.raises(InputError, match="holds a run with another episodes, protocol"):
        run.evaluate(question(tree, "2021"), Chosen("nearest", rest, 0), None, tmp_path / "whole")


def test_results_are_laid_out_as_the_challenges(tree: Path, tmp_path: Path) -> None:
    for protocol in ("2021", "2022"):
        out = tmp_path / protocol
        run.evaluate(question(tree, protocol), Chosen("nearest", Nearest(), 0), None, out)
        results = json.loads((out / "results.json").read_text())
        check(protocol, results)
        assert set(results) == {"P100", "P200"}
        assert (out / "worst.jpg").stat().st_size > 10_000
    tasks_2022 = results["P100"]
    assert len(tasks_2022) == 2
    assert tasks_2022[0]["task_object_list"] == ["mug", "my keys", "white cane"]
    frames = next(iter(tasks_2022[0]["task_videos"].values()))
    assert set(frames) == {"1", "2", "4", "5"}  # of the third the object is out of sight
    whole = json.loads((tmp_path / "2021" / "results.json").read_text())["P100"]
    assert whole["user_objects"] == ["mug", "my keys", "white cane"]
    assert [len(v) for v in whole["user_videos"].values()] == [5, 5, 5]


@pytest.mark.parametrize(
    ("protocol", "results", "sentence"),
    [
        ("2021", {"P1": {"user_objects": ["a"]}}, "at P1 > user_videos, Field required"),
        ("2021", {"P1": {"user_objects": ["a"], "user_videos": {"v": [0.5]}}}, "valid integer"),
        ("2021", {"P1": {"user_objects": ["a"], "user_videos": {"v": [1]}}}, "outside its 1 obj"),
        ("2022", {"P1": {}}, "at P1, Input should be a valid list"),
        ("2022", {"P1": [{"task_object_list": [], "task_videos": {}}]}, "task_macs_to_personalise"),
    ],
)
def test_other_layouts_are_refused(protocol: str, results: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        check(protocol, results)


def test_it_runs_from_the_command_line(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(catalogue, "_extractor", lambda _: Extractor(Greys()))
    base = ["--data", str(tree), "--protocol", "2022", "--mode", "cle-ve", "--threads", "1"]
    short = ["--tasks", "1", "--every", "2", "--least", "1", "--out", str(tmp_path / "run")]
    main([*base, *short, "--method", "frozen-cosine", "frozen-knn"])
    assert "frozen-knn:" in capsys.readouterr().out
    record = load(tmp_path / "run" / "frozen-knn")
    assert record.benchmark == "ORBIT 2022, cle-ve (tasks 1, every 2, least_asked 1)"
    assert len(record.scores) == 5
    assert record.cost["seconds to personalise"] > 0
    for words, sentence in (
        (["--method", "frozen-cosin"], "did you mean frozen-cosine?"),
        (["--method", "checkpoint"], "checkpoint needs a file"),
        (["--method", "maml", "--checkpoint", "x"], "There is no checkpoint x"),
        (["--method", "checkpoint", "--checkpoint", "nowhere"], "There is no checkpoint nowhere"),
        (["--method", "frozen-knn", "--every", "0"], "--every must be at least 1"),
        (["--method", "frozen-knn", "--split", "train"], "has no split 'train'"),
    ):
        with pytest.raises(SystemExit) as stopped:
            main([*base, *short, *words])
        assert sentence in str(stopped.value)


def test_a_half_copied_data_set_is_named(tmp_path: Path) -> None:
    write_tree(tmp_path, "test")
    video = next((tmp_path / "test" / "P100" / "mug" / "clutter").iterdir())
    notes = tmp_path / "annotations" / "test" / f"{video.name}.json"
    notes.unlink()
    with pytest.raises(InputError, match=f"annotations {notes} of {video.name} are missing"):
        question(tmp_path)
    for frame in video.iterdir():
        frame.unlink()
    with pytest.raises(InputError, match="holds no frame"):
        question(tmp_path, "2021")
