"""Meta-train Simple CNAPs with LITE, or another method for comparison (--method).

    python -m training.train --photos PHOTOS --steps 20     a minute on a laptop
    python -m training.train --orbit ROOT --photos PHOTOS --surfaces SURFACES --views VIEWS.npy
    torchrun --nproc-per-node 2 -m training.train ...       the episodes of a step are shared out

A step: `tasks` episodes, each adding its sampled gradient (`training.lite`), averaged; then Adam.
Every `validate_every` steps the accuracy on held-out episodes is measured and written to --out with
last.safetensors, best.safetensors and state.pt (for --resume), log.jsonl and TensorBoard's events.
`python -m training.export` makes a personaliser folder of a checkpoint.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.utils.data import Dataset
from tqdm import tqdm

from model.errors import InputError
from model.nn.checkpoint import save_checkpoint
from model.nn.cnaps import SimpleCnaps
from training.checkpointing import FILE, Progress, load_state, save_state
from training.episodes.domains.mixture import episodes_of
from training.episodes.episode import Episode, Task, load
from training.gradient import accuracy_on, add_gradient
from training.initialise import blended, start
from training.log import Log
from training.settings import provenance
from training.settings.command_line import parse
from training.settings.config import TrainConfig
from training.settings.provenance import Provenance


def main(argv: Sequence[str] | None = None) -> None:
    try:
        assert __doc__
        config, resume = parse(sys.argv[1:] if argv is None else argv, __doc__)
        world = int(os.environ.get("WORLD_SIZE", "1"))
        if world > 1:
            dist.init_process_group("nccl" if config.device == "cuda" else "gloo")
        try:
            train(config, resume)
        finally:
            if world > 1:
                dist.destroy_process_group()
    except InputError as error:
        sys.exit(str(error))


def train(config: TrainConfig, resume: bool) -> None:
    """Run a training from where it stands to its last step."""
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    if config.tasks % world:
        raise InputError(f"--tasks {config.tasks} cannot be shared out over {world} processes.")
    out = Path(config.out)
    if out.is_file():
        raise InputError(f"--out {out} is a file; give a folder.")
    if (out / FILE).exists() and not resume:
        raise InputError(f"{out} holds a run already; pass --resume, or another --out.")
    out.mkdir(parents=True, exist_ok=True)
    device = _device(config, rank)
    model, optimiser = build(config, device)
    if resume:
        progress = load_state(config, model, optimiser)
    else:
        progress = Progress()
        start(model, config)
    numbers = [
        n
        for n in range(progress.step * config.tasks, config.steps * config.tasks)
        if n % world == rank
    ]
    held_out = episodes_of(config, validation=True)  # what is wrong with it is said now
    stream = load(episodes_of(config, validation=False), numbers, config.workers)
    began = blended(config, resume)
    log = Log(out, progress.step) if rank == 0 else None
    bar = tqdm(
        range(progress.step, config.steps), initial=progress.step, total=config.steps,
        unit="step", disable=rank > 0,
    )  # fmt: skip
    for step in bar:
        started = time.perf_counter()
        facts = one_step(config, model, optimiser, step, stream, device)
        progress = replace(
            progress, step=step + 1, seconds=progress.seconds + time.perf_counter() - started
        )
        if log:
            log.write(step, "train", facts)
            bar.set_postfix({k: f"{facts[k]:.3g}" for k in ("loss", "accuracy", "seconds", "GB")})
        if progress.step % config.validate_every == 0 or progress.step == config.steps:
            progress = checkpoint(config, model, optimiser, progress, log, held_out, device, began)


def build(config: TrainConfig, device: torch.device) -> tuple[SimpleCnaps, torch.optim.Optimizer]:
    """Model, its weights still random, and optimiser, the same in every process."""
    if config.threads:
        torch.set_num_threads(config.threads)
    _keep_freed_memory()
    torch.manual_seed(0)  # whatever the seed: only runs that began alike can be averaged
    model = SimpleCnaps(config.cnaps())
    model.to(device)
    model.backbone.to(memory_format=torch.channels_last)
    rates = {"film_generator.": config.rate, "head.": config.rate,
             "set_encoder.": config.rate_encoder, "backbone.": config.rate_backbone,
             "log_temperature": config.rate_temperature}  # fmt: skip
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    groups = [
        {"params": [p for name, p in trained if name.startswith(part)], "rate": rate}
        for part, rate in rates.items()
    ]
    groups = [group for group in groups if group["params"]]
    return model, torch.optim.Adam(groups, lr=config.rate, betas=(0.9, 0.99))


def one_step(
    config: TrainConfig,
    model: SimpleCnaps,
    optimiser: torch.optim.Optimizer,
    step: int,
    stream: Iterator[Episode],
    device: torch.device,
) -> dict[str, float]:
    """One optimiser step over `tasks` episodes; returns what is worth a curve."""
    world = dist.get_world_size() if dist.is_initialized() else 1
    rank = dist.get_rank() if dist.is_initialized() else 0
    mine = [n for n in range(step * config.tasks, (step + 1) * config.tasks) if n % world == rank]
    started, waited, measured = time.perf_counter(), 0.0, torch.zeros(2)
    optimiser.zero_grad()
    for number in mine:
        before = time.perf_counter()
        task = to_device(next(stream).task, device)
        waited += time.perf_counter() - before
        measured += torch.tensor(add_gradient(config, model, task, draws(config, number)))
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    average(parameters, config.tasks, world)
    penalty = model.film_generator.penalty()
    if config.penalty and penalty.requires_grad:
        (config.penalty * penalty).backward()
    norm = nn.utils.clip_grad_norm_(parameters, config.clip)
    if not torch.isfinite(norm):  # in every process alike, and before anything learns from it
        raise InputError(
            f"Step {step + 1} has a loss of {measured[0] / len(mine):.3g} and a gradient of "
            f"{norm:.3g}; the checkpoints before stand: lower --rate or --rate-temperature, and "
            "go on from one of them with --start."
        )
    for group in optimiser.param_groups:
        group["lr"] = group["rate"] * schedule(config, step)
    optimiser.step()
    loss, accuracy = (measured / len(mine)).tolist()
    return {
        "loss": loss,
        "accuracy": accuracy,
        "penalty": penalty.item(),
        "gradient": norm.item(),
        "temperature": model.log_temperature.exp().item(),
        "seconds": (time.perf_counter() - started) / len(mine),
        "waited": waited / len(mine),
        "GB": peak_gigabytes(device),
    }


def average(parameters: list[nn.Parameter], tasks: int, world: int) -> None:
    """Summed gradients -> their mean over all tasks of all processes."""
    for parameter in parameters:
        if parameter.grad is None:  # no path from the loss: every process must agree that it is 0
            parameter.grad = torch.zeros_like(parameter)
    flat = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])
    if world > 1:
        dist.all_reduce(flat)
    flat /= tasks
    for parameter, grad in zip(
        parameters, flat.split([p.numel() for p in parameters]), strict=True
    ):
        parameter.grad = grad.view_as(parameter)


def schedule(config: TrainConfig, step: int) -> float:
    """Factor on the learning rates: linear warm-up, then a cosine down to 0."""
    warm = min((step + 1) / max(config.warm_up, 1), 1.0)
    return warm * 0.5 * (1 + math.cos(math.pi * step / config.steps))


def draws(config: TrainConfig, number: int) -> torch.Generator:
    """The generator of an episode's LITE draws: its number's, whichever process has it."""
    seed = np.random.SeedSequence([config.seed, 1, number]).generate_state(1)[0]
    return torch.Generator().manual_seed(int(seed))


@torch.no_grad()
def validate(
    config: TrainConfig, model: SimpleCnaps, held_out: Dataset[Episode], device: torch.device
) -> dict[str, float]:
    """Accuracy on the held-out episodes by kind, and the mean over the kinds."""
    right: dict[str, list[float]] = {}
    for episode in load(held_out, range(config.validation), 0):
        task = to_device(episode.task, device)
        right.setdefault(episode.kind, []).append(accuracy_on(config, model, task))
    kinds = {f"accuracy of {kind}": float(np.mean(values)) for kind, values in right.items()}
    return {"accuracy": float(np.mean(list(kinds.values()))), **kinds}


def checkpoint(
    config: TrainConfig,
    model: SimpleCnaps,
    optimiser: torch.optim.Optimizer,
    progress: Progress,
    log: Log | None,
    held_out: Dataset[Episode],
    device: torch.device,
    began: Provenance | None,
) -> Progress:
    """Validate and write everything that is kept; the other processes wait."""
    if log:
        facts = validate(config, model, held_out, device)
        log.write(progress.step, "validation", facts)
        best = facts["accuracy"] > progress.best
        progress = replace(progress, best=max(facts["accuracy"], progress.best))
        run = provenance.run(config, progress.step, progress.seconds, facts, began)
        header = provenance.write(run)
        out = Path(config.out)
        save_checkpoint(out / "last.safetensors", model, header)
        if best:
            save_checkpoint(out / "best.safetensors", model, header)
        if config.keep:
            save_checkpoint(out / f"step-{progress.step:06d}.safetensors", model, header)
        save_state(config, model, optimiser, progress)
    if dist.is_initialized():
        dist.barrier()
    return progress


def to_device(task: Task, device: torch.device) -> Task:
    """The task where the model is."""
    support, labels, query, targets = (
        t.to(device) for t in (task.support, task.labels, task.query, task.targets)
    )
    return Task(support, labels, query, targets, task.ways)


def peak_gigabytes(device: torch.device) -> float:
    """Most memory held at once so far: the GPU's, or this process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _keep_freed_memory() -> None:
    """Let glibc reuse large blocks instead of asking the kernel for them: a step is 15 % faster."""
    if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt"):
        trim_threshold, mmap_threshold = -1, -3  # malloc.h
        ctypes.CDLL(None).mallopt(mmap_threshold, 1 << 30)
        ctypes.CDLL(None).mallopt(trim_threshold, (1 << 31) - 1)


def _device(config: TrainConfig, rank: int) -> torch.device:
    if config.device == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise InputError(
            "--device cuda: no GPU can be used here; leave it out to train on the CPU."
        )
    device = torch.device("cuda", rank % torch.cuda.device_count())
    torch.cuda.set_device(device)
    return device


if __name__ == "__main__":
    main()
