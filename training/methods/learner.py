"""The interface of every method when it is evaluated: from a support set to a recogniser.

A recogniser works in two steps, so that whoever asks can average the rows of several frames, a
clip, before they are named. Frames may be loaded as they are asked for: `Clips` is a tensor, or
something that reads files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

CHUNK = 16  # frames a forward call


class Clips(Protocol):
    """N clips of T frames: clips[a:b] is (b - a, T, S, S, 3) uint8."""

    def __len__(self) -> int: ...
    def __getitem__(self, rows: slice, /) -> Tensor: ...


@dataclass(frozen=True)
class Recogniser:
    """What adapting to K objects leaves."""

    features: Callable[[Tensor], Tensor]  # frames (B, S, S, 3) uint8 -> rows (B, W, D)
    logits: Callable[[Tensor], Tensor]  # rows (M, W, D), W windows a frame -> (M, K)


class Learner(Protocol):
    """A method with its weights."""

    def adapt(self, support: Clips, labels: Tensor, ways: int) -> Recogniser: ...


def rows_of(network: Callable[[Tensor], Tensor], clips: Clips, chunk: int = CHUNK) -> Tensor:
    """Rows (N, D) of clips, each the mean over its frames; never more than `chunk` frames at once
    and one clip, because a last clip is not left alone.
    """
    return torch.cat(list(_rows(network, clips, chunk)))


def _rows(network: Callable[[Tensor], Tensor], clips: Clips, chunk: int) -> Iterator[Tensor]:
    length = clips[0:1].shape[1]
    step = max(chunk // length, 1)
    starts = [*range(0, len(clips), step)]
    if len(starts) > 1 and step > 1 and len(clips) - starts[-1] == 1:
        starts.pop()  # as the authors of LITE have it, where a batch has statistics
    for start, end in zip(starts, [*starts[1:], len(clips)], strict=True):
        part = clips[start:end]
        yield network(part.flatten(0, 1)).unflatten(0, (len(part), length)).mean(1)
