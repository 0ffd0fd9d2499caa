"""Is it none of the taught things? How alike a frame is to what was taught, from the support alone.

With x the direction of a window's feature, s_i those of the support frames, and c_k(x) the mean of
the NEIGHBOURS largest cosines x . s_i over the frames i of object k:

    s = max_k ( max_x c_k(x) - o_k - w d_k ),    o_k = a own_k + b others_k
    unknown = 1 / (1 + exp(steepness (s - threshold)))
    threshold = base + from_own mean_k own_k + from_others mean_k others_k

own_k is the median of c_k over object k's own frames, each seen without the clip that it is in;
others_k how alike the other objects are to it. So an object that looks different from clip to clip
is held to less, and a person's own clips move the threshold. d_k is how far the mean colour of what
`where` points at is from those of the middle of object k's frames: of each frame the nearest of its
middle cells, of these the mean of the NEIGHBOURS smallest. The features of things that were taught
in a room look at what they are more than at their colours; a thing of another colour is another.
a, b and w, then the other numbers by logistic regression, are learned over tasks with left-out
objects (`training.calibrate`). Cosines with k nearest neighbours: Sun et al., "Out-of-Distribution
Detection with Deep Nearest Neighbors", ICML 2022. `model.graph` writes the same as ONNX.

The probabilities of the K objects are the softmax of

    sharpness min(n, ENOUGH)^by_frames K^by_objects logits,    n the mean frames an object,

temperature scaling (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017) by task: one
number for all is too timid where few frames of few objects were taught.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.head import Float

NEIGHBOURS = 3
MOST = 64  # frames of an object that a frame is compared with; of more, evenly taken ones
ENOUGH = 15  # frames an object, from which on more of them leave the sharpness as it is
MOST_POWER = 2.0  # of frames and objects, either way


@dataclass(frozen=True)
class Calibration:
    """calibration.json of a personaliser's folder: what was learned over many tasks."""

    sharpness: float  # > 0
    own: float  # a
    others: float  # b
    typical: float  # own_k where nothing can be left out: one frame of one clip
    base: float
    from_own: float
    from_others: float
    steepness: float  # > 0
    colour: float = 0.0  # w >= 0; older files have none
    by_frames: float = 0.0  # they have one sharpness for all tasks
    by_objects: float = 0.0

    def sharpness_for(self, labels: np.ndarray) -> float:
        """What logits are multiplied by, for a support with labels (N,) that cover [0, K)."""
        ways = int(labels.max()) + 1
        frames = min(len(labels) / ways, ENOUGH)
        return self.sharpness * frames**self.by_frames * ways**self.by_objects


@dataclass(frozen=True)
class OwnLooks:
    """How alike a support is to itself."""

    own: Float  # (K,)  own_k
    others: Float  # (K,)  others_k

    def offsets(self, calibration: Calibration) -> Float:
        """o_k (K,)."""
        return calibration.own * self.own + calibration.others * self.others

    def levels(self) -> tuple[float, float]:
        """What the threshold is linear in."""
        return float(self.own.mean()), float(self.others.mean())

    def threshold(self, calibration: Calibration) -> float:
        own, others = self.levels()
        return calibration.base + calibration.from_own * own + calibration.from_others * others


def own_looks(z: np.ndarray, labels: np.ndarray, clips: np.ndarray, typical: float) -> OwnLooks:
    """Of support features z (N, D) with labels (N,) in [0, K).

    clips: (N,) which clip of its object each frame is of; typical: own_k where no object has two
    frames.
    """
    found = directions(z)
    cosines = found @ found.T  # (N, N)
    ways = int(labels.max()) + 1
    others, own = np.zeros(ways), np.full(ways, np.nan)
    for k in range(ways):
        rows = np.flatnonzero(labels == k)
        if ways > 1:
            rivals = [nearest(cosines[np.ix_(rows, labels == j)]) for j in range(ways) if j != k]
            others[k] = np.max(rivals, 0).mean()
        parts = left_out_together(clips[rows])
        seen = [
            nearest(cosines[np.ix_(rows[parts == part], rows[parts != part])])
            for part in np.unique(parts)
            if (parts != part).any()
        ]
        if seen:
            own[k] = np.median(np.concatenate(seen))
    usual = float(np.nanmedian(own)) if np.isfinite(own).any() else typical
    return OwnLooks(np.where(np.isfinite(own), own, usual), others)


def directions(rows: np.ndarray) -> Float:
    """Rows (..., D) scaled to length 1."""
    rows = rows.astype(np.float64)
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)


def nearest(cosines: np.ndarray) -> Float:
    """(..., n) -> (...): the mean of the NEIGHBOURS largest, or of as many as there are."""
    return np.sort(cosines, -1)[..., -NEIGHBOURS:].mean(-1)


def compared(labels: np.ndarray) -> list[np.ndarray]:
    """For each object the rows of the support that a frame is compared with, at most MOST."""
    rows = [np.flatnonzero(labels == k) for k in range(int(labels.max()) + 1)]
    return [own[np.linspace(0, len(own) - 1, min(len(own), MOST)).round().astype(int)]
            for own in rows]  # fmt: skip


def left_out_together(clips: np.ndarray) -> np.ndarray:
    """(n,) which frames of an object are left out together: a clip's; of a single clip, halves."""
    if len(np.unique(clips)) > 1:
        return clips
    return np.arange(len(clips)) * 2 // max(len(clips), 1)
