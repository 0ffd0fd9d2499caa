"""What personalising and naming cost, counted from outside the model.

Multiply-accumulates (MACs) are those that torch's own counter sees: convolutions and matrix
products, forward and backward. Cholesky factors, triangular solves and what is element by element
are not among them. Counting takes time of its own (0.1 of a backbone's pass, more than half of the
50 steps of a linear layer), so what is timed is not counted and the other way round. Reading files
is no part of any time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode


@dataclass
class Cost:
    """Sums over what was measured; filled by `counted` and `timed`."""

    macs: int = 0
    seconds: float = 0.0


@contextmanager
def counted(cost: Cost) -> Iterator[None]:
    """Add the MACs of the work inside to `cost`."""
    backward = {torch.ops.aten.convolution_backward: _convolution_backward}
    with (counter := FlopCounterMode(display=False, custom_mapping=backward)):
        yield
    cost.macs += counter.get_total_flops() // 2  # it takes a product and a sum for two


@contextmanager
def timed(cost: Cost) -> Iterator[None]:
    """Add the seconds of the work inside to `cost`."""
    start = time.perf_counter()
    yield
    cost.seconds += time.perf_counter() - start


def _convolution_backward(
    gradient: Sequence[int], inputs: Sequence[int], weight: Sequence[int], *rest: object,
    **_: object,
) -> int:  # fmt: skip
    """As many as forward for each gradient that is asked for; torch's own count of the weights'
    forgets the groups.
    """
    transposed, wanted = rest[4], rest[7]
    assert isinstance(wanted, list | tuple)
    forward = math.prod(inputs if transposed else gradient) * math.prod(weight[1:])
    return 2 * forward * sum(wanted[:2])
