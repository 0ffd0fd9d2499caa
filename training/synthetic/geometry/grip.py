"""Where a hand can take hold of a thing. Axes of the camera's view: x right, y away, z up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_WIDEST = 0.045  # metres from the middle that fingers can reach around


@dataclass(frozen=True)
class Grip:
    """Where thumb and fingers press: `middle` -+ `half` along `across`, the arm along `arm`."""

    middle: np.ndarray  # (3,)
    across: np.ndarray  # (3,) unit, from thumb to fingers
    arm: np.ndarray  # (3,) unit, from the thing towards the elbow
    half: float  # metres


def find_grip(points: np.ndarray, rng: np.random.Generator) -> Grip | None:
    """A way to hold the thing whose vertices are `points` (P, 3); None if it is too thick all over.

    The arm comes from above, from either side or from the viewer's end; of the two directions
    across it the thinner one is taken.
    """
    arms = np.array([[0.1, -0.3, 1], [1, -0.35, -0.35], [-1, -0.35, -0.35], [0.35, -0.8, -0.7]])
    for arm in rng.permutation(arms):
        arm = arm + rng.normal(0, 0.12, 3)
        arm /= np.linalg.norm(arm)
        along = points @ arm
        depth = min(0.03, 0.45 * float(np.ptp(along)))
        slab = points[np.abs(along - along.max() + depth) < 0.014]
        if len(slab) < 3:
            continue
        middle = (slab.max(0) + slab.min(0)) / 2
        side = np.cross(arm, [0, 0, 1] if abs(arm[2]) < 0.8 else [0, 1, 0])
        side /= np.linalg.norm(side)
        best: Grip | None = None
        for across in (side, np.cross(arm, side)):
            spread = np.cross(across, arm)
            near = slab[np.abs((slab - middle) @ spread) < 0.03]
            if len(near) < 3:
                continue
            reach = (near - middle) @ across
            half = float(np.ptp(reach)) / 2
            if half < _WIDEST and (best is None or half < best.half):
                sign = 1.0 if rng.uniform() < 0.5 else -1.0
                centred = middle + across * (reach.max() + reach.min()) / 2
                best = Grip(centred, sign * across, arm, half)
        if best is not None:
            return best
    return None
