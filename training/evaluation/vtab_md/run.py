"""All episodes answered by one method, by one process or several: each is kept as it is done.

Process r of R (torchrun) answers the episodes r, r + R, ...; the first merges what all of them
kept, so that the result is that of one process. Pictures are read as they are needed: 1,000 that
teach and 50,000 that are asked take no more memory than a few.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from tqdm import tqdm

from model.saving import atomic_write
from training.evaluation.intervals import clustered, pooled
from training.evaluation.record import record
from training.evaluation.record.personalising import personalised
from training.evaluation.record.record import Record, Score
from training.evaluation.vtab_md.episodes import Asked, Part
from training.evaluation.vtab_md.readers import READERS
from training.methods.catalogue import Chosen
from training.methods.learner import CHUNK

BENCHMARK = "VTAB+MD-like"


class Pictures:
    """Clips of one frame that are read when they are asked for."""

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self.places = [(part, i) for part in parts for i in part.rows]
        self.seconds = 0.0  # spent on reading

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, rows: slice, /) -> Tensor:
        start = time.perf_counter()
        read = [part.images.load(int(i)) for part, i in self.places[rows]]
        self.seconds += time.perf_counter() - start
        return torch.from_numpy(np.stack(read))[:, None]


def answer(method: Chosen, asked: Asked, measure: bool) -> dict[str, Any]:
    """Accuracy of an episode, and where it is measured what it cost."""
    support, query = Pictures(asked.support), Pictures((asked.query,))
    classes, targets = asked.classes(), asked.targets()
    taught = np.concatenate([part.labels for part in asked.support])
    labels = torch.from_numpy(np.searchsorted(classes, taught))
    if measure:
        recogniser, cost = personalised(method, support, labels, len(classes), True)
    else:
        recogniser, cost = method.learner.adapt(support, labels, len(classes)), None
    right = 0
    for start in range(0, len(query), CHUNK):
        rows = recogniser.features(query[start : start + CHUNK][:, 0])
        given = recogniser.logits(rows).argmax(1).numpy()
        right += int((given == targets[start : start + CHUNK]).sum())
    found: dict[str, Any] = {"accuracy": right / len(query)}
    if cost:
        found |= {"MACs to personalise": cost.macs, "seconds to personalise": cost.seconds}
    return found


def evaluate(asked: list[Asked], method: Chosen, settings: dict[str, Any], out: Path) -> str | None:
    """Answer what is not answered yet; returns the table, in the first process alone.

    InputError where `out` holds another run.
    """
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    settings = settings | {"episodes": episodes_of(asked), "method": method.name}
    if rank == 0:
        record.begin(out, settings)
    if world > 1:
        dist.barrier()
    measured = {episode.dataset: i for i, episode in reversed([*enumerate(asked)])}
    mine = range(rank, len(asked), world)
    for i in tqdm(mine, unit="episode", desc=method.name, disable=rank > 0):
        path = _file(out, i)
        if _kept(path) is None:
            found = answer(method, asked[i], measured[asked[i].dataset] == i)
            with atomic_write(path) as unfinished:
                unfinished.write_text(json.dumps(found))
    if world > 1:
        dist.barrier()
    return _merge(asked, method, settings, out) if rank == 0 else None


def episodes_of(asked: list[Asked]) -> str:
    """SHA-256 of all that is shown."""
    return record.fingerprint(
        [
            [a.dataset, a.number, [p.rows.tolist() for p in (*a.support, a.query)],
             [p.labels.tolist() for p in a.support], a.classes().tolist(),
             hashlib.sha256(a.targets().tobytes()).hexdigest()]
            for a in asked
        ]
    )  # fmt: skip


def _merge(asked: list[Asked], method: Chosen, settings: dict[str, Any], out: Path) -> str:
    kept = [_kept(_file(out, i)) or {} for i in range(len(asked))]
    scores = tuple(
        Score(a.dataset, str(a.number), {"accuracy": found["accuracy"]})
        for a, found in zip(asked, kept, strict=True)
    )
    costs = [found for found in kept if "MACs to personalise" in found]
    cost = {name: float(np.mean([found[name] for found in costs])) for name in costs[0]}
    del cost["accuracy"]
    cost |= {"steps to personalise": method.steps, "parameters": method.parameters}
    record.save(
        out / record.FILE,
        Record(BENCHMARK, settings["episodes"], method.name, settings["seed"], settings,
               record.machine(), cost, scores),
    )  # fmt: skip
    return table(scores)


def table(scores: tuple[Score, ...]) -> str:
    """Data sets, the groups that VTAB+MD has, and the mean over what is there: % right."""
    own: dict[str, list[float]] = defaultdict(list)
    for score in scores:
        own[score.group].append(100 * score.values["accuracy"])
    means = {name: float(np.mean(values)) for name, values in own.items()}
    lines = []
    for name, values in own.items():
        spread = f" ± {pooled(values).half:.1f} ({len(values)} episodes)" if len(values) > 1 else ""
        lines.append(f"{name:14}{means[name]:5.1f}{spread}")
    for part in dict.fromkeys(reader.part for reader in READERS):
        names = [r.name for r in READERS if r.part == part and r.name in means]
        if names:
            average = float(np.mean([means[name] for name in names]))
            lines.append(f"{part:14}{average:5.1f}, the mean of {', '.join(names)}")
    whole = clustered(list(means.values()), list(means))
    spread = f" ± {whole.half:.1f}" if len(means) > 1 else ""
    lines.append(f"{'all':14}{whole.mean:5.1f}{spread}, data sets: {len(means)}")
    return "\n".join(lines)


def _file(out: Path, i: int) -> Path:
    return out / "tasks" / f"{i:05d}.json"


def _kept(path: Path) -> dict[str, Any] | None:
    """What was kept of an episode; None where it is not there or not whole."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if 0 <= found["accuracy"] <= 1 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
