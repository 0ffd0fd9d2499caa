"""The plan of a data set: disjoint splits, near-duplicates on purpose, the seed decides."""

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from model.errors import InputError
from training.synthetic.__main__ import main
from training.synthetic.dataset.users import Video, plan
from training.synthetic.filming.surfaces import Surface
from training.synthetic.geometry.objects import MeshEntry

USERS = {"train": 6, "validation": 2, "test": 3}


def things(count: int) -> tuple[MeshEntry, ...]:
    """Pairs of one kind: "red thing07", "blue thing07"."""
    return tuple(
        MeshEntry(
            f"m{i}",
            f"{'red' if i % 2 else 'blue'} thing{i // 2}",
            f"g{i}",
            "CC0",
            "",
            "z",
            0.1,
            Path(),
        )
        for i in range(count)
    )


def surfaces() -> tuple[Surface, ...]:
    kinds = ["texture"] * 20 + ["room"] * 10
    return tuple(Surface(f"{i}.jpg", kind, "CC0", "", Path()) for i, kind in enumerate(kinds))


@pytest.fixture(scope="module")
def videos() -> list[Video]:
    return plan(things(120), surfaces(), USERS, clean=3, clutter=2, seed=4)


def test_splits_share_no_kind_of_thing_and_no_surface(videos: list[Video]) -> None:
    kinds, places = defaultdict(set), defaultdict(set)
    label = {t.name: t.label.split()[-1] for t in things(120)}
    for video in videos:
        kinds[video.split] |= {label[o.mesh] for o in (video.thing, *video.others)}
        places[video.split] |= {video.ground, video.behind}
    for a, b in (("train", "validation"), ("train", "test"), ("validation", "test")):
        assert not kinds[a] & kinds[b]
        assert not places[a] & places[b]


def test_every_user_has_enough_things_each_with_all_its_videos(videos: list[Video]) -> None:
    counts: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for video in videos:
        counts[video.user][video.thing.label].append(video.kind)
    assert len(counts) == sum(USERS.values())
    for owned in counts.values():
        assert 5 <= len(owned) <= 11
        assert all(sorted(kinds) == ["clean"] * 3 + ["clutter"] * 2 for kinds in owned.values())
    assert len({v.name for v in videos}) == len(videos)


def test_clutter_never_holds_the_thing_itself_or_its_copy(videos: list[Video]) -> None:
    for video in videos:
        assert bool(video.others) == (video.kind == "clutter")
        assert video.thing.mesh not in {o.mesh for o in video.others}


def test_near_duplicates_are_there_and_far_enough_apart_in_hue(videos: list[Video]) -> None:
    hues: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for video in videos:
        hues[video.user, video.thing.mesh][video.thing.label] = video.thing.hue or 0.0
    copies = [list(h.values()) for h in hues.values() if len(h) > 1]
    assert len(copies) >= 5
    for values in copies:
        for i, a in enumerate(values):
            for b in values[:i]:
                assert abs((a - b + 180) % 360 - 180) >= 39.9


def test_clean_and_cluttered_videos_are_filmed_in_other_places(videos: list[Video]) -> None:
    for user in {v.user for v in videos if v.split == "train"}:
        places = {
            kind: {(v.ground) for v in videos if v.user == user and v.kind == kind}
            for kind in ("clean", "clutter")
        }
        assert not places["clean"] & places["clutter"]


def test_the_seed_decides_the_plan(videos: list[Video]) -> None:
    assert plan(things(120), surfaces(), USERS, clean=3, clutter=2, seed=4) == videos
    assert plan(things(120), surfaces(), USERS, clean=3, clutter=2, seed=5) != videos


def test_half_the_list_has_users_of_every_split(videos: list[Video]) -> None:
    half = videos[: len(videos) // 2]
    assert {v.split for v in half} == set(USERS)
    assert np.isclose(len({v.user for v in half if v.split == "train"}), 3, atol=1)


def test_too_few_meshes_are_refused_with_the_numbers() -> None:
    with pytest.raises(InputError, match="20 meshes are too few"):
        plan(things(20), surfaces(), USERS, clean=1, clutter=1, seed=0)


def test_the_command_line_says_in_one_line_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--objects", str(tmp_path / "no"), "--surfaces", str(tmp_path), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["synthetic", *words])
    assert main() == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "There is no folder or .zip" in said
