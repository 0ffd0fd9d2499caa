"""Accuracy on people whose objects were never seen, beside heads on the frozen backbone.

    python -m training.evaluate --personaliser assets/NAME --orbit ROOT --split test
    python -m training.evaluate --checkpoint runs/first/best.safetensors --orbit ROOT

A user's every task asks for all their objects. All methods answer the same tasks, so that their
differences are paired; a score is the share of query clips named right, intervals are 95 %,
clustered by user (`training.evaluation.intervals`). With several personalisers or checkpoints the
first is what the others are compared with.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset
from tqdm import tqdm

from model import InputError, Personaliser, load_model
from model.saving import atomic_write
from training.episodes.episode import Episode, Task, load
from training.episodes.orbit import SPLITS, in_sight, read_split
from training.episodes.orbit_tasks import OrbitEpisodes, OrbitRules
from training.evaluation.baselines import NAMES, baselines
from training.evaluation.frozen import FrozenBackbone
from training.evaluation.scores import Scores, accuracy, report, table
from training.methods.catalogue import in_one_pass
from training.methods.learner import Learner, rows_of
from training.settings.command_line import parser_for

Answer = Callable[[Task], np.ndarray]  # -> scores (M, K)
EVERYTHING = 10_000  # more objects than anybody has


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
    frozen, users = FrozenBackbone(), []
    right: dict[str, list[float]] = {name: [] for name in (*methods, *NAMES)}
    numbers = range(tasks * len(asked.source.users))
    for episode in tqdm(load(asked, numbers, workers), total=len(numbers), unit="task"):
        if episode is None:
            continue
        task = episode.task
        users.append(episode.group)
        z, x = frozen.clips(task.support)[:, 0], frozen.clips(task.query)
        answers = {name: answer(task) for name, answer in methods.items()}
        answers |= baselines(z, task.labels, x, task.ways)
        for name, found in answers.items():
            right[name].append(accuracy(found, task.targets.numpy()))
    if not users:
        raise InputError("No task could be asked; every user was left out.")
    return Scores(tuple(users), right)


def served(personaliser: Personaliser) -> Answer:
    """Answers as the app gives them; of a clip, the mean over its frames."""

    def answer(task: Task) -> np.ndarray:
        clips = {str(k): [*task.support[task.labels == k].numpy()] for k in range(task.ways)}
        frames = task.query.flatten(0, 1).numpy()
        probabilities = personaliser.adapt(clips).predict(frames)
        return probabilities.reshape(*task.query.shape[:2], task.ways).mean(1)

    return answer


def in_torch(learner: Learner) -> Answer:
    def answer(task: Task) -> np.ndarray:
        adapted = learner.adapt(task.support, task.labels, task.ways)
        return adapted.logits(rows_of(adapted.features, task.query)).numpy()

    return answer


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
    parser.add_argument(
        "--threads", type=int, default=torch.get_num_threads(), help="of torch and onnxruntime"
    )
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
    methods |= {str(path): in_torch(in_one_pass(path).learner) for path in args.checkpoint}
    if not methods:
        raise InputError("There is nothing to evaluate; give --personaliser or --checkpoint.")
    return methods


if __name__ == "__main__":
    main()
