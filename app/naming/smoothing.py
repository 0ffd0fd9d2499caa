"""The one smoothing rule, of camera and video alike: the mean over the last half second.

Causal: an answer never waits for frames to come. At ten frames a second five answers are averaged,
which takes a single blurred frame out and delays a change of objects by a quarter of a second.
"""

from __future__ import annotations

from collections import deque

import numpy as np

SECONDS = 0.5


class Smoother:
    """Averages the answers of the last `SECONDS` of one stream, whatever its frame rate."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, np.ndarray]] = deque()

    def update(self, time_s: float, answer: np.ndarray) -> np.ndarray:
        """Take an answer (n,) at `time_s` (s, rising) and return the smoothed one (n,).

        A stream that jumps back in time, or whose number of objects changed, starts afresh.
        """
        if self._recent:
            last_time, last = self._recent[-1]
            if time_s < last_time or last.shape != answer.shape:
                self._recent.clear()
        self._recent.append((time_s, answer))
        while self._recent[0][0] <= time_s - SECONDS:
            self._recent.popleft()
        return np.mean([answer for _, answer in self._recent], axis=0)
