"""Made-up episodes: what is taught and asked for, and what is held out."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from model.errors import InputError
from tests.training.test_things import disc
from training.episodes.composites import CompositeRules, Composites
from training.episodes.domains.mixture import episodes_of
from training.episodes.episode import Episodes
from training.episodes.looks import Paint, Sprite, as_it_is
from training.episodes.photos import PhotoEpisodes, Photos
from training.episodes.plan import Plan, keep_plan
from training.settings.command_line import parse

SIDE = 224
COLOURS = ((220, 30, 30), (30, 200, 30), (30, 30, 220))  # of the three photos of every class
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-two classes of a red, a green and a blue photo, each with a class's own stripes."""
    root = tmp_path_factory.mktemp("photos")
    for k in range(22):
        (root / f"class {k:02d}").mkdir()
        for i, colour in enumerate(COLOURS):
            image = np.full((60, 80, 3), colour, np.uint8)
            image[:: k + 2] //= 2
            cv2.imwrite(str(root / f"class {k:02d}" / f"{i}.png"), image[..., ::-1])
    return root


def test_photos_are_read_by_class_and_refused_in_words(folder: Path, tmp_path: Path) -> None:
    photos = Photos.read([folder])
    assert [len(paths) for paths in photos.classes] == [3] * 22 and len(photos.all) == 66
    flat = tmp_path / "flat"
    flat.mkdir()
    for name in ("b.jpg", "a.JPG", "notes.txt"):
        (flat / name).write_bytes(b"")
    alone = Photos.read([flat]).classes
    assert alone == ((flat / "a.JPG",), (flat / "b.jpg",))
    with pytest.raises(InputError, match=r"There is no folder .*nowhere of photos"):
        Photos.read([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty holds no photo \(\.jpg"):
        Photos.read([tmp_path / "empty"])
    with pytest.raises(InputError, match=r"need 2 classes of at least 2 photos; there are 0"):
        PhotoEpisodes(Photos(alone), 5, (1, 2), 1)


def test_class_episodes_ask_for_other_photos_than_they_show(folder: Path) -> None:
    source = PhotoEpisodes(Photos.read([folder]), way=4, shots=(1, 2), queries=1)

    def shown(frames: torch.Tensor) -> list[int]:
        return frames.float().mean(dim=(1, 2, 3)).argmax(1).tolist()  # red, green or blue

    for number in range(4):
        episode = Episodes([source], [1.0], 0)[number]
        task = episode.task
        assert len(set(episode.names)) == task.ways == 4
        assert task.support.shape[1:] == task.query.shape[1:] == (1, SIDE, SIDE, 3)
        taught, asked = (np.array(shown(frames)) for frames in (task.support, task.query))
        for k in range(4):
            mine = set(taught[task.labels == k])
            assert mine and not mine & set(asked[task.targets == k])


def test_catalogue_episodes_teach_what_a_photo_shows_on_plain_ground(tmp_path: Path) -> None:
    striped = np.full((SIDE, SIDE, 3), (60, 150, 60), np.uint8)
    striped[::8] = 20
    for k in range(3):
        (tmp_path / f"class {k}").mkdir()
        for i in range(3):
            image = striped.copy()
            cv2.circle(image, (112, 112), 45 + 4 * i, (40, 40, 230), -1)
            cv2.imwrite(str(tmp_path / f"class {k}" / f"{i}.png"), image)
    photos = Photos.read([tmp_path])

    def stripes(frames: torch.Tensor) -> float:
        """How much the rows differ at the left edge, where nothing but ground is."""
        return float(frames[:, 0, :, :6].float().mean(dim=(2, 3)).diff(dim=1).abs().mean())

    rng = np.random.default_rng(0)
    taken = PhotoEpisodes(photos, 3, (1, 2), 1, catalogue=0).episode(rng).task
    alone = PhotoEpisodes(photos, 3, (1, 2), 1, catalogue=1).episode(rng).task
    assert stripes(taken.support) > 10 < stripes(taken.query)
    assert stripes(alone.support) < 5 and stripes(alone.query) > 10  # asked as it was taken
    red = alone.support[:, 0, 112, 112].float()
    assert (red[:, 0] > 2 * red[:, 1]).all()
    for path in photos.all:
        bare = tmp_path / "bare" / path.parent.name / path.name  # nothing stands in the middle
        bare.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(bare), striped)
    bare_photos = Photos.read([tmp_path / "bare"])
    whole = PhotoEpisodes(bare_photos, 3, (1, 2), 1, catalogue=1).episode(rng).task
    assert stripes(whole.support) > 10  # then the photo itself is taught


def test_composites_have_the_ways_and_shots_asked_for_and_repeat(folder: Path) -> None:
    photos = Photos.read([folder])
    things = [(f"disc {h}", np.stack([Paint(h, 0.9, 1.0)(disc(), np.random.default_rng(0))]))
              for h in (0, 120)]  # fmt: skip
    source = Composites(CompositeRules(way=3, shots=(2, 2), queries=1), photos, photos, [things])
    first, again = (Episodes([source], [1.0], 0)[2] for _ in range(2))
    assert first.kind == "composites" and first.names == ("0", "1", "2")
    assert first.task.support.shape == (6, 1, SIDE, SIDE, 3)
    assert first.task.labels.tolist() == [0, 0, 1, 1, 2, 2] and first.task.targets.tolist() == [
        0, 1, 2,
    ]  # fmt: skip
    assert torch.equal(first.task.support, again.task.support)
    assert torch.equal(first.task.query, again.task.query)
    with pytest.raises(InputError, match="need their views; give --views"):
        Composites(CompositeRules(), photos, photos, None)


def test_no_two_classes_look_the_same_but_for_their_paint(folder: Path, views: Path) -> None:
    photos = Photos.read([folder])
    discs = [[(f"group {k // 2}", rgba) for k, rgba in enumerate(np.load(views)[:20])]]
    source = Composites(CompositeRules(way=8), photos, photos, discs)
    for seed in range(20):
        things = source._classes(np.random.default_rng(seed))
        for key in {thing.key for thing in things}:
            same = [thing for thing in things if thing.key == key]
            assert len(same) == 1 or as_it_is not in [thing.look for thing in same]
        taken = {thing.key for thing in things}
        assert source._thing(np.random.default_rng(seed), taken).key not in taken
    few = Composites(CompositeRules(way=99), Photos(photos.classes[:2]), photos, discs)
    with pytest.raises(InputError, match=r"are not enough for episodes of 99; give more photos"):
        few.episode(np.random.default_rng(0))


def test_a_training_kept_apart_from_a_data_set_sees_none_of_its_test_things_and_rooms(
    folder: Path, views: Path, tmp_path: Path
) -> None:
    names = [f"disc {k:02d}" for k in range(44)]
    things = {"train": names[:20], "validation": names[20:30], "test": names[30:]}
    rooms = {"train": ["a.png"], "validation": ["b.png"], "test": ["c.png"]}
    keep_plan(tmp_path / "home", Plan({"seed": 0}, things, rooms))
    (tmp_path / "rooms").mkdir()
    for name in "abc":
        picture = np.full((SIDE, SIDE, 3), 40 * ord(name) % 256, np.uint8)
        cv2.imwrite(str(tmp_path / "rooms" / f"{name}.png"), picture)
    more = tmp_path / "more.npy"  # of things that no data set has
    np.save(more, np.load(views)[:2])
    about = {"names": ["x", "y"], "labels": ["x", "y"], "groups": ["x", "y"], "sizes": [0.1, 0.1]}
    more.with_suffix(".json").write_text(json.dumps(about))
    rendered = ["--views", str(views), str(more), "--apart", str(tmp_path / "home")]
    surfaces = ["--surfaces", str(tmp_path / "rooms")]
    config = parse(["--photos", str(folder), *rendered, *surfaces], "test")[0]
    for validation, groups, room in ((False, range(10), "a.png"), (True, range(10, 15), "b.png")):
        sources = [s for s in episodes_of(config, validation).sources if isinstance(s, Composites)]
        assert len(sources) == 2
        for source in sources:
            assert [path.name for path in source.grounds] == [room]
        shown = {key for source in sources for part in source.views or () for key, _ in part}
        assert shown == {f"group {k:02d}" for k in groups} | (set() if validation else {"x", "y"})


def test_a_thing_is_taught_larger_than_it_is_asked_for(folder: Path) -> None:
    """A white disc on black, without camera or hand: its area says its size."""
    photos = Photos.read([folder])
    rules = CompositeRules(way=2, shots=(1, 1), queries=1, hand=0.0)
    source = Composites(rules, photos, photos, [])
    thing, black = (
        Sprite("disc", (disc((255, 255, 255)),), as_it_is),
        np.zeros((SIDE, SIDE, 3), np.uint8),
    )

    def areas(frames: list[np.ndarray]) -> list[float]:
        return [float((frame.mean(2) > 60).mean()) for frame in frames]

    rng = np.random.default_rng(0)
    taught = areas([source._taught(thing, black, rng) for _ in range(12)])
    asked = areas([source._asked(0, [thing], [], black, rng) for _ in range(12)])
    assert np.median(taught) > 1.5 * np.median(asked) > 0


def test_what_is_validated_on_is_never_trained_on(
    folder: Path, views: Path, tmp_path: Path
) -> None:
    arguments = ["--photos", str(folder), "--views", str(views), "--out", str(tmp_path)]
    config = parse(arguments, "test")[0]
    seen: list[dict[str, set[object]]] = []
    for validation in (False, True):
        found: dict[str, set[object]] = {"photos": set(), "groups": set()}
        kinds = set()
        for source in episodes_of(config, validation).sources:
            if isinstance(source, PhotoEpisodes):
                found["photos"] |= set(source.photos.all)
                kinds.add("classes")
                continue
            assert isinstance(source, Composites)
            found["photos"] |= set(source.photos)
            found["groups"] |= {
                int(v[0, 16, 16, 0]) for part in source.views or () for _, v in part
            }
            kinds.add(source.kind)
        assert kinds == {"classes", "photos", "composites"}
        seen.append(found)
    for what, total in (("photos", 66), ("groups", 22)):
        assert seen[0][what] and seen[1][what] and not seen[0][what] & seen[1][what]
        assert len(seen[0][what] | seen[1][what]) == total


def test_too_little_to_train_on_is_said_in_words(folder: Path, tmp_path: Path) -> None:
    one = ["--photos", str(folder / "class 00"), "--out", str(tmp_path)]
    (tmp_path / "single").mkdir()
    (tmp_path / "single" / "a.jpg").write_bytes(b"")
    config = parse([*one[:1], str(tmp_path / "single"), *one[2:]], "test")[0]
    with pytest.raises(InputError, match="There is 1 class of photos; training needs 2 or more"):
        episodes_of(config, validation=False)
    none = ["--weight-photos", "0", "--weight-classes", "0"]
    with pytest.raises(InputError, match="nothing for training: give one of the --weight knobs"):
        episodes_of(parse([*one, *none], "test")[0], validation=False)
    with pytest.raises(InputError, match="There are no views at"):
        episodes_of(parse([*one, "--views", "nowhere.npy"], "test")[0], validation=False)


def test_a_damaged_photo_is_named_or_its_episodes_give_way(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "photos")
    (tmp_path / "photos" / "class 07" / "1.png").write_bytes(b"\x89PNG")
    source = PhotoEpisodes(Photos.read([tmp_path / "photos"]), 22, (2, 2), 1)
    with pytest.raises(InputError, match=r"class 07: 1\.png"):
        Episodes([source], [1.0], 0)[0]
    small = PhotoEpisodes(source.photos, 11, (1, 1), 1)
    with pytest.warns(UserWarning, match=r"Left out: .*class 07: 1\.png"):
        for number in range(12):
            assert Episodes([small], [1.0], 0, skip_bad=True)[number].task.ways == 11


@pytest.mark.skipif(not (SHARED / "grocery").is_dir(), reason="the photos are not here")
def test_real_photos_make_episodes() -> None:
    photos = Photos.read([SHARED / "grocery"])
    pasted = CompositeRules(3, (1, 1), 1, meshes=0)
    for source in (PhotoEpisodes(photos, 3, (1, 1), 1), Composites(pasted, photos, photos, None)):
        task = source.episode(np.random.default_rng(0)).task
        assert task.ways == 3 and len(task.query) == 3
        assert task.query.float().std() > 20
