"""What personalising and naming cost, counted from outside the model.

Multiply-accumulates (MACs) are those that torch's own counter sees in the very pass that is timed:
convolutions and matrix products, forward and backward. Cholesky factors, triangular solves and what
is element by element are not among them. Reading files is no part of any time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from torch.utils.flop_counter import FlopCounterMode


@dataclass
class Cost:
    """Sums over what was measured; filled by `counted`."""

    macs: int = 0
    seconds: float = 0.0

    def add(self, macs: int, seconds: float) -> None:
        self.macs += macs
        self.seconds += seconds


@contextmanager
def counted(cost: Cost) -> Iterator[None]:
    """Add the work inside to `cost`."""
    counter = FlopCounterMode(display=False)
    start = time.perf_counter()
    with counter:
        yield
    # the counter takes a product and a sum for two
    cost.add(counter.get_total_flops() // 2, time.perf_counter() - start)
