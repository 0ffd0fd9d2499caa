"""The scorers of clip folders and photo folders, each on a folder small enough to check by hand."""

import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from model.errors import InputError
from model.nn.head import distances, nonempty, unit
from tests.tiny import CALIBRATION, write_tiny
from tests.training.tree import write_tree
from training.episodes.orbit import annotations_of
from training.evaluation import clips, open_set, photos, pointing
from training.evaluation.baselines import FLOOR, NAMES, baselines
from training.synthetic.filming.video import write_video

COLOURS = ((220, 40, 40), (40, 220, 40), (40, 40, 220))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("assets") / "tiny")


def picture(colour: tuple[int, int, int], seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 8, (240, 240, 3))
    return np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three objects of one colour each, with a clean and a cluttered clip and a note beside."""
    root = tmp_path_factory.mktemp("clips")
    for k, colour in enumerate(COLOURS):
        for kind in ("clean", "clutter"):
            (root / f"object {k}" / kind).mkdir(parents=True)
            frames = [picture(colour, 9 * k + 4 * (kind == "clean") + i) for i in range(4)]
            write_video(root / f"object {k}" / kind / "a.mp4", frames, 10, 20)
            (root / f"object {k}" / kind / "notes.csv").write_text("frame,x,y")
    return root


def test_windows_answer_as_a_loop_over_them_does() -> None:
    generator = torch.Generator().manual_seed(0)
    z, labels = torch.rand(7, 6, generator=generator), torch.tensor([0, 1, 1, 2, 2, 2, 2])
    x = torch.rand(4, 6, 6, generator=generator)
    x[0, 3] *= 0.01  # nearly empty
    found = baselines(z, labels, x, 3)
    assert tuple(found) == NAMES
    kept = nonempty(x[:, 1:], z, FLOOR)
    assert not kept[0, 2]
    for i in range(4):
        rows = x[i, 1:][kept[i]].double()
        best = -distances(unit(z.double()), labels, unit(rows), 3)
        expected = best.max(0).values.numpy()
        np.testing.assert_allclose(found[NAMES[5]][i], expected, rtol=1e-9)


def with_boxes(folder: Path, copy: Path, boxes: list[str]) -> Path:
    """A copy of the clips with a table of boxes for one of them."""
    shutil.copytree(folder, copy)
    table = copy / "object 1" / "clutter" / "a.boxes.csv"
    table.write_text("\n".join(["frame,x,y,w,h", *boxes]))
    return copy


@pytest.mark.parametrize(("box", "says"), [("0,0,240,240", "100.0"), ("-9,-9,3,3", "0.0")])
def test_pointing_counts_centres_in_the_box(
    folder: Path, tiny: Path, tmp_path: Path, box: str, says: str, capsys: pytest.CaptureFixture
) -> None:
    marked = with_boxes(folder, tmp_path / "clips", [f"{i},{box}" for i in range(4)])
    pointing.main(["--clips", str(marked), "--personaliser", str(tiny), "--every", "1"])
    assert f"object 1/a.mp4: {says} %\nmean over 1 clips: {says} %" in capsys.readouterr().out


def test_pointing_takes_the_boxes_of_a_data_set(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """All of the frame is the box of all frames but those in which the thing is out of sight."""
    write_tree(tmp_path, "test")
    for path in (tmp_path / "annotations" / "test").glob("*clutter*"):
        notes = json.loads(path.read_text())
        for note in notes.values():
            if note["object_bounding_box"]:
                note["object_bounding_box"] = {"x": 0, "y": 0, "w": 1080, "h": 1080}
        path.write_text(json.dumps(notes))
    asked = ["--orbit", str(tmp_path), "--personaliser", str(tiny), "--every"]
    pointing.main([*asked, "1"])
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said] == ["P100", "P200", "mean over 2 users"]
    assert said[-1].endswith(" 100.0 %")
    with pytest.raises(SystemExit, match="--every must be at least 1"):
        pointing.main([*asked, "0"])
    for box, says in (({"x": 1}, "has a box without x, y, w and h"), (None, "with boxes to ask")):
        for path in (tmp_path / "annotations" / "test").glob("*clutter*"):
            notes = json.loads(path.read_text())
            for note in notes.values():
                note["object_bounding_box"] = box
            path.write_text(json.dumps(notes))
        annotations_of.cache_clear()
        with pytest.raises(SystemExit, match=says):
            pointing.main([*asked, "1"])


def test_boxes_that_do_not_fit_are_refused(folder: Path, tiny: Path, tmp_path: Path) -> None:
    given = ["--personaliser", str(tiny), "--clips"]
    with pytest.raises(SystemExit, match=r"No clip in .* has a table of boxes"):
        pointing.main([*given, str(folder)])
    marked = with_boxes(folder, tmp_path / "clips", ["0,0,0,9,9"])
    with pytest.raises(SystemExit, match=r"a\.mp4 has 4 frames and 1 boxes"):
        pointing.main([*given, str(marked)])
    for number, bad in enumerate(("0,here,0,9,9", "0,1")):
        odd = with_boxes(folder, tmp_path / f"odd {number}", [bad] * 4)
        with pytest.raises(SystemExit, match=r"a\.boxes\.csv must have numbers"):
            pointing.main([*given, str(odd)])


def test_clips_are_scored_from_the_command_line(
    folder: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "clips.json"
    clips.main(["--clips", str(folder), "--personaliser", str(tiny), "--json", str(out)])
    assert "3 objects, 3 clips" in capsys.readouterr().out
    methods = json.loads(out.read_text())["methods"]
    assert list(methods) == [str(tiny), f"{tiny}, smoothed", *NAMES]
    assert methods[NAMES[0]]["accuracy"][0] == 1.0  # plain colours are told apart


def test_each_object_is_left_out_and_then_shown(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = write_tiny(tmp_path / "known", calibration=CALIBRATION)
    given = ["--clips", str(folder), "--personaliser", str(known)]
    (tmp_path / "rooms").mkdir()
    with pytest.raises(SystemExit, match="rooms holds no photo"):
        open_set.main([*given, "--empty", str(tmp_path / "rooms")])
    cv2.imwrite(str(tmp_path / "rooms" / "grey.png"), np.full((90, 120, 3), 127, np.uint8))
    plot = tmp_path / "reliability.svg"
    open_set.main([*given, "--empty", str(tmp_path / "rooms"), "--plot", str(plot)])
    said = capsys.readouterr().out
    assert "3 objects, each left out once" in said and plot.read_text().startswith("<?xml")
    assert all(f"without object {k}: AUROC" in said for k in range(3))
    assert re.search(r"empty accepted +\d", said) and re.search(r"accuracy +100\.0 %", said)
    with pytest.raises(SystemExit, match="takes 3 objects; got 2"):
        open_set.main([*given, "--objects", "object 0", "object 1"])


def test_without_a_calibration_nothing_is_unknown(folder: Path, tiny: Path) -> None:
    with pytest.raises(SystemExit, match=r"no calibration\.json"):
        open_set.main(["--clips", str(folder), "--personaliser", str(tiny)])


def test_an_answer_is_smoothed_by_those_before_it_alone() -> None:
    rows = np.random.default_rng(0).uniform(size=(9, 3))
    for i, row in enumerate(clips.causal_mean(rows, 5)):
        np.testing.assert_allclose(row, sum(rows[max(i - 4, 0) : i + 1]) / min(i + 1, 5))


def test_photos_are_scored_by_splits_and_without(
    folder: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "photos"
    lines = ["class,split,path"]
    for k, colour in enumerate(COLOURS):
        (root / f"class {k}").mkdir(parents=True)
        for i, split in enumerate("AAB"):
            cv2.imwrite(str(root / f"class {k}" / f"{i}.png"), picture(colour, 3 * k + i))
            lines.append(f"class {k},{split},class {k}/{i}.png")
    few = ["--photos", str(root), "--personaliser", str(tiny), "--episodes", "2", "--way", "3"]
    photos.main([*few, "--support", "all:2"])
    (root / "index.csv").write_text("\n".join(lines))
    out = tmp_path / "photos.json"
    photos.main([*few, "--support", "A:1", "A:2", "--query", "B", "--json", str(out)])
    printed = capsys.readouterr().out
    assert "all:2 -> all: 2 episodes" in printed and "the best frozen head: frozen, " in printed
    methods = json.loads(out.read_text())["A:1"]["methods"]
    assert list(methods) == [str(tiny), *NAMES] and methods[NAMES[0]]["accuracy"][0] == 1.0


def test_a_photo_that_taught_is_never_asked_and_episodes_repeat() -> None:
    pools = {f"c{k}": {"all": [Path(f"{k}/{i}") for i in range(4)]} for k in range(5)}
    setting = photos.Setting("all", 2, "all", 3, 9)
    drawn = list(photos.episodes(pools, setting, 20, 0))
    assert drawn == list(photos.episodes(pools, setting, 20, 0))
    assert drawn != list(photos.episodes(pools, setting, 20, 1))
    for support, query in drawn:
        assert [len(own) for own in support] == [2, 2, 2]
        assert all(len(set(s) | set(q)) == 4 for s, q in zip(support, query, strict=True))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--photos", "nowhere"], "There is no folder nowhere"),
        (["--support", "all"], "SPLIT:SHOTS"),
        (["--support", "all:0"], "SPLIT:SHOTS"),
        (["--way", "1"], "--way must be at least 2; it is 1"),
        (["--episodes", "0"], "--episodes must be at least 1"),
        (["--way", "9"], "--way 9 needs as many, so make it smaller"),
        (["--personaliser", "nowhere"], "has no card.json"),
    ],
)
def test_photos_that_cannot_be_scored(
    arguments: list[str], sentence: str, photos_root: Path, tiny: Path
) -> None:
    given = ["--photos", str(photos_root), "--personaliser", str(tiny), *arguments]
    with pytest.raises(SystemExit) as stopped:
        photos.main(given)
    assert sentence in str(stopped.value)


@pytest.fixture
def photos_root(tmp_path: Path) -> Path:
    for k in range(3):
        (tmp_path / f"class {k}").mkdir()
        for i in range(6):
            cv2.imwrite(str(tmp_path / f"class {k}" / f"{i}.png"), picture(COLOURS[k], i))
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--clips", "nowhere"], "There is no folder nowhere"),
        (["--objects", "object 0", "nothing"], "There is no folder"),
        (["--every", "0"], "--every must be at least 1; it is 0"),
        (["--personaliser", "nowhere"], "has no card.json"),
    ],
)
def test_clips_that_cannot_be_scored(
    arguments: list[str], sentence: str, folder: Path, tiny: Path
) -> None:
    given = ["--clips", str(folder), "--personaliser", str(tiny), *arguments]
    with pytest.raises(SystemExit) as stopped:
        clips.main(given)
    assert sentence in str(stopped.value)


def test_odd_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has 0 objects with folders clean and clutter"):
        clips.objects_of(tmp_path)
    (tmp_path / "index.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="has no columns class, split and path"):
        photos.read_pools(tmp_path)
