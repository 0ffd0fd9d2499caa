"""Adapting to a support set that is read from files, and what that costs."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from training.evaluation.record.cost import Cost, counted, timed
from training.methods.catalogue import Chosen
from training.methods.learner import Clips, Recogniser


class Read(Clips, Protocol):
    """Clips that take time to read."""

    seconds: float  # spent on reading


def personalised(
    method: Chosen, support: Read, labels: Tensor, ways: int, time: bool
) -> tuple[Recogniser, Cost]:
    """time: too, for which it is adapted to twice; what is remembered of earlier tasks counts in
    full.
    """
    cost = Cost()
    method.spared()
    if time:
        with timed(cost):
            method.learner.adapt(support, labels, ways)
        cost.seconds += method.spared()[1] - support.seconds
    with counted(cost):
        recogniser = method.learner.adapt(support, labels, ways)
    cost.macs += method.spared()[0]
    return recogniser, cost
