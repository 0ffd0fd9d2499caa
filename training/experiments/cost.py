"""Peak memory and time of one task's gradient against N, by LITE and by full back-propagation.

Each measurement is a process of its own: memory that was freed is not always given back. Counted is
what the gradient adds to the model and the task's frames.
"""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import torch

from model.errors import InputError
from model.frames import SIDE
from model.nn.cnaps import CnapsConfig, SimpleCnaps
from training.episodes.episode import Task
from training.lite import backward
from training.settings.config import LiteConfig

WAYS, QUERIES = 10, 10


@dataclass(frozen=True)
class Cost:
    """Of one task's gradient."""

    gigabytes: float
    seconds: float


def cost(n: int, back: int | None, device: str, threads: int) -> Cost:
    """N support frames, H = `back` of them back-propagated (None: all), in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        return pool.submit(_cost, n, back, device, threads).result()


def _cost(n: int, back: int | None, device: str, threads: int) -> Cost:
    torch.set_num_threads(threads)
    model = SimpleCnaps(CnapsConfig(sites="deep", windows=())).to(device)
    task = random_task(n, min(WAYS, n), QUERIES, device)
    config = LiteConfig(
        num_backprop=back or n, back_embeddings=64 if back else n, query_batch=QUERIES
    )
    generator = torch.Generator().manual_seed(0)
    backward(model, random_task(4, 2, 2, device), config, generator)  # buffers that stay
    before = _held(device)
    started = time.perf_counter()
    backward(model, task, config, generator)
    peak = _peak(device)
    return Cost((peak - before) / 1e9, time.perf_counter() - started)


def random_task(n: int, ways: int, queries: int, device: str = "cpu") -> Task:
    """N support and M query frames of noise at 224 px, the classes in turn."""
    generator = torch.Generator().manual_seed(n)

    def noise(count: int) -> torch.Tensor:
        size = (count, 1, SIDE, SIDE, 3)
        return torch.randint(0, 256, size, dtype=torch.uint8, generator=generator).to(device)

    return Task(
        noise(n), (torch.arange(n) % ways).to(device), noise(queries),
        (torch.arange(queries) % ways).to(device), ways,
    )  # fmt: skip


def _held(device: str) -> int:
    """Bytes held now; the peak is counted from here on."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    clear = Path("/proc/self/clear_refs")
    if not clear.exists():
        raise InputError("Peak memory of a process is measured on Linux; use it, or --device cuda.")
    clear.write_text("5")  # proc(5): sets VmHWM back to what is resident
    return status("VmRSS")


def _peak(device: str) -> int:
    return torch.cuda.max_memory_allocated() if device == "cuda" else status("VmHWM")


def status(key: str) -> int:
    """A line of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise InputError(f"This kernel does not tell {key}.")
