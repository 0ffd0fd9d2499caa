"""Whether a training step wastes anything: its time beside the bare passes it must make, and its
share of waiting for data.

    python -m training.experiments.step --photos PHOTOS [any option of training.train]

A step of 64 support frames, H = 8 and 32 query frames against plain calls of the same networks on
the same frames: the set encoder over 64 with gradient, the backbone over 56 without and over 8 + 32
with, one backward pass. No head, no draws, no optimiser. Both are timed in turn in one run, so that
what else the machine does meets them alike; the ratio is the median over the pairs. Processor time
stands beside the wall clock for machines that are busy.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from statistics import median

import torch

from model.errors import InputError
from model.nn.cnaps import SimpleCnaps
from training.episodes.domains.mixture import episodes_of
from training.episodes.episode import Episode, Task, load
from training.experiments.cost import random_task
from training.settings.command_line import parse
from training.settings.config import TrainConfig
from training.train import build, one_step

N, H, QUERIES, WAYS = 64, 8, 32, 10
PAIRS, STEPS = 7, 10
Seconds = tuple[float, float]  # by the wall clock, of the processor


def main(argv: Sequence[str] | None = None) -> None:
    try:
        assert __doc__
        config, _ = parse(sys.argv[1:] if argv is None else argv, __doc__)
        steps, bare = paired(config)
        for i, what in enumerate(("wall clock", "processor time")):
            ours, theirs = [s[i] for s in steps], [b[i] for b in bare]
            ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
            print(
                f"{what}: a step {median(ours):.2f} s, its bare passes {median(theirs):.2f} s: "
                f"x {median(ratios):.2f} (median of {PAIRS}, {min(ratios):.2f} to "
                f"{max(ratios):.2f})"
            )
        print(f"waiting for data: {100 * waiting(config):.1f} % of {STEPS} steps")
    except InputError as error:
        sys.exit(str(error))


def paired(config: TrainConfig) -> tuple[list[Seconds], list[Seconds]]:
    """Seconds of whole steps and of their bare passes, measured in turn."""
    device = torch.device(config.device)
    config = replace(config, tasks=1, num_backprop=H, back_embeddings=N, query_batch=QUERIES)
    model, optimiser = build(config, device)
    task = random_task(N, WAYS, QUERIES, config.device)
    stream = _forever(Episode(task, (), "", ""))
    steps, bare = [], []
    for pair in range(PAIRS + 1):
        whole = _timed(lambda: one_step(config, model, optimiser, 0, stream, device), device)
        plain = _timed(lambda: _bare(model, task, config.chunk), device)
        if pair:  # the first warms up
            steps.append(whole)
            bare.append(plain)
    return steps, bare


def waiting(config: TrainConfig) -> float:
    """Share of a training's time in which it waits for its episodes."""
    device = torch.device(config.device)
    model, optimiser = build(config, device)
    numbers = range((STEPS + 2) * config.tasks)
    stream = load(episodes_of(config, validation=False), numbers, config.workers)
    facts = [one_step(config, model, optimiser, 0, stream, device) for _ in range(STEPS + 2)][2:]
    return sum(f["waited"] for f in facts) / sum(f["seconds"] for f in facts)


def _bare(model: SimpleCnaps, task: Task, chunk: int) -> None:
    """The passes alone; any loss would do."""
    support, query = task.support.flatten(0, 1), task.query.flatten(0, 1)
    film = model.film(torch.cat([model.embeddings(part) for part in support.split(chunk)]).mean(0))
    with torch.no_grad():
        for part in support[H:].split(chunk):
            model.support_features(part, film)
    rows = [model.support_features(support[:H], film)]
    rows += [model.query_features(part, film).flatten(0, 1) for part in query.split(chunk)]
    torch.cat(rows).square().mean().backward()


def _timed(work: Callable[[], object], device: torch.device) -> Seconds:
    started = time.perf_counter(), time.process_time()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started[0], time.process_time() - started[1]


def _forever(episode: Episode) -> Iterator[Episode]:
    while True:
        yield episode


if __name__ == "__main__":
    main()
