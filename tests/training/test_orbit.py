"""Reading ORBIT's layout and drawing tasks from it, on a tree whose frames say which they are."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from model.errors import InputError
from tests.training.tree import FRAMES, OBJECTS, Shown, seen, write_tree
from training.episodes.domains.mixture import episodes_of
from training.episodes.episode import Episode, Episodes, load
from training.episodes.orbit import Filter, read_split
from training.episodes.orbit_tasks import OrbitEpisodes, OrbitRules
from training.settings.command_line import parse

Tree = tuple[Path, dict[int, Shown]]
PRESENT = "no_object_not_present_issue"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    root = tmp_path_factory.mktemp("orbit")
    return root, write_tree(root)


@pytest.fixture
def own_tree(tmp_path: Path) -> Iterator[Tree]:
    """A tree that a test may damage."""
    root = tmp_path / "orbit"
    yield root, write_tree(root)


def episodes(root: Path, rules: OrbitRules, count: int = 8) -> list[Episode]:
    source = OrbitEpisodes(read_split(root, "train"), rules)
    return [Episodes([source], [1.0], 0)[n] for n in range(count)]


def test_users_objects_and_videos_are_read_by_folder_in_alphabetical_order(tree: Tree) -> None:
    users = read_split(tree[0], "train")
    assert {user.name: tuple(thing.name for thing in user.objects) for user in users} == OBJECTS
    keys = users[0].objects[1]
    assert (len(keys.clean), len(keys.clutter)) == (2, 1)
    video = keys.clutter[0]
    assert video.folder.name == "P100--my-keys--clutter--Zj_1--2Hv"
    names = [path.name for path in video.frames()]
    assert names == [f"{video.folder.name}-{n:05d}.jpg" for n in range(1, FRAMES + 1)]


@pytest.mark.parametrize("query", ["clutter", "clean"])
@pytest.mark.parametrize("length", [1, 8])
def test_a_task_is_one_users_and_its_query_videos_are_not_taught(
    tree: Tree, query: Literal["clutter", "clean"], length: int
) -> None:
    root, known = tree
    rules = OrbitRules(way=(2, 3), shots=(1, 3), queries=2, clip_length=length, query=query)
    ways, shots = set(), set()
    for episode in episodes(root, rules, 12):
        task = episode.task
        taught, asked = seen(known, task.support), seen(known, task.query)
        assert task.support.shape[1:] == task.query.shape[1:] == (length, 224, 224, 3)
        assert list(episode.names) == sorted(episode.names)
        for clips, labels in ((taught, task.labels), (asked, task.targets)):
            assert labels.unique().tolist() == list(range(task.ways))
            for clip, label in zip(clips, labels.tolist(), strict=True):
                assert {(f.user, f.thing) for f in clip} == {(episode.group, episode.names[label])}
        assert {f.kind for clip in taught for f in clip} == {"clean"}
        assert {f.kind for clip in asked for f in clip} == {query}
        videos = [{f.video for clip in clips for f in clip} for clips in (taught, asked)]
        assert not videos[0] & videos[1]
        ways.add(task.ways)
        shots |= set(task.labels.bincount().tolist())
    assert ways == {2, 3}
    # a video of 5 frames is one clip of 8, and there are two (clutter) or one to teach from
    most = {1: 3, 8: 2 if query == "clutter" else 1}[length]
    assert shots == set(range(1, most + 1))


def test_a_clip_is_frames_in_a_row_filled_up_with_the_last_and_none_overlap(tree: Tree) -> None:
    root, known = tree
    for length, rows in ((1, {(n,) for n in range(1, 6)}), (2, {(1, 2), (3, 4), (5, 5)}),
                         (8, {(1, 2, 3, 4, 5, 5, 5, 5)})):  # fmt: skip
        rules = OrbitRules(shots=(99, 99), queries=99, clip_length=length)
        for episode in episodes(root, rules, 2):
            for clips in (episode.task.support, episode.task.query):
                by_video: dict[str, list[tuple[int, ...]]] = {}
                for clip in seen(known, clips):
                    assert len({f.video for f in clip}) == 1
                    by_video.setdefault(clip[0].video, []).append(tuple(f.number for f in clip))
                assert all(sorted(found) == sorted(rows) for found in by_video.values())


def test_uniform_frames_are_spread_over_each_video_and_random_ones_differ(tree: Tree) -> None:
    root, known = tree
    drawn = {}
    for frames in ("uniform", "random"):
        rules = OrbitRules(way=(2, 2), shots=(6, 6), frames=frames)
        drawn[frames] = {
            tuple(sorted(f.number for (f,) in clips if f.video == video))
            for episode in episodes(root, rules)
            for clips in [seen(known, episode.task.support)]
            for video in {f.video for (f,) in clips}
        }
    assert drawn["uniform"] == {(1, 3, 5)}
    assert len(drawn["random"]) > 2


def test_support_clips_are_shared_out_over_the_videos(tree: Tree) -> None:
    root, known = tree
    for episode in episodes(root, OrbitRules(shots=(4, 4)), 3):
        videos = [f.video for (f,) in seen(known, episode.task.support)]
        assert {videos.count(video) for video in videos} == {2}


def test_filters_are_joined_by_and_and_what_was_not_judged_fulfils_neither(tree: Tree) -> None:
    keys = read_split(tree[0], "train")[0].objects[1]

    def numbers(*conditions: str) -> list[int]:
        frames = Filter(conditions).frames(keys.clean[0])
        return [int(path.stem[-5:]) for path in frames]

    assert numbers() == [1, 2, 3, 4, 5]
    assert numbers("blur_issue") == [1, 2]
    assert numbers("no_blur_issue") == [4, 5]  # frame 3 has a null
    assert numbers("blur_issue", "framing_issue") == [2]
    assert numbers("no_blur_issue", "no_framing_issue") == [5]
    assert numbers("object_not_present_issue") == [3]
    assert numbers("object_not_present_issue", PRESENT) == []
    assert Filter((PRESENT,)).frames(keys.clutter[0]) == tuple(
        path for i, path in enumerate(keys.clutter[0].frames()) if i != 2
    )
    with pytest.raises(InputError, match="No annotation is called 'no_blurr_issue'; there are obj"):
        Filter(("no_blurr_issue",))


def test_a_training_asks_for_no_frame_without_the_object(tree: Tree, tmp_path: Path) -> None:
    root, known = tree
    arguments = ["--orbit", str(root), "--out", str(tmp_path), "--queries", "9", "--shots", "9"]
    stream = episodes_of(parse(arguments, "test")[0], validation=False)
    for number in range(3):
        task = stream[number].task
        assert {f.number for (f,) in seen(known, task.query)} == {1, 2, 4, 5}


def test_episodes_are_the_same_from_any_number_of_workers(tree: Tree) -> None:
    source = OrbitEpisodes(read_split(tree[0], "train"), OrbitRules())
    numbers = [4, 0, 7]
    drawn = [list(load(Episodes([source], [1.0], 5), numbers, workers)) for workers in (0, 1, 2)]
    for ours in drawn[1:]:
        for a, b in zip(ours, drawn[0], strict=True):
            assert (a.names, a.kind, a.group) == (b.names, b.kind, b.group)
            assert torch.equal(a.task.support, b.task.support)
            assert torch.equal(a.task.query, b.task.query)
            assert torch.equal(a.task.labels, b.task.labels)
    other = list(load(Episodes([source], [1.0], 6), numbers, 0))
    assert any(a.task.support.shape != b.task.support.shape
               or not torch.equal(a.task.support, b.task.support)
               for a, b in zip(other, drawn[0], strict=True))  # fmt: skip


def test_what_is_not_an_orbit_tree_is_refused_in_words(own_tree: Tree, tmp_path: Path) -> None:
    root = own_tree[0]
    with pytest.raises(InputError, match=r"There is no folder .*nowhere\."):
        read_split(tmp_path / "nowhere", "train")
    with pytest.raises(InputError, match="is not an ORBIT tree: it has no folder train"):
        read_split(root / "train", "train")
    with pytest.raises(InputError, match=r"has no split 'test'; it has train\."):
        read_split(root, "test")
    (root / "validation" / "P300" / "mug").mkdir(parents=True)
    with pytest.raises(InputError, match="holds no <user>/<object>/clean/<video>/ folder"):
        read_split(root, "validation")


def test_a_user_with_one_object_or_without_clutter_is_named_or_left_out(own_tree: Tree) -> None:
    root = own_tree[0]
    shutil.rmtree(root / "train" / "P200" / "bag" / "clutter")
    users = read_split(root, "train")
    with pytest.raises(InputError, match="User P200 has 1 object with clean and clutter videos; a"):
        OrbitEpisodes(users, OrbitRules())
    shutil.rmtree(root / "train" / "P200" / "remote control" / "clutter")
    users = read_split(root, "train")
    with pytest.raises(
        InputError, match=r"P200 has 0 objects with clean and clutter .* Pass --skip-bad"
    ):
        OrbitEpisodes(users, OrbitRules())
    with pytest.warns(UserWarning, match="Left out: User P200"):
        source = OrbitEpisodes(users, OrbitRules(), "skip")
    assert [user.name for user in source.users] == ["P100"]
    with (
        pytest.raises(InputError, match="No user has two objects"),
        pytest.warns(UserWarning, match="Left out: User P200"),
    ):
        OrbitEpisodes(users[1:], OrbitRules(), "skip")
    clean = OrbitEpisodes(users, OrbitRules(query="clean"))  # clutter is not needed for these
    assert len(clean.users) == 2
    shutil.rmtree(root / "train" / "P200" / "bag" / "clean" / "P200--bag--clean--Zj_1--0Hv")
    with pytest.raises(InputError, match="P200 has 1 object with two clean videos"):
        OrbitEpisodes(read_split(root, "train"), OrbitRules(query="clean"))


def test_an_object_that_cannot_be_asked_is_named_where_its_user_goes_on(own_tree: Tree) -> None:
    root = own_tree[0]
    (root / "train" / "P100" / "lost key" / "clean" / "v").mkdir(parents=True)
    with pytest.warns(UserWarning, match="Left out: lost key of user P100, without clean and clu"):
        source = OrbitEpisodes(read_split(root, "train")[:1], OrbitRules())
    assert "lost key" not in [thing.name for thing in source.users[0].objects]


def test_an_unreadable_frame_is_named_or_left_out(own_tree: Tree) -> None:
    root, known = own_tree
    users = read_split(root, "train")[1:]
    broken = users[0].objects[0].clutter[0].frames()[1]
    broken.write_bytes(broken.read_bytes()[:200])
    rules, rng = OrbitRules(way=(2, 2), shots=(1, 1), queries=5), np.random.default_rng(0)
    with pytest.raises(InputError, match=rf"{broken.name} is not a whole JPEG\. Pass --skip-bad"):
        OrbitEpisodes(users, rules).episode(rng)
    with pytest.warns(UserWarning, match=rf"Left out: The frame .*{broken.name}"):
        task = OrbitEpisodes(users, rules, "skip").episode(rng).task
    assert sorted(f.number for (f,) in seen(known, task.query[task.targets == 0])) == [1, 3, 4, 5]


def test_wrong_annotations_are_named_or_their_videos_left_out(own_tree: Tree) -> None:
    root, known = own_tree
    users, rng = read_split(root, "train")[1:], np.random.default_rng(0)
    rules = OrbitRules(way=(2, 2), shots=(4, 4), support_filter=Filter((PRESENT,)))
    videos = users[0].objects[0].clean
    notes = videos[0].annotations
    for text, sentence in (
        (json.dumps({"P9--cup--clean--x-00001.jpg": {}}), "speak of no frame of P200--bag--clean"),
        ("{", "are not JSON"),
        ("[1]", "are not of the form"),
        (None, r"of P200--bag--clean--Zj_1--0Hv are missing"),
    ):
        if text is None:
            notes.unlink()
        else:
            notes.write_text(text)
        with pytest.raises(InputError, match=rf"The annotations .*{sentence}.*Pass --skip-bad"):
            OrbitEpisodes(users, rules).episode(rng)
    with pytest.warns(UserWarning, match="Left out: The annotations"):
        task = OrbitEpisodes(users, rules, "skip").episode(rng).task
    taught = [f for (f,) in seen(known, task.support[task.labels == 0])]
    assert {f.video for f in taught} == {videos[1].folder.name} and 3 not in {
        f.number for f in taught
    }


def test_a_user_of_whom_too_little_is_left_gives_way_to_the_next(own_tree: Tree) -> None:
    root, _ = own_tree
    for path in (root / "train" / "P200" / "bag").rglob("*.jpg"):
        path.write_bytes(b"")
    source = OrbitEpisodes(read_split(root, "train"), OrbitRules(), "skip")
    with pytest.warns(UserWarning) as told:
        groups = {Episodes([source], [1.0], 0)[n].group for n in range(4)}
    said = " ".join(str(warning.message) for warning in told)
    assert "No usable frame of P200/bag is left" in said and "User P200 has fewer than 2" in said
    assert groups == {"P100"}
    alone = OrbitEpisodes(read_split(root, "train")[1:], OrbitRules(), "skip")
    with (
        pytest.raises(InputError, match="No user is left with two objects that can be read"),
        pytest.warns(UserWarning),
    ):
        alone.episode(np.random.default_rng(0))


def test_an_empty_video_is_named_and_an_unfinished_one_is_not_there(own_tree: Tree) -> None:
    root, _ = own_tree
    (root / "train" / "P200" / "bag" / "clean" / "P200--bag--clean--Zj_1--3Hv.part").mkdir()
    users = read_split(root, "train")
    assert len(users[1].objects[0].clean) == 2
    (root / "train" / "P200" / "bag" / "clean" / "P200--bag--clean--Zj_1--3Hv").mkdir()
    users = read_split(root, "train")
    rules = replace(OrbitRules(), shots=(4, 4))
    with pytest.raises(InputError, match=r"3Hv holds no frame \(\.jpg\)\. Pass --skip-bad"):
        OrbitEpisodes(users[1:], rules).episode(np.random.default_rng(0))
