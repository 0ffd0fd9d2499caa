"""All tasks of a benchmark answered by one method, task after task: each is kept as it is done."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from model.saving import atomic_write
from training.evaluation.intervals import Interval, percent
from training.evaluation.orbit.answering import answer
from training.evaluation.orbit.metrics import Named, summary
from training.evaluation.orbit.protocol import PROTOCOLS, Mode, Protocol, UserTask
from training.evaluation.orbit.sheets import worst_videos
from training.evaluation.orbit.submission import submission
from training.evaluation.record import record
from training.evaluation.record.record import Record, Score
from training.methods.catalogue import Chosen


@dataclass(frozen=True)
class Question:
    """What every method is asked."""

    data: Path
    protocol: Protocol
    mode: Mode
    seed: int
    tasks: tuple[UserTask, ...]

    @cached_property
    def episodes(self) -> str:
        """SHA-256 of all that is shown, wherever the data lie: of each frame its name and size."""

        def plain(value: Any) -> list[str | int]:
            return [value.relative_to(self.data).as_posix(), value.stat().st_size]

        tasks = [json.dumps(asdict(task), default=plain) for task in self.tasks]
        return record.fingerprint([tasks, self.protocol.clip_length])


@dataclass(frozen=True)
class Done:
    """A task that was answered, as its file holds it."""

    given: list[list[int]]  # of each video
    macs: int  # to personalise
    cost: dict[str, float] | None  # where it was measured: at a user's first task


def evaluate(question: Question, method: Chosen, checkpoint: Path | None, out: Path) -> str:
    """Answer what is not answered yet, write all results to `out`; returns them as a table.

    InputError where `out` holds another run.
    """
    settings = _settings(question, method, checkpoint)
    record.begin(out, settings)
    done, first = [], {task.user: i for i, task in reversed([*enumerate(question.tasks)])}
    for i, task in enumerate(tqdm(question.tasks, unit="task", desc=method.name)):
        path = out / "tasks" / f"{i:05d}.json"
        if (known := _read(path, task)) is None:
            known = _answered(question, method, task, first[task.user] == i)
            with atomic_write(path) as unfinished:
                unfinished.write_text(json.dumps(asdict(known)))
        done.append(known)
    named = [_named(task, known) for task, known in zip(question.tasks, done, strict=True)]
    macs = [known.macs for known in done]
    results = submission(question.protocol.name, question.tasks, named, macs)
    with atomic_write(out / "results.json") as unfinished:
        unfinished.write_text(json.dumps(results))
    videos = [video for own in named for video in own]
    record.save(out / record.FILE, _record(question, method, settings, videos, done))
    worst_videos(out / "worst.jpg", question.tasks, named)
    return table(videos)


def table(videos: list[Named]) -> str:
    """Measures, one a line, in %."""
    lines = [f"{'':22}pooled          clustered by user   by user  object  video  task"]
    for name, found in summary(videos).items():
        pooled, people = (
            percent(Interval(found[at], found[f"{at}, 95 %"])) for at in ("pooled", "users")
        )
        groups = "  ".join(
            f"{100 * found[f'by {group}']:5.1f}" for group in ("user", "object", "video", "task")
        )
        lines.append(f"{name:22}{pooled:16}{people:20}{groups}")
    return "\n".join(lines)


def _settings(question: Question, method: Chosen, checkpoint: Path | None) -> dict[str, Any]:
    weights = hashlib.sha256(checkpoint.read_bytes()).hexdigest() if checkpoint else None
    return {
        "data": question.data.name,
        "episodes": question.episodes,
        "protocol": asdict(question.protocol),
        "mode": question.mode,
        "seed": question.seed,
        "method": method.name,
        "checkpoint": checkpoint.name if checkpoint else None,
        "weights": weights,
    }


def _read(path: Path, task: UserTask) -> Done | None:
    """An answered task; None where it is not there or not whole, so that it is answered again."""
    try:
        done = Done(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    frames = [len(video.frames) for video in task.videos]
    return done if [len(own) for own in done.given] == frames else None


def _answered(question: Question, method: Chosen, task: UserTask, measure: bool) -> Done:
    found = answer(method, task, question.protocol.clip_length, measure)
    given = [list(video.given) for video in found.videos]
    cost = {
        "seconds to personalise": found.personalise.seconds,
        "MACs a frame": found.name.macs,
        "seconds a frame": found.name.seconds,
    }
    return Done(given, found.personalise.macs, cost if measure else None)


def _named(task: UserTask, done: Done) -> list[Named]:
    return [
        Named(task.user, task.number, task.objects[v.label], v.name, v.label, tuple(given))
        for v, given in zip(task.videos, done.given, strict=True)
    ]


def _record(
    question: Question, method: Chosen, settings: dict[str, Any], videos: list[Named],
    done: list[Done],
) -> Record:  # fmt: skip
    costs = [{"MACs to personalise": known.macs} | known.cost for known in done if known.cost]
    cost = {name: float(np.mean([own[name] for own in costs])) for name in costs[0]}
    cost |= {"steps to personalise": method.steps, "parameters": method.parameters}
    scores = tuple(Score(v.user, f"{v.task}/{v.object}/{v.video}", v.scores()) for v in videos)
    benchmark = f"ORBIT {question.protocol.name}, {question.mode}{_changed(question.protocol)}"
    return Record(
        benchmark, question.episodes, _title(method, settings), question.seed, settings,
        record.machine(), cost, scores,
    )  # fmt: skip


def _changed(protocol: Protocol) -> str:
    """In what it is not that of the benchmark, in words."""
    own = asdict(PROTOCOLS[protocol.name])
    other = [f"{name} {value}" for name, value in asdict(protocol).items() if value != own[name]]
    return f" ({', '.join(other)})" if other else ""


def _title(method: Chosen, settings: dict[str, Any]) -> str:
    checkpoint = settings["checkpoint"]
    return f"{method.name}, {checkpoint}" if checkpoint else method.name
