"""The data sets of VTAB+MD that torchvision reads, each in its own format under one root.

VTAB-v2 (Dumoulin et al., 2021; Zhai et al., 2019) has 18 tasks, Meta-Dataset-v2 8 test sets. Splits
are the data sets' own where they have some; where VTAB's are tensorflow-datasets' they are drawn
here, in the same proportions, from a fixed seed. So results are VTAB-like and MD-like, and MD's
lists of test classes are not used: all classes of these sets are asked. The pickles of CIFAR-100
are opened by torchvision, and only with the checksums that their authors published.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torchvision.datasets as tv

from model.errors import InputError
from model.frames import SIDE

Read = Callable[[Path, bool], dict[str, "Images"]]  # root, download -> split -> images


@dataclass(frozen=True)
class Images:
    """Labelled pictures, read when they are asked for."""

    dataset: Any  # of torchvision
    labels: np.ndarray  # (N,) of the data set's own classes
    rows: np.ndarray  # (N,) where each stands in the data set
    families: np.ndarray | None = None  # (N,) of what each class is one: Omniglot's alphabets

    def load(self, i: int) -> np.ndarray:
        """(S, S, 3) uint8 RGB, squeezed to a square as VTAB has it; InputError names a bad one."""
        try:
            picture = np.asarray(self.dataset[int(self.rows[i])][0].convert("RGB"))
        except (OSError, SyntaxError, ValueError) as error:
            name = type(self.dataset).__name__
            raise InputError(
                f"Picture {self.rows[i]} of {name} cannot be read: {error}."
            ) from error
        large = min(picture.shape[:2]) >= SIDE
        way = cv2.INTER_AREA if large else cv2.INTER_LINEAR  # an area enlarges to blocks
        return cv2.resize(picture, (SIDE, SIDE), interpolation=way)

    def part(self, chosen: np.ndarray) -> Images:
        return Images(self.dataset, self.labels[chosen], self.rows[chosen])


@dataclass(frozen=True)
class Reader:
    """A data set: what it is part of, and how it is opened."""

    name: str
    part: str  # MD, natural, specialized, structured
    read: Read


def images(dataset: Any, labels: Any, families: Any = None) -> Images:
    labels = np.asarray(labels)
    return Images(dataset, labels, np.arange(len(labels)), families)


def _splits(kind: Any, folder: str, labels: str, **names: str) -> Read:
    """A data set with splits of its own: ours -> its name of them."""

    def read(root: Path, download: bool) -> dict[str, Images]:
        opened = {
            ours: kind(root / folder, split=theirs, download=download)
            for ours, theirs in names.items()
        }
        return {name: images(d, getattr(d, labels)) for name, d in opened.items()}

    return read


def _train_flag(kind: Any, folder: str) -> Read:
    """A data set of a training and a test part."""

    def read(root: Path, download: bool) -> dict[str, Images]:
        opened = {n: kind(root / folder, train=n == "train", download=download)
                  for n in ("train", "test")}  # fmt: skip
        return {name: images(d, d.targets) for name, d in opened.items()}

    return read


def _caltech(root: Path, download: bool) -> dict[str, Images]:
    """30 of each class teach, as in tensorflow-datasets; the rest is asked."""
    whole = images(d := tv.Caltech101(root, download=download), d.y)
    order = np.random.default_rng(0).permutation(len(d.y))
    place = np.zeros(len(order), int)
    for label in np.unique(whole.labels):
        own = order[whole.labels[order] == label]
        place[own] = np.arange(len(own))
    return {"train": whole.part(place < 30), "test": whole.part(place >= 30)}


def _shares(kind: Any, folder: str, labels: str, train: float, test: float) -> Read:
    """A data set without splits."""

    def read(root: Path, download: bool) -> dict[str, Images]:
        whole = images(d := kind(root / folder, download=download), getattr(d, labels))
        order = np.random.default_rng(0).permutation(len(whole.labels))
        first, last = int(train * len(order)), len(order) - int(test * len(order))
        return {
            "train": whole.part(order[:first]),
            "val": whole.part(order[first:last]),
            "test": whole.part(order[last:]),
        }

    return read


def _gtsrb(root: Path, download: bool) -> dict[str, Images]:
    d = tv.GTSRB(root, split="train", download=download)
    return {"test": images(d, [label for _, label in d._samples])}


def _omniglot(root: Path, download: bool) -> dict[str, Images]:
    """The 20 alphabets of the evaluation set, as Meta-Dataset tests on them."""
    d = tv.Omniglot(root / "omniglot", background=False, download=download)
    labels = np.array([label for _, label in d._flat_character_images])
    alphabets = np.array([name.split("/")[0] for name in d._characters])[labels]
    return {"test": images(d, labels, alphabets)}


def _all(kind: Any, folder: str, *splits: str) -> Read:
    """Every picture of a data set, over its splits."""

    def read(root: Path, download: bool) -> dict[str, Images]:
        opened = [kind(root / folder, split=split, download=download) for split in splits]
        labels = np.concatenate([d._labels for d in opened])
        return {"test": images(_Joined(opened), labels)}

    return read


class _Joined:
    """Several data sets as one."""

    def __init__(self, parts: list[Any]) -> None:
        self.parts = parts

    def __getitem__(self, i: int) -> Any:
        for part in self.parts:
            if i < len(part):
                return part[i]
            i -= len(part)
        raise IndexError(i)


READERS = (
    Reader("omniglot", "MD", _omniglot),
    Reader("aircraft", "MD", _all(tv.FGVCAircraft, "", "trainval", "test")),
    Reader("dtd", "MD", _all(tv.DTD, "", "train", "val", "test")),
    Reader("traffic_sign", "MD", _gtsrb),
    Reader("caltech101", "natural", _caltech),
    Reader("cifar100", "natural", _train_flag(tv.CIFAR100, "cifar100")),
    Reader("flowers102", "natural",
           _splits(tv.Flowers102, "", "_labels", train="train", val="val", test="test")),
    Reader("pets", "natural",
           _splits(tv.OxfordIIITPet, "", "_labels", train="trainval", test="test")),
    Reader("sun397", "natural", _shares(tv.SUN397, "", "_labels", 0.7, 0.2)),
    Reader("svhn", "natural", _splits(tv.SVHN, "svhn", "labels", train="train", test="test")),
    Reader("eurosat", "specialized", _shares(tv.EuroSAT, "", "targets", 0.6, 0.2)),
    Reader("clevr_count", "structured",
           _splits(tv.CLEVRClassification, "", "_labels", train="train", test="val")),
)  # fmt: skip

# What VTAB+MD has beside these, and why it is not read.
NOT_READ = {
    "cu_birds": "torchvision has no reader",
    "quickdraw": "torchvision has no reader",
    "fungi": "torchvision has no reader",
    "mscoco": "objects cut out of pictures: torchvision reads pictures and boxes only",
    "resisc45": "torchvision has no reader",
    "diabetic_retinopathy": "a manual download, and torchvision has no reader",
    "camelyon": "torchvision's reader needs h5py",
    "clevr_dist": "torchvision reads the count only",
    "dmlab": "torchvision has no reader",
    "dsprites_orientation": "torchvision has no reader",
    "dsprites_location": "torchvision has no reader",
    "smallnorb_azimuth": "torchvision has no reader",
    "smallnorb_elevation": "torchvision has no reader",
    "kitti_distance": "torchvision reads boxes, not VTAB's four distances",
}


def open_all(root: Path, download: bool) -> tuple[dict[str, dict[str, Images]], dict[str, str]]:
    """The data sets that are there, by name, and of all others why not; InputError if none is."""
    if not root.is_dir():
        raise InputError(f"There is no folder {root}.")
    found, missing = {}, dict(NOT_READ)
    for reader in READERS:
        try:
            splits = reader.read(root, download)
        except (OSError, RuntimeError, ImportError, ValueError, KeyError, IndexError) as error:
            missing[reader.name] = _reason(error, download)
            continue
        if empty := [name for name, part in splits.items() if not len(part.labels)]:
            missing[reader.name] = f"its part {empty[0]} is empty"
            continue
        found[reader.name] = splits
    if not found:
        first = READERS[0].name
        raise InputError(f"{root} holds none of the data sets; {first}: {missing[first]}.")
    return found, missing


def _reason(error: Exception, download: bool) -> str:
    said = str(error).split("\n")[0].rstrip(".") or type(error).__name__
    if "not found" in said.lower() and "download" in said.lower():
        return "not there, or not whole"
    return f"could not be downloaded ({said})" if download else said
