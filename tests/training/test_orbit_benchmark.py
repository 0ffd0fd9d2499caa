"""ORBIT's benchmark: each rule of its protocols, its measures against written-out loops, and runs
that stop and go on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from model.errors import InputError
from tests.training.tree import write_tree
from training.episodes.orbit import read_split
from training.evaluation.orbit import run
from training.evaluation.orbit.__main__ import main
from training.evaluation.orbit.answering import Files, given
from training.evaluation.orbit.metrics import MEASURES, Named, by, leaderboard
from training.evaluation.orbit.protocol import PROTOCOLS, Asked, Mode, UserTask, tasks_of
from training.evaluation.orbit.submission import check
from training.evaluation.record.record import load
from training.methods import catalogue
from training.methods.catalogue import Chosen
from training.methods.frozen import Extractor
from training.methods.learner import Clips, Recogniser


def plant(root: Path, videos: dict[str, int], absent: Callable[[int], bool] | None = None) -> Path:
    """Empty frames: videos: "user/object/kind/name" -> how many; absent: frames without object."""
    for place, count in videos.items():
        user, thing, kind, name = place.split("/")
        folder = root / "test" / user / thing / kind / name
        folder.mkdir(parents=True)
        for number in range(1, count + 1):
            (folder / f"{name}-{number:05d}.jpg").touch()
        if absent:
            notes = {
                f"{name}-{n:05d}.jpg": {"object_not_present_issue": absent(n)}
                for n in range(1, count + 1)
            }
            (root / "annotations" / "test").mkdir(parents=True, exist_ok=True)
            (root / "annotations" / "test" / f"{name}.json").write_text(json.dumps(notes))
    return root


def numbers(frames: tuple[Path, ...]) -> list[int]:
    return [int(frame.stem.rpartition("-")[2]) for frame in frames]


def tasks(root: Path, protocol: str, mode: Mode = "clu-ve", noted: bool = False) -> list[UserTask]:
    return tasks_of(read_split(root, "test"), PROTOCOLS[protocol], mode, noted, seed=0)


TWO = {"P1/mug/clean/m1": 70, "P1/mug/clutter/m2": 60,
       "P1/bag/clean/b1": 70, "P1/bag/clutter/b2": 60}  # fmt: skip


def test_a_task_is_one_user_with_all_their_objects_in_alphabetical_order(tmp_path: Path) -> None:
    other = {"P2/a/clean/a1": 9, "P2/a/clutter/a2": 60, "P2/b/clean/b9": 9, "P2/b/clutter/b8": 60}
    found = tasks(plant(tmp_path, TWO | other), "2022")
    assert [t.user for t in found] == ["P1"] * 50 + ["P2"] * 50
    assert found[0].objects == ("bag", "mug")
    assert {found[0].clips[i][0].parts[-4] for i, k in enumerate(found[0].labels) if k == 0} == {
        "bag"
    }
    assert [(v.name, v.label) for v in found[0].videos] == [("b2", 0), ("m2", 1)]


def test_2021_has_five_tasks_of_one_to_ten_clips_of_eight_frames_in_a_row(tmp_path: Path) -> None:
    found = tasks(plant(tmp_path, TWO | {"P1/bag/clean/b3": 9}), "2021")
    assert len(found) == 5
    counts = set()
    for task in found:
        for name, length in (("m1", 70), ("b1", 70), ("b3", 9)):
            clips = [numbers(c) for c in task.clips if c[0].parent.name == name]
            counts.add(len(clips))
            assert 1 <= len(clips) <= min(10, -(-length // 8))
            starts = [clip[0] for clip in clips]
            assert len(set(starts)) == len(starts) and all(s % 8 == 1 for s in starts)
            for clip in clips:  # in a row; the last is filled up with the last frame
                assert clip == [min(clip[0] + i, length) for i in range(8)]
    assert len(counts) > 2


def test_2021_asks_every_frame(tmp_path: Path) -> None:
    root = plant(tmp_path, TWO | {"P1/bag/clutter/short": 3}, absent=lambda n: n % 2 == 0)
    (task, *_) = tasks(root, "2021", noted=True)
    assert [len(v.frames) for v in task.videos] == [60, 3, 60]


def test_2022_teaches_every_thirtieth_frame(tmp_path: Path) -> None:
    long = {"P1/bag/clean/long": 1010}
    (task, *_) = tasks(plant(tmp_path, TWO | long), "2022")
    of = {name: [numbers(c)[0] for c in task.clips if c[0].parent.name == name]
          for name in ("b1", "long")}  # fmt: skip
    assert of["b1"] == [1, 31, 61] and of["long"] == list(range(1, 1001, 30))  # of the first 1,000
    assert all(len(clip) == 1 for clip in task.clips)


def test_2022_asks_200_frames_that_show_the_object(tmp_path: Path) -> None:
    videos = {"P1/bag/clutter/big": 450, "P1/mug/clutter/few": 98, "P1/mug/clutter/some": 100}
    root = plant(tmp_path, TWO | videos, absent=lambda n: n % 2 == 0)
    first, second, *_ = tasks(root, "2022", noted=True)
    asked = {v.name: numbers(v.frames) for v in first.videos}
    assert set(asked) == {"big", "some"}  # 30 and 49 of the others' frames show it
    assert asked["some"] == list(range(1, 100, 2))
    assert len(asked["big"]) == 200 and all(n % 2 for n in asked["big"])
    assert asked["big"] == sorted(set(asked["big"]))
    assert asked["big"] != {v.name: numbers(v.frames) for v in second.videos}["big"]


def test_cle_ve_teaches_the_first_five_clean_videos_but_one(tmp_path: Path) -> None:
    videos = {f"P1/bag/clean/b{i}": 60 for i in range(7)} | {
        f"P1/mug/clean/m{i}": 60 for i in range(3)
    }
    single = {"P1/cup/clean/c0": 60, "P1/cup/clutter/c1": 60}
    (task, *_) = tasks(plant(tmp_path, videos | single), "2022", "cle-ve")
    taught = sorted({clip[0].parent.name for clip in task.clips})
    assert taught == ["b0", "b1", "b2", "b3", "b4", "m0", "m1"]
    assert [v.name for v in task.videos] == ["b5", "b6", "m2"]
    assert task.objects == ("bag", "mug")  # the cup has nothing to be taught from


def test_at_most_15_videos_of_an_object_teach_and_are_asked(tmp_path: Path) -> None:
    many = {f"P1/bag/{kind}/{kind}{i:02d}": 60 for kind in ("clean", "clutter") for i in range(20)}
    first, second, *_ = tasks(plant(tmp_path, TWO | many), "2022")
    for task in (first, second):
        assert (
            len({c[0].parent for c, k in zip(task.clips, task.labels, strict=True) if k == 0}) == 15
        )
        assert len([v for v in task.videos if v.label == 0]) == 15
    assert first.videos != second.videos


def test_tasks_hang_on_seed_user_and_number_alone(tmp_path: Path) -> None:
    root = plant(tmp_path, TWO)
    users = read_split(root, "test")
    one, other = (tasks_of(users, PROTOCOLS["2021"], "clu-ve", False, seed) for seed in (1, 2))
    fewer = tasks_of(users, replace(PROTOCOLS["2021"], tasks=2), "clu-ve", False, 1)
    assert one[:2] == fewer and one != other


def test_nobody_left_is_said_in_words(tmp_path: Path) -> None:
    short = {name: 20 for name in TWO}
    with (
        pytest.warns(UserWarning, match="user P1, with 2 objects that teach and 0 videos"),
        pytest.raises(InputError, match="no user has 2 objects that teach and a video with 50"),
    ):
        tasks(plant(tmp_path, short), "2022")


# --- measures ---


def brute(video: Named) -> tuple[float, float, float]:
    right = [g == video.label for g in video.given]
    first = next((i for i, ok in enumerate(right) if ok), len(right))
    counts = {label: video.given.count(label) for label in sorted(set(video.given))}
    most = max(counts, key=lambda label: counts[label])  # the first, lowest, of several
    return sum(right) / len(right), first / len(right), float(most == video.label)


def random_videos() -> list[Named]:
    rng = np.random.default_rng(0)
    shapes = [(u, t, o) for u in "AB" for t in range(3) for o in range(4)]
    return [
        Named(u, t, f"o{o}", f"v{o}{i}", o, tuple(rng.integers(0, 4, rng.integers(1, 9)).tolist()))
        for u, t, o in shapes
        for i in range(2)
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((1, 1, 0), (2 / 3, 0.0, 1.0)),
        ((0, 1, 0, 1), (0.5, 0.25, 0.0)),  # a tie: the lowest label is said
        ((2, 1, 2, 1), (0.5, 0.25, 1.0)),
        ((0, 2), (0.0, 1.0, 0.0)),  # never recognised
        ((1,), (1.0, 0.0, 1.0)),  # one frame
    ],
)
def test_the_measures_of_a_video(given: tuple[int, ...], expected: tuple[float, ...]) -> None:
    video = Named("P1", 0, "mug", "v", 1, given)
    assert tuple(video.scores().values()) == pytest.approx(expected)
    assert brute(video) == pytest.approx(expected)


def test_means_over_groups_equal_loops() -> None:
    videos = random_videos()
    for name, column in zip(MEASURES, range(3), strict=True):
        values = [brute(v)[column] for v in videos]
        pooled = leaderboard(values)
        assert pooled.mean == pytest.approx(sum(values) / len(values))
        spread = (sum((v - pooled.mean) ** 2 for v in values) / len(values)) ** 0.5
        assert pooled.half == pytest.approx(1.96 * spread / len(values) ** 0.5)
        for group, parts in (("user", "user"), ("task", "user task"), ("object", "user object")):
            rows = {}
            for v in videos:
                rows.setdefault(tuple(getattr(v, p) for p in parts.split()), []).append(v)
            means = []
            for own in rows.values():
                if column == 0:
                    frames = [g == v.label for v in own for g in v.given]
                    means.append(sum(frames) / len(frames))
                else:
                    means.append(sum(brute(v)[column] for v in own) / len(own))
            assert by(group, videos)[name] == pytest.approx(sum(means) / len(means)), (name, group)


# --- answering ---


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
    assert given(recogniser, Asked("v", 0, frames), clip_length=3) == (0,) * len(frames)
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


def test_a_killed_run_goes_on_to_the_same_numbers(tree: Path, tmp_path: Path) -> None:
    asked, whole = question(tree), Nearest()
    printed = run.evaluate(asked, Chosen("nearest", whole, 0), None, tmp_path / "whole")
    assert whole.calls == 4 and "frame accuracy" in printed

    class Killed(Nearest):
        def adapt(self, support: Clips, labels: Tensor, ways: int) -> Recogniser:
            if self.calls == 2:
                raise KeyboardInterrupt
            return super().adapt(support, labels, ways)

    with pytest.raises(KeyboardInterrupt):
        run.evaluate(asked, Chosen("nearest", Killed(), 0), None, tmp_path / "killed")
    half = next((tmp_path / "killed" / "tasks").iterdir())
    half.write_text(half.read_text()[:20])  # and one file was cut short
    rest = Nearest()
    run.evaluate(asked, Chosen("nearest", rest, 0), None, tmp_path / "killed")
    assert rest.calls == 3
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
    assert record.benchmark == "ORBIT 2022, cle-ve" and len(record.scores) == 5
    assert record.cost["seconds to personalise"] > 0
    for words, sentence in (
        (["--method", "frozen-cosin"], "did you mean frozen-cosine?"),
        (["--method", "cnaps"], "cnaps needs a checkpoint"),
        (["--method", "maml", "--checkpoint", "x"], "There is no checkpoint x"),
        (["--method", "cnaps", "--checkpoint", "nowhere"], "There is no checkpoint nowhere"),
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
