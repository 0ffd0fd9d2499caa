"""Made-up episodes: what is pasted, painted, photographed and asked for, and what is held out."""

import colorsys
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from model.errors import InputError
from training.canvas import blend, cropped, mask, paste, photographed, plain_ground
from training.composites import CompositeRules, Composites
from training.config import parse
from training.data import episodes_of
from training.episodes import Episodes
from training.photos import PhotoEpisodes, Photos, cut_out, patch, ready_cut
from training.synthetic.plan import Plan, keep_plan
from training.things import HueTurn, Paint, Thing, as_it_is, colours, has_colour, patterns

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


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Views of 44 discs in 22 groups; the red of a disc is its group, times 10."""
    rgba = np.zeros((44, 2, 32, 32, 4), np.uint8)
    for k in range(44):
        cv2.circle(rgba[k, 0], (16, 16), 12, (10 * (k // 2) + 10, 90, 120, 255), -1)
        rgba[k, 1] = rgba[k, 0]
    path = tmp_path_factory.mktemp("views") / "views.npy"
    np.save(path, rgba)
    names = [f"disc {k:02d}" for k in range(44)]
    about = {"names": names, "labels": names, "groups": [f"group {k // 2:02d}" for k in range(44)]}
    path.with_suffix(".json").write_text(json.dumps(about | {"sizes": [0.1] * 44}))
    return path


def disc(colour: tuple[int, int, int] = (150, 150, 150)) -> np.ndarray:
    view = np.zeros((64, 64, 4), np.uint8)
    cv2.circle(view, (32, 32), 28, (*colour, 255), -1)
    return view


def hue_of(view: np.ndarray) -> float:
    r, g, b = view[view[..., 3] == 255][:, :3].mean(0) / 255
    return 360 * colorsys.rgb_to_hsv(r, g, b)[0]


def test_blending_is_premultiplied_alpha_pixel_by_pixel() -> None:
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (5, 6, 3)).astype(np.uint8)
    alpha = rng.integers(0, 256, (5, 6, 1))
    layer = np.concatenate([rng.integers(0, 256, (5, 6, 3)) * alpha // 255, alpha], 2)
    expected = layer[..., :3] + (1 - alpha / 255) * frame
    blended = frame.copy()
    blend(blended, layer.astype(np.uint8))
    assert np.abs(blended - np.minimum(expected, 255)).max() <= 1


@pytest.mark.parametrize("size", [24.0, 60.0, 150.0])
def test_a_thing_is_pasted_where_and_as_large_as_asked(size: float) -> None:
    frame, centre = np.zeros((SIDE, SIDE, 3), np.uint8), np.array([90.0, 120.0])
    paste(frame, disc(), centre, size, turn=30.0)
    rows, columns = np.nonzero(frame.max(2) > 75)
    assert columns.mean() == pytest.approx(90, abs=1.5)
    assert rows.mean() == pytest.approx(120, abs=1.5)
    for seen in (rows, columns):  # the disc fills 57 of its 64 pixels
        assert np.ptp(seen) + 1 == pytest.approx(size * 57 / 64, abs=2.5)


def test_masks_are_whole_inside_and_empty_outside() -> None:
    for shape, corner in (("box", 0.5), ("round", 0.0), ("oval", 0.0)):
        alpha = mask(shape, 40, 60, 0.05)
        assert alpha.shape == (40, 60) and alpha.min() >= 0 and alpha.max() <= 1
        assert alpha[20, 30] == 1 and alpha[0, 0] <= corner
    assert mask("box", 40, 60, 0.05).mean() > mask("round", 40, 60, 0.05).mean()
    assert mask("oval", 400, 600, 0.01).mean() == pytest.approx(np.pi / 4, abs=0.02)


def test_a_picture_on_transparent_ground_is_trimmed_and_premultiplied(tmp_path: Path) -> None:
    picture = np.full((400, 600, 4), (10, 100, 200, 0), np.uint8)  # BGRA; colour under nothing
    picture[50:350, 20:580, 3] = 255
    picture[50:350, 20:300, 3] = 128
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    view = ready_cut(tmp_path / "a.png")
    assert view.shape == (120, SIDE, 4)
    assert np.abs(view[60, 200].astype(int) - (200, 100, 10, 255)).max() <= 1
    assert np.abs(view[60, 20].astype(int) - (100, 50, 5, 128)).max() <= 1


@pytest.mark.parametrize("channels, what", [(3, "transparent ground"), (4, "transparent all over")])
def test_pictures_that_cannot_be_pasted_are_named(channels: int, what: str, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((20, 20, channels), np.uint8))
    with pytest.raises(InputError, match=rf"b\.png .*{what}"):
        ready_cut(tmp_path / "b.png")


def test_the_camera_and_the_grounds_depend_on_their_generator_alone() -> None:
    image = np.random.default_rng(0).integers(0, 256, (70, 90, 3)).astype(np.uint8)
    for seed in range(4):
        made = []
        for _ in range(2):
            rng = np.random.default_rng(seed)
            made.append([plain_ground(rng), cropped(image, rng, 0.5),
                         photographed(cropped(image, rng, 1.0), rng)])  # fmt: skip
        for a, b in zip(*made, strict=True):
            assert a.shape == (SIDE, SIDE, 3) and a.dtype == np.uint8
            assert np.array_equal(a, b)


def test_paint_has_the_hue_that_was_asked_for_and_keeps_the_shape() -> None:
    rng = np.random.default_rng(0)
    for hue in (0.0, 75.0, 200.0, 330.0):
        painted = Paint(hue, 0.8, 1.0)(disc(), rng)
        assert np.array_equal(painted[..., 3], disc()[..., 3])
        assert (painted[..., :3] <= painted[..., 3:]).all()
        assert abs((hue_of(painted) - hue + 180) % 360 - 180) < 2
    assert has_colour(Paint(0, 0.8, 1.0)(disc(), rng)) and not has_colour(disc())


def test_turning_hues_is_a_rotation_around_grey() -> None:
    rng = np.random.default_rng(0)
    coloured = disc((60, 110, 160))
    assert np.abs(HueTurn(360)(coloured, rng).astype(int) - coloured).max() <= 1
    third = HueTurn(120)(coloured, rng)[32, 32].astype(int)
    assert sorted(third[:3]) == pytest.approx([60, 110, 160], abs=1) and third[0] != 60
    assert np.abs(HueTurn(77)(disc(), rng).astype(int) - disc()).max() <= 1


def test_near_duplicates_differ_in_colour_by_28_degrees_or_in_pattern_alone() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        count = int(rng.integers(2, 6))
        looks = colours(count, rng)
        hues = sorted((look.hue if isinstance(look, Paint) else look.degrees) % 360
                      for look in looks if isinstance(look, Paint | HueTurn))  # fmt: skip
        assert len(hues) == count
        gaps = np.diff([*hues, hues[0] + 360])
        assert gaps.min() >= 28 - 1e-9
    pictures = [rng.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8) for _ in range(3)]
    pictures = [cv2.GaussianBlur(picture, (0, 0), 12) for picture in pictures]
    made = [look(disc(), rng) for look in patterns(pictures, rng)]
    for other in made[1:]:
        assert np.array_equal(other[..., 3], made[0][..., 3])
        assert not np.array_equal(other, made[0])


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


def test_pieces_of_photos_are_premultiplied_things(tmp_path: Path) -> None:
    image = np.full((SIDE, SIDE, 3), 235, np.uint8)
    cv2.circle(image, (112, 112), 50, (30, 30, 220), -1)
    image = (image + np.random.default_rng(0).integers(0, 12, image.shape)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "ball.png"), image[..., ::-1])
    ball = cut_out(tmp_path / "ball.png")
    assert ball is not None
    assert max(ball.shape[:2]) == pytest.approx(101, abs=12)
    assert tuple(ball[ball.shape[0] // 2, ball.shape[1] // 2, :3] // 64) == (0, 0, 3)
    for seed in range(5):
        piece = patch(image, np.random.default_rng(seed))
        for thing in (piece, ball):
            assert thing.ndim == 3 and thing.shape[2] == 4
            assert (thing[..., :3].astype(int) <= thing[..., 3:].astype(int) + 1).all()
    cv2.imwrite(str(tmp_path / "plain.png"), np.full((SIDE, SIDE, 3), 99, np.uint8))
    assert cut_out(tmp_path / "plain.png") is None


def test_composites_have_the_ways_and_shots_asked_for_and_repeat(folder: Path) -> None:
    photos = Photos.read([folder])
    things = [(f"disc {h}", np.stack([Paint(h, 0.9, 1.0)(disc(), np.random.default_rng(0))]))
              for h in (0, 120)]  # fmt: skip
    source = Composites(CompositeRules(way=3, shots=(2, 2), queries=1), photos, photos, things)
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
    discs = [(f"group {k // 2}", rgba) for k, rgba in enumerate(np.load(views)[:20])]
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
    rendered = ["--views", str(views), "--apart", str(tmp_path / "home")]
    surfaces = ["--surfaces", str(tmp_path / "rooms")]
    config = parse(["--photos", str(folder), *rendered, *surfaces], "test")[0]
    for validation, groups, room in ((False, range(10), "a.png"), (True, range(10, 15), "b.png")):
        sources = [s for s in episodes_of(config, validation).sources if isinstance(s, Composites)]
        assert len(sources) == 2
        for source in sources:
            assert [path.name for path in source.grounds] == [room]
        shown = {key for source in sources for key, _ in source.views or ()}
        assert shown == {f"group {k:02d}" for k in groups}


def test_a_thing_is_taught_larger_than_it_is_asked_for(folder: Path) -> None:
    """A white disc on black, without camera or hand: its area says its size."""
    photos = Photos.read([folder])
    rules = CompositeRules(way=2, shots=(1, 1), queries=1, hand=0.0)
    source = Composites(rules, photos, photos, [])
    thing, black = (
        Thing("disc", (disc((255, 255, 255)),), as_it_is),
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
            found["groups"] |= {int(v[0, 16, 16, 0]) for _, v in source.views or ()}
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
