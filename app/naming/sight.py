"""What is seen at a moment, and the one rule for what is named: camera, video and table alike.

With the unknown score smoothed as the probabilities are: nothing is named from NOTHING_FROM on, and
a name comes back below NAMED_BELOW; between them it stays as it was, so that nothing flickers. A
model that knows no unknown things always names.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.naming.smoothing import Smoother
from model.adapted import UNKNOWN, Answers

BAND = 0.1
NOTHING_FROM, NAMED_BELOW = UNKNOWN + BAND, UNKNOWN - BAND


@dataclass(frozen=True)
class Sight:
    """What is seen at a moment."""

    probabilities: np.ndarray  # (K,) smoothed
    unknown: float | None = None  # in [0, 1], smoothed
    where: tuple[float, ...] | None = None  # left, top, right, bottom: shares of the frame
    named: bool = True  # False: none of the things

    @property
    def best(self) -> int:
        """The likeliest thing, named or not."""
        return int(self.probabilities.argmax())


class Watch:
    """One stream of frames: smooths what the model says, and keeps to the rule."""

    def __init__(self) -> None:
        self._smoother = Smoother()
        self._named: bool | None = None

    def see(self, time_s: float, answers: Answers, row: int = 0) -> Sight:
        """One row of the answers, at `time_s` (s, rising)."""
        ways = answers.probabilities.shape[1]
        if answers.unknown is None or answers.where is None:
            return Sight(self._smoother.update(time_s, answers.probabilities[row]))
        told = [answers.probabilities[row], answers.unknown[row, None], answers.where[row]]
        smooth = self._smoother.update(time_s, np.concatenate(told))
        unknown = float(smooth[ways])
        if self._named is None:
            self._named = unknown < UNKNOWN
        self._named = unknown < (NOTHING_FROM if self._named else NAMED_BELOW)
        return Sight(smooth[:ways], unknown, tuple(smooth[ways + 1 :].tolist()), self._named)
