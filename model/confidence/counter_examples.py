"""Counter-examples: what a person said is none of their things, though the model took it for one.

Of each such frame the windows most like a taught thing are kept, as directions b_j. A window x of a
later frame that is nearer to one of them than to the frames of object k is not k: with c_k, o_k and
threshold as in `model.confidence.unknown`, x counts for object k no more than

    min( c_k(x) - o_k,  threshold + c_k(x) - max_j x . b_j )

so that it is unknown from max_j x . b_j = c_k(x) on. Other windows of the frame go on speaking for
what they show. `model.graph.unknown` writes the same as ONNX.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.confidence.unknown import compared, directions, nearest
from model.head import Float

WINDOWS = 3  # of a frame


def mistaken_for(
    maps: np.ndarray, sides: Sequence[int], z: np.ndarray, labels: np.ndarray, offsets: Float
) -> Float:
    """Directions (n, D) of the windows of counter-examples that look most like the objects.

    maps: (B, D, 7, 7) of their frames; sides: of the windows; z (N, D) and labels (N,): the
    support; offsets: o_k (K,).
    """
    support, found = directions(z), []
    for one in maps.astype(np.float64):
        windows = directions(_windows(one, sides))  # (P, D)
        cosines = windows @ support.T
        alike = np.stack([nearest(cosines[:, rows]) for rows in compared(labels)], 1) - offsets
        found.append(windows[np.argsort(-alike.max(1))[:WINDOWS]])
    return np.concatenate(found)


def _windows(one: Float, sides: Sequence[int]) -> Float:
    """(P, D): the mean of every window of a map (D, G, G)."""
    views = [
        np.lib.stride_tricks.sliding_window_view(one, (side, side), (1, 2)).mean((3, 4))
        for side in sides or one.shape[1:2]
    ]
    return np.concatenate([view.reshape(len(one), -1) for view in views], 1).T
