"""Data sets of VTAB+MD in their own formats, with a few pictures each: a colour is a class."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

CLASSES, EACH = 6, 8


def picture(label: int, seed: int) -> Image.Image:
    rng = np.random.default_rng([label, seed])
    colour = np.array([40 * label, 255 - 40 * label, 90])
    pixels = np.clip(colour + rng.integers(-8, 9, (12, 14, 3)), 0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


def pictures(name: Callable[[int, int], Path], each: int = EACH) -> None:
    for label in range(CLASSES):
        for i in range(each):
            path = name(label, i)
            path.parent.mkdir(parents=True, exist_ok=True)
            picture(label, i).save(path)


def lines(path: Path, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(rows) + "\n")


EVERY = [(label, i) for label in range(CLASSES) for i in range(EACH)]


def caltech101(root: Path) -> None:
    base = root / "caltech101"
    pictures(
        lambda k, i: base / "101_ObjectCategories" / f"class{k}" / f"image_{i + 1:04d}.jpg", 33
    )
    (base / "Annotations").mkdir()
    (base / "101_ObjectCategories" / "BACKGROUND_Google").mkdir()


def eurosat(root: Path) -> None:
    pictures(lambda k, i: root / "eurosat" / "2750" / f"Class{k}" / f"{i}.jpg")


def dtd(root: Path) -> None:
    base = root / "dtd" / "dtd"
    pictures(lambda k, i: base / "images" / f"t{k}" / f"t{k}_{i}.jpg")
    for part, numbers in (("train", (0, 1, 2)), ("val", (3, 4)), ("test", (5, 6, 7))):
        rows = [f"t{k}/t{k}_{i}.jpg" for k, i in EVERY if i in numbers]
        lines(base / "labels" / f"{part}1.txt", rows)


def pets(root: Path) -> None:
    base = root / "oxford-iiit-pet"
    pictures(lambda k, i: base / "images" / f"cat_{k}_{i}.jpg")
    for part, numbers in (("trainval", range(4)), ("test", range(4, 8))):
        rows = [f"cat_{k}_{i} {k + 1} 1 1" for k, i in EVERY if i in numbers]
        lines(base / "annotations" / f"{part}.txt", rows)


def sun397(root: Path) -> None:
    base = root / "SUN397"
    pictures(lambda k, i: base / "a" / f"place{k}" / f"sun_{i}.jpg")
    lines(base / "ClassName.txt", [f"/a/place{k}" for k in range(CLASSES)])


def clevr(root: Path) -> None:
    base = root / "clevr" / "CLEVR_v1.0"
    for part in ("train", "val"):
        pictures(lambda k, i, part=part: base / "images" / part / f"CLEVR_{part}_{k}{i}.png")
        scenes = [{"image_filename": f"CLEVR_{part}_{k}{i}.png", "objects": [{}] * (k + 3)}
                  for k, i in EVERY]  # fmt: skip
        lines(base / "scenes" / f"CLEVR_{part}_scenes.json", [json.dumps({"scenes": scenes})])


def aircraft(root: Path) -> None:
    base = root / "fgvc-aircraft-2013b" / "data"
    pictures(lambda k, i: base / "images" / f"{k}{i}.jpg")
    lines(base / "variants.txt", [f"A{k}" for k in range(CLASSES)])
    for part, numbers in (("trainval", range(5)), ("test", range(5, 8))):
        rows = [f"{k}{i} A{k}" for k, i in EVERY if i in numbers]
        lines(base / f"images_variant_{part}.txt", rows)


def traffic_sign(root: Path) -> None:
    pictures(lambda k, i: root / "gtsrb" / "GTSRB" / "Training" / f"{k:05d}" / f"{i:05d}.ppm")


def omniglot(root: Path) -> None:
    base = root / "omniglot" / "omniglot-py" / "images_evaluation"
    for alphabet in ("Aurek", "Ge_ez"):
        pictures(lambda k, i, a=alphabet: base / a / f"character{k:02d}" / f"{k}_{i:02d}.png")


def flowers102(root: Path) -> None:
    base = root / "flowers-102"
    pictures(lambda k, i: base / "jpg" / f"image_{k * EACH + i + 1:05d}.jpg")
    ids = {"trnid": range(3), "valid": range(3, 5), "tstid": range(5, 8)}
    chosen = {name: [[k * EACH + i + 1 for k, i in EVERY if i in numbers]]
              for name, numbers in ids.items()}  # fmt: skip
    scipy.io.savemat(base / "setid.mat", chosen)
    scipy.io.savemat(base / "imagelabels.mat", {"labels": [[k + 1 for k, _ in EVERY]]})


def svhn(root: Path) -> None:
    (root / "svhn").mkdir(parents=True)
    for part in ("train", "test"):
        stack = [np.asarray(picture(k, i).resize((32, 32))) for k, i in EVERY]
        labels = np.array([[k or 10] for k, _ in EVERY])
        content = {"X": np.stack(stack, -1), "y": labels}
        scipy.io.savemat(root / "svhn" / f"{part}_32x32.mat", content)


def cifar100(root: Path) -> None:
    base = root / "cifar100" / "cifar-100-python"
    base.mkdir(parents=True)
    for part in ("train", "test"):
        stack = [np.asarray(picture(k, i).resize((32, 32))).transpose(2, 0, 1).ravel()
                 for k, i in EVERY]  # fmt: skip
        content = {"data": np.stack(stack), "fine_labels": [k for k, _ in EVERY]}
        (base / part).write_bytes(pickle.dumps(content))
    (base / "meta").write_bytes(pickle.dumps({"fine_label_names": [f"c{k}" for k in range(6)]}))


FREE = (caltech101, eurosat, dtd, pets, sun397, clevr, aircraft, traffic_sign)
CHECKED = (omniglot, flowers102, svhn, cifar100)  # torchvision compares their checksums


def without_checksums(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("omniglot", "flowers102", "svhn", "cifar"):
        there = "torchvision.datasets." + module + ".check_integrity"
        monkeypatch.setattr(there, lambda path, md5=None: True)
