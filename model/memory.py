"""What of a growing support set was seen before, so that one more clip costs little.

Embeddings of a clip never change; features stay right as long as the task's FiLM does. The shipped
personaliser's FiLM goes in steps, so that it rarely changes with a clip (`model.nn.blend`); with
one that changes each time only the embeddings are saved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np

Look = Callable[[np.ndarray], np.ndarray]  # frames (B, S, S, 3) -> rows (B, F)


class Rows:
    """Rows of clips as one network gives them; a clip that is known is not looked at again."""

    def __init__(self) -> None:
        self._network = b""
        self._known: dict[bytes, np.ndarray] = {}
        self._last: set[bytes] = set()

    def of(
        self,
        keys: Sequence[bytes],
        clips: Sequence[np.ndarray],
        look: Look,
        network: bytes = b"",
    ) -> np.ndarray:
        """(N, F) rows of all frames of clips, each (T, S, S, 3).

        keys: `key` of each clip; network: names the one that looks. Clips of this call and of the
        one before are remembered, so that an undo is free.
        """
        if network != self._network:
            self._network, self._known, self._last = network, {}, set()
        new = {key: clip for key, clip in zip(keys, clips, strict=True) if key not in self._known}
        if new:
            rows = look(np.concatenate(list(new.values())))
            ends = np.cumsum([len(clip) for clip in new.values()])[:-1]
            parts = [part.copy() for part in np.split(rows, ends)]  # a view would keep all of them
            self._known |= zip(new, parts, strict=True)
        self._known = {k: rows for k, rows in self._known.items() if k in self._last.union(keys)}
        self._last = set(keys)
        return np.concatenate([self._known[key] for key in keys])


@dataclass(frozen=True)
class Memory:
    """Of one person's support set; for one thread at a time."""

    embeddings: Rows = field(default_factory=Rows)
    features: Rows = field(default_factory=Rows)
    maps: Rows = field(default_factory=Rows)  # of counter-examples


def key(clip: np.ndarray) -> bytes:
    """What tells clips apart: their pixels and their shape."""
    found = blake2b(np.ascontiguousarray(clip).data, digest_size=16)
    found.update(str(clip.shape).encode())
    return found.digest()
