"""VTAB+MD on tiny data sets in their own formats: rules against their descriptions, labels, two
processes, and what is missing or damaged.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from model.errors import InputError
from tests.training import data_sets
from training.evaluation.record.record import load
from training.evaluation.vtab_md import readers, run
from training.evaluation.vtab_md.__main__ import main
from training.evaluation.vtab_md.episodes import Asked, Part, asked_of, episode, shares, task
from training.evaluation.vtab_md.readers import Images, open_all
from training.methods import catalogue
from training.methods.catalogue import Chosen
from training.methods.frozen import Extractor, Frozen, cosine


class Colours(nn.Module):
    """A 'backbone' whose map is the mean colour, less grey."""

    def forward(self, frames: Tensor) -> Tensor:
        return (frames.float().mean((1, 2)) - 128)[:, :, None, None]


def labelled(*sizes: int, families: list[str] | None = None) -> Images:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    own = np.repeat(families, sizes) if families else None
    return Images(None, labels, np.arange(len(labels)), own)


# --- Meta-Dataset's rules ---


def test_ways_lie_between_5_and_50() -> None:
    images = labelled(*[4] * 60)
    ways = {len(episode("x", n, images, np.random.default_rng(n)).classes()) for n in range(400)}
    assert min(ways) == 5 and max(ways) == 50
    few = labelled(*[4] * 7)
    assert {len(episode("x", 0, few, np.random.default_rng(n)).classes()) for n in range(50)} == {
        5, 6, 7,
    }  # fmt: skip


def test_ten_of_each_class_are_asked_or_half_of_the_smallest() -> None:
    for smallest, asked in ((40, 10), (19, 9), (20, 10), (3, 1)):
        images = labelled(smallest, 50, 60, 70, 80)
        one = episode("x", 0, images, np.random.default_rng(0))
        assert set(Counter(one.query.labels.tolist()).values()) == {asked}
        both = [*one.support[0].rows, *one.query.rows]
        assert len(set(both)) == len(both)  # nothing that teaches is asked


def test_the_support_is_as_large_and_as_uneven_as_described() -> None:
    sizes = np.array([20, 30, 200, 1000, 25])
    totals, below, many = set(), 0, np.array([1000] * 50)
    for seed in range(300):
        rng = np.random.default_rng(seed)
        asked, shots = shares(sizes, rng)
        again = np.random.default_rng(seed)
        beta = 1 - again.random()
        total = min(500, sum(int(np.ceil(beta * min(100, n - asked))) for n in sizes))
        weight = np.array([n * np.exp(again.uniform(np.log(0.5), np.log(2))) for n in sizes])
        expected = [
            min(int(share * (total - len(sizes))) + 1, n - asked)
            for share, n in zip(weight / weight.sum(), sizes, strict=True)
        ]
        assert shots.tolist() == expected
        assert shots.min() >= 1
        totals.add(int(shots.sum()))
        below += shots.sum() <= 500
        assert shares(many, np.random.default_rng(seed))[1].sum() <= 500
    assert len(totals) > 50 and below == 300


def test_an_episode_of_omniglot_stays_in_one_alphabet() -> None:
    families = ["a"] * 7 + ["b"] * 6
    images = labelled(*[4] * 13, families=families)
    seen = set()
    for n in range(40):
        own = {families[k] for k in episode("x", n, images, np.random.default_rng(n)).classes()}
        assert len(own) == 1
        seen |= own
    assert seen == {"a", "b"}


def test_classes_with_too_few_pictures_are_named() -> None:
    with pytest.raises(InputError, match="Class 2 of x has 1 picture"):
        episode("x", 0, labelled(5, 5, 1, 5, 5), np.random.default_rng(0))
    with pytest.raises(InputError, match="x has 4 classes"):
        episode("x", 0, labelled(5, 5, 5, 5), np.random.default_rng(0))


# --- VTAB's ---


def test_800_and_200_pictures_teach_and_the_whole_test_part_is_asked() -> None:
    rng = np.random.default_rng(0)
    big, small, test = labelled(*[500] * 4), labelled(*[100] * 4), labelled(*[20] * 4)
    with_val = task("x", {"train": big, "val": small, "test": test}, rng)
    assert [len(part.rows) for part in with_val.support] == [800, 200]
    without = task("x", {"train": big, "test": test}, rng)
    assert [len(part.rows) for part in without.support] == [1000]
    assert with_val.query.rows.tolist() == without.query.rows.tolist() == list(range(80))
    assert all(len(set(p.rows)) == len(p.rows) for p in (*with_val.support, *without.support))


def test_a_class_that_nobody_taught_shifts_no_label() -> None:
    images = labelled(2, 2, 2, 2)
    asked = Asked(
        "x", 0, (Part(images, np.array([0, 4, 6])),), Part(images, np.array([1, 3, 5, 7]))
    )
    assert asked.classes().tolist() == [0, 2, 3]  # none of 1
    assert asked.targets().tolist() == [0, -1, 1, 2]


# --- whole runs ---


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    for write in (*data_sets.FREE, *data_sets.CHECKED):
        write(folder)
    return folder


def chosen() -> Chosen:
    extractor = Extractor(Colours())
    return Chosen("colours", Frozen(extractor, cosine), 0, spared=extractor.remembered)


def test_twelve_data_sets_are_read_in_their_own_formats(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data_sets.without_checksums(monkeypatch)
    monkeypatch.setattr(catalogue, "_extractor", lambda _: Extractor(Colours()))
    out = tmp_path / "run"
    words = ["--root", str(root), "--method", "frozen-cosine", "--episodes", "2", "--threads", "1"]
    main([*words, "--out", str(out)])
    record = load(out)
    means = {s.group: s.values["accuracy"] for s in record.scores}
    assert set(means) == {reader.name for reader in readers.READERS} and len(means) == 12
    del means["omniglot"]  # ink has no colour
    assert min(means.values()) > 0.9, means
    assert len(record.scores) == 4 * 2 + 8
    printed = capsys.readouterr().out
    assert "the mean of caltech101, cifar100, flowers102, pets, sun397, svhn" in printed
    assert "not asked: fungi: torchvision has no reader" in printed
    before = (out / "record.json").read_text()
    (out / "tasks" / "00003.json").write_text("{")  # cut short
    main([*words, "--out", str(out)])
    assert json.loads(before)["scores"] == json.loads((out / "record.json").read_text())["scores"]
    with pytest.raises(SystemExit, match="holds a run with another episodes, seed"):
        main([*words, "--seed", "1", "--out", str(out)])


def test_two_processes_are_one(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, _ = open_all(root, False)
    asked = asked_of(opened, 3, 0)
    alone = run.evaluate(asked, chosen(), {"seed": 0}, tmp_path / "one")
    monkeypatch.setattr(run.dist, "barrier", lambda: None)
    monkeypatch.setenv("WORLD_SIZE", "2")
    (tmp_path / "two" / "tasks").mkdir(parents=True)
    for rank in ("1", "0"):
        monkeypatch.setenv("RANK", rank)
        table = run.evaluate(asked, chosen(), {"seed": 0}, tmp_path / "two")
        done = len(list((tmp_path / "two" / "tasks").iterdir()))
        assert (table is None, done) == (
            (True, len(asked) // 2) if rank == "1" else (False, len(asked))
        )
    assert table == alone
    assert load(tmp_path / "one").scores == load(tmp_path / "two").scores


@pytest.mark.slow
def test_torchrun_splits_and_merges(tmp_path: Path) -> None:
    data_sets.eurosat(tmp_path / "sets")
    command = ["-m", "training.evaluation.vtab_md", "--root", str(tmp_path / "sets"), "--method",
               "frozen-cosine", "--episodes", "1", "--threads", "1", "--out"]  # fmt: skip
    data_sets.dtd(tmp_path / "sets")
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    for out, words in (("one", command), ("two", [*torchrun, *command])):
        environment = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE")}
        done = subprocess.run([sys.executable, *words, str(tmp_path / out)], env=environment,
                              capture_output=True, text=True)  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert load(tmp_path / "one").scores == load(tmp_path / "two").scores


def test_pictures_are_read_a_few_at_a_time(root: Path, tmp_path: Path) -> None:
    opened, _ = open_all(root, False)
    (one,) = [a for a in asked_of(opened, 1, 0) if a.dataset == "caltech101"]
    at_once: list[int] = []

    class Counting(Colours):
        def forward(self, frames: Tensor) -> Tensor:
            at_once.append(len(frames))
            return super().forward(frames)

    found = run.answer(Chosen("counting", Frozen(Extractor(Counting()), cosine), 0), one, False)
    assert found["accuracy"] > 0.9 and max(at_once) <= 16
    assert sum(at_once) == 33 * 6 + 1  # and one to count the work
    assert torch.is_grad_enabled()


def test_what_is_missing_or_damaged_is_said(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="There is no folder"):
        open_all(tmp_path / "nothing", False)
    with pytest.raises(InputError, match="holds none of the data sets; omniglot: not there"):
        open_all(tmp_path, False)
    data_sets.eurosat(tmp_path)
    data_sets.dtd(tmp_path)
    opened, missing = open_all(tmp_path, False)
    assert set(opened) == {"eurosat", "dtd"} and missing["pets"] == "not there, or not whole"

    def offline(*_: object, **__: object) -> None:
        raise OSError("<urlopen error no network>")

    monkeypatch.setattr("torchvision.datasets.utils._urlretrieve", offline)
    _, missing = open_all(tmp_path, True)
    assert missing["svhn"].startswith("could not be downloaded")
    next((tmp_path / "dtd" / "dtd" / "images" / "t0").iterdir()).unlink()
    next((tmp_path / "eurosat" / "2750" / "Class0").iterdir()).write_bytes(b"cut short")
    for part in ("dtd", "eurosat"):
        (split,) = [s for n, s in open_all(tmp_path, False)[0][part].items() if n == "test"]
        whole = split if part == "dtd" else opened[part]["train"]
        with pytest.raises(InputError, match="cannot be read"):
            for images in (whole, *opened[part].values()):
                for i in range(len(images.labels)):
                    images.load(i)
    with pytest.raises(SystemExit, match="--episodes must be at least 1"):
        words = ["--root", str(tmp_path), "--method", "frozen-knn", "--out", str(tmp_path / "o")]
        main([*words, "--episodes", "0"])
