"""Accuracy on people whose objects were never seen, beside heads on the frozen backbone.

    python -m training.evaluate --personaliser assets/NAME --orbit ROOT --split test
    python -m training.evaluate --checkpoint runs/first/best.safetensors --orbit ROOT

A user's every task asks for all their objects. All methods answer the same tasks, so that their
differences are paired; a score is the share of query clips named right, intervals are 95 %,
clustered by user (`training.intervals`). With several personalisers or checkpoints the first is
what the others are compared with.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset
from tqdm import tqdm

from model import InputError, Personaliser, load_model
from model.nn.backbone import Backbone
from model.nn.checkpoint import load_checkpoint
from model.nn.cnaps import SimpleCnaps
from model.runtime import open_session, run
from model.saving import atomic_write
from training.episodes.episode import Episode, Task, load
from training.episodes.orbit import SPLITS, in_sight, read_split
from training.episodes.orbit_tasks import OrbitEpisodes, OrbitRules
from training.evaluation.baselines import HEADS
from training.evaluation.intervals import Interval, clustered
from training.export.graphs import backbone_graph
from training.lite import logits_of
from training.settings.command_line import parser_for
from training.settings.config import LiteConfig

Answer = Callable[[Task], np.ndarray]  # -> scores (M, K)
EVERYTHING = 10_000  # more objects than anybody has
BATCH = 16  # frames a run of the frozen backbone


@dataclass(frozen=True)
class Scores:
    """What every method scored on every task."""

    users: tuple[str, ...]  # of the E tasks
    right: dict[str, list[float]]  # method -> E accuracies, ours first

    def of(self, method: str) -> Interval:
        return clustered(self.right[method], self.users)

    def lead(self, method: str) -> Interval:
        """How much better the first method is than this one, task by task."""
        ours = next(iter(self.right.values()))
        pairs = zip(ours, self.right[method], strict=True)
        return clustered([a - b for a, b in pairs], self.users)


class EvaluationTasks(Dataset[Episode | None]):
    """Tasks of every user in turn; None where too little of a user is left."""

    def __init__(self, source: OrbitEpisodes, seed: int) -> None:
        self.source, self.seed = source, seed

    def __getitem__(self, number: int) -> Episode | None:
        users = self.source.users
        try:
            rng = np.random.default_rng([self.seed, number])
            return self.source.episode_of(users[number % len(users)], rng)
        except InputError as error:
            if self.source.bad == "error":
                raise
            warnings.warn(f"Left out: {error}", stacklevel=2)
            return None


def evaluate(
    asked: EvaluationTasks, tasks: int, methods: dict[str, Answer], workers: int
) -> Scores:
    """`tasks` tasks of each user, answered by every method and by the frozen backbone's heads."""
    features, users = frozen_features(), []
    right: dict[str, list[float]] = {name: [] for name in (*methods, *HEADS)}
    numbers = range(tasks * len(asked.source.users))
    for episode in tqdm(load(asked, numbers, workers), total=len(numbers), unit="task"):
        if episode is None:
            continue
        task = episode.task
        users.append(episode.group)
        z, x = features(task.support), features(task.query)
        for name, answer in methods.items():
            right[name].append(accuracy(answer(task), task))
        for name, head in HEADS.items():
            right[name].append(accuracy(head(z, task.labels, x, task.ways).numpy(), task))
    if not users:
        raise InputError("No task could be asked; every user was left out.")
    return Scores(tuple(users), right)


def accuracy(scores: np.ndarray, task: Task) -> float:
    return float((scores.argmax(1) == task.targets.numpy()).mean())


def served(personaliser: Personaliser) -> Answer:
    """Answers as the app gives them; of a clip, the mean over its frames."""

    def answer(task: Task) -> np.ndarray:
        clips = {str(k): [*task.support[task.labels == k].numpy()] for k in range(task.ways)}
        frames = task.query.flatten(0, 1).numpy()
        probabilities = personaliser.adapt(clips).predict(frames)
        return probabilities.reshape(*task.query.shape[:2], task.ways).mean(1)

    return answer


def in_torch(model: SimpleCnaps) -> Answer:
    return lambda task: logits_of(model, task, LiteConfig()).numpy()


def frozen_features() -> Callable[[torch.Tensor], torch.Tensor]:
    """Clips (B, T, S, S, 3) -> features (B, D) of the frozen backbone, the mean over a clip's
    frames.
    """
    graph = backbone_graph(Backbone()).SerializeToString()
    session = open_session(graph, torch.get_num_threads())

    def features(clips: torch.Tensor) -> torch.Tensor:
        batches = clips.flatten(0, 1).split(BATCH)
        rows = np.concatenate([run(session, "features", batch.numpy()) for batch in batches])
        return torch.from_numpy(rows).unflatten(0, clips.shape[:2]).mean(1)

    return features


def table(scores: Scores) -> str:
    """One line a method: its accuracy, and how far the first is ahead of it, in points."""
    width = max(map(len, scores.right))
    lines = [f"{len(set(scores.users))} users, {len(scores.users)} tasks"]
    lines.append(f"{'':{width}}  accuracy, %       the first is ahead by")
    for i, name in enumerate(scores.right):
        ahead = f"    {_points(scores.lead(name), '+')}" if i else ""
        lines.append(f"{name:{width}}  {_points(scores.of(name))}{ahead}")
    return "\n".join(lines)


def _points(interval: Interval, sign: str = "") -> str:
    half = f"{100 * interval.half:4.1f}" if math.isfinite(interval.half) else "   ?"
    return f"{100 * interval.mean:{sign}6.1f} +- {half}"


def report(scores: Scores, settings: Mapping[str, object]) -> dict[str, object]:
    """The same as JSON, with every task's score."""

    def plain(interval: Interval) -> list[float | None]:
        return [interval.mean, interval.half if math.isfinite(interval.half) else None]

    methods = {
        name: {"accuracy": plain(scores.of(name)), "lead": plain(scores.lead(name)), "tasks": right}
        for name, right in scores.right.items()
    }
    return {"settings": dict(settings), "users": list(scores.users), "methods": methods}


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    parser.add_argument("--personaliser", type=Path, nargs="+", default=[], help="assets/NAME")
    parser.add_argument("--checkpoint", type=Path, nargs="+", default=[], help=".safetensors")
    parser.add_argument("--orbit", type=Path, required=True, help="a data set in ORBIT's layout")
    parser.add_argument("--split", default="test", choices=SPLITS)
    parser.add_argument("--query", default="clutter", choices=("clutter", "clean"))
    parser.add_argument("--tasks", type=int, default=5, help="a user (5)")
    parser.add_argument("--shots", type=int, default=10, help="support clips an object (10)")
    parser.add_argument("--queries", type=int, default=20, help="query clips an object (20)")
    parser.add_argument("--clip-length", type=int, default=1, help="frames a clip (1)")
    parser.add_argument("--frames", default="uniform", choices=("uniform", "random"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--skip-bad", action="store_true", help="go on without what is damaged")
    parser.add_argument("--workers", type=int, default=1, help="processes that decode ahead (1)")
    parser.add_argument("--threads", type=int, default=2, help="of torch and onnxruntime (2)")
    parser.add_argument("--json", type=Path, help="write every task's score there")
    args = parser.parse_args(argv)
    try:
        for name in ("tasks", "shots", "queries", "clip_length", "threads"):
            if getattr(args, name) < 1:
                raise InputError(f"--{name.replace('_', '-')} must be at least 1.")
        torch.set_num_threads(args.threads)
        with atomic_write(args.json) if args.json else nullcontext() as out:
            if out:
                out.touch()  # a folder that is not there is said before, not after
            scores = evaluate(_asked(args), args.tasks, _methods(args), args.workers)
            print(table(scores))
            if out:
                settings = {k: v for k, v in vars(args).items() if isinstance(v, str | int)}
                settings["orbit"] = args.orbit.name
                out.write_text(json.dumps(report(scores, settings), indent=1) + "\n")
    except InputError as error:
        sys.exit(str(error))


def _asked(args: argparse.Namespace) -> EvaluationTasks:
    rules = OrbitRules(
        way=(EVERYTHING, EVERYTHING),
        shots=(args.shots, args.shots),
        queries=args.queries,
        clip_length=args.clip_length,
        query=args.query,
        frames=args.frames,
        query_filter=in_sight(args.orbit, args.query),
    )
    users = read_split(args.orbit, args.split)
    return EvaluationTasks(
        OrbitEpisodes(users, rules, "skip" if args.skip_bad else "error"), args.seed
    )


def _methods(args: argparse.Namespace) -> dict[str, Answer]:
    """What is evaluated, by its path."""
    methods = {str(path): served(load_model(path)) for path in args.personaliser}
    methods |= {str(path): in_torch(load_checkpoint(path)[0]) for path in args.checkpoint}
    if not methods:
        raise InputError("There is nothing to evaluate; give --personaliser or --checkpoint.")
    return methods


if __name__ == "__main__":
    main()
