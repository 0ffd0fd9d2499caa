"""ORBIT's protocols: a test for each rule by which they choose tasks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from model.errors import InputError
from training.episodes.orbit import read_split
from training.evaluation.orbit.protocol import PROTOCOLS, Mode, UserTask, tasks_of


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


def test_2021_draws_how_many_clips_evenly_from_as_many_as_there_are(tmp_path: Path) -> None:
    """As ORBIT's program does: not cut to what there is after a draw up to ten."""
    root = plant(tmp_path, {f"P1/{t}/{k}/{t}{k}": 16 for t in "ab" for k in ("clean", "clutter")})
    many = replace(PROTOCOLS["2021"], tasks=400)
    drawn = tasks_of(read_split(root, "test"), many, "clu-ve", False, seed=0)
    both = [list(task.labels).count(k) == 2 for task in drawn for k in (0, 1)]
    assert 0.44 < sum(both) / len(both) < 0.56, "of two clips one as often as both"


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
