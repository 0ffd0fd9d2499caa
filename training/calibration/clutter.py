"""What clutter does to features, learned of people who film; a personaliser's head then knows it.

    python -m training.calibration.clutter assets/NAME --orbit HOME

HOME is a data set in ORBIT's layout; its training people are asked. Of every cluttered frame the
window that the head likes best for the thing it shows, less the mean of the thing where it was
taught, is d (D,), under the FiLM of that person's things. With the RANK largest eigenvalues s and
eigenvectors U of the mean of d d^T,

    F = (WEIGHT s)^1/2 U^T,    and F^T F is added to every Q_k (`model.head`),

so that what lies along U tells less. Within-class covariance normalisation (Hatch et al., 2006)
does so to what microphones, not speakers, bring into speech.

Writes clutter.f32 and trained.safetensors into the folder, and both into card.json;
calibration.json, which holds for one head, goes: `python -m training.calibrate` makes it anew.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from model.card import CALIBRATION, CLUTTER, CLUTTER_FORMAT, clutter_bytes, read_card
from model.errors import InputError
from model.nn import head
from model.nn.checkpoint import load_checkpoint, save_checkpoint
from model.nn.cnaps import SimpleCnaps
from model.saving import atomic_write
from training.episodes.episode import Task
from training.episodes.orbit import User, in_sight, read_split
from training.episodes.orbit_tasks import OrbitEpisodes, OrbitRules
from training.settings.command_line import parser_for
from training.settings.provenance import commit

RANK, WEIGHT = 4, 0.3  # training/README.md says by what they were chosen
TRAINED = "trained.safetensors"
FRAMES = 10, 16  # of a thing, that teach it and that show it in clutter
EVERYTHING = 10_000  # more things than anybody has
CHUNK = 16  # frames at once


def moved(model: SimpleCnaps, root: Path, users: Sequence[User]) -> list[Tensor]:
    """d (M, D) float64 of each of the users; InputError where they cannot be asked."""
    taught, shown = FRAMES
    rules = OrbitRules(
        way=(EVERYTHING, EVERYTHING),
        shots=(taught, taught),
        queries=shown,
        frames="uniform",
        query_filter=in_sight(root, "clutter"),
    )
    source = OrbitEpisodes(users, rules)
    rng = np.random.default_rng(0)
    asked = tqdm(source.users, "people", leave=False, disable=None)
    return [differences(model, source.episode_of(user, rng).task) for user in asked]


@torch.no_grad()
def differences(model: SimpleCnaps, task: Task) -> Tensor:
    """d (M, D) of a task of single frames: its best window for what each query frame shows, less
    that thing's mean in the support, as the head sees both.
    """
    taught, asked = task.support[:, 0].split(CHUNK), task.query[:, 0].split(CHUNK)
    rows = torch.cat([model.embeddings(frames) for frames in taught])
    film = model.film(model.context(rows, task.labels))
    z = torch.cat([model.support_features(frames, film) for frames in taught]).double()
    x = torch.cat([model.query_features(frames, film) for frames in asked]).double()  # (M, W, D)
    kept = head.nonempty(x, z, model.config.window_floor)
    if model.config.features == "unit":
        z, x = head.unit(z), head.unit(x)
    d2 = head.distances(z, task.labels, x.flatten(0, 1), task.ways).unflatten(0, x.shape[:2])
    every = torch.arange(len(x))
    best = d2[every, :, task.targets].masked_fill(~kept, torch.inf).argmin(1)  # (M,)
    means = torch.stack([z[task.labels == k].mean(0) for k in range(task.ways)])
    return x[every, best] - means[task.targets]


def covariance(d: Tensor, rank: int = RANK, weight: float = WEIGHT) -> Tensor:
    """F (R, D) float32 of differences (M, D)."""
    _, s, directions = torch.linalg.svd(d / len(d) ** 0.5, full_matrices=False)
    return (weight**0.5 * s[:rank, None] * directions[:rank]).float()


def with_clutter(model: SimpleCnaps, clutter: Tensor) -> None:
    """Give a model its F (R, D), in place of one that it may have."""
    model.config = replace(model.config, clutter=len(clutter))
    model.clutter = clutter.contiguous()


def write(folder: Path, model: SimpleCnaps, provenance: dict[str, Any]) -> None:
    """The model's F and weights, and what card.json says of them; each file is whole at any
    moment.
    """
    assert model.clutter is not None
    save_checkpoint(folder / TRAINED, model, provenance)
    with atomic_write(folder / CLUTTER) as unfinished:
        unfinished.write_bytes(clutter_bytes(model.clutter.numpy()))
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    digests = {name: digest for name, digest in card["sha256"].items() if name != CALIBRATION}
    for name in (TRAINED, CLUTTER):
        digests[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    _, told = load_checkpoint(folder / TRAINED)
    card |= {"format": CLUTTER_FORMAT, "provenance": told, "sha256": dict(sorted(digests.items()))}
    with atomic_write(folder / "card.json") as unfinished:
        unfinished.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    (folder / CALIBRATION).unlink(missing_ok=True)


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    parser.add_argument("personaliser", type=Path, help="its folder, which is changed")
    parser.add_argument("--orbit", type=Path, required=True, help="a data set in ORBIT's layout")
    args = parser.parse_args(argv)
    folder = args.personaliser
    try:
        read_card(folder)
        model, provenance = load_checkpoint(folder / TRAINED)
        d = moved(model, args.orbit, read_split(args.orbit, "train"))
        about = {"people": len(d), "frames": sum(map(len, d)), "rank": RANK, "weight": WEIGHT,
                 "commit": commit()}  # fmt: skip
        with_clutter(model, covariance(torch.cat(d)))
        write(folder, model, provenance | {"clutter": about})
    except InputError as error:
        sys.exit(str(error))
    print(
        f"wrote {folder / CLUTTER}, of {about['frames']} frames of {about['people']} people; now "
        "make calibration.json with `python -m training.calibrate`"
    )


if __name__ == "__main__":
    main()
