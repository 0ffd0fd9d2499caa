"""Is it none of the taught things? How alike a frame is to what was taught, from the support alone.

With x the direction of a window's feature, s_i those of the support frames, and c_k(x) the mean of
the NEIGHBOURS largest cosines x . s_i over the frames i of object k:

    s = max_k ( max_x c_k(x) - o_k ),    o_k = a own_k + b others_k
    unknown = 1 / (1 + exp(steepness (s - threshold))),    threshold = base + slope q

own_k is the median of c_k over object k's own frames, each seen without the clip that it is in;
others_k how alike the other objects are to it; q the 5 % quantile of s over the own frames, seen in
the same way. So an object that looks different from clip to clip is held to less, and a person's
own clips move the threshold. a, b, base, slope and steepness are learned over tasks with left-out
objects (`training.calibrate`). Cosines with k nearest neighbours: Sun et al., "Out-of-Distribution
Detection with Deep Nearest Neighbors", ICML 2022; a threshold from left-out groups: conformal
prediction. `model.graph` writes the same as ONNX.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.head import Float

NEIGHBOURS = 3
MOST = 64  # frames of an object that a frame is compared with; of more, evenly taken ones
TAIL = 0.05  # of a person's own frames may be called unknown


@dataclass(frozen=True)
class Calibration:
    """calibration.json of a personaliser's folder: what was learned over many tasks."""

    sharpness: float  # > 0; probabilities are the softmax of sharpness * logits
    own: float  # a
    others: float  # b
    typical: float  # own_k where nothing can be left out: one frame of one clip
    base: float
    slope: float
    steepness: float  # > 0


@dataclass(frozen=True)
class Familiarity:
    """What a task's support says about being like it."""

    offsets: Float  # (K,)  o_k
    threshold: float


@dataclass(frozen=True)
class OwnLooks:
    """How alike a support is to itself."""

    own: Float  # (K,)  own_k
    others: Float  # (K,)  others_k
    alike: Float  # (n, K)  c_k of own frames that could be left out, seen without their clips

    def offsets(self, calibration: Calibration) -> Float:
        """o_k (K,)."""
        return calibration.own * self.own + calibration.others * self.others

    def quantile(self, calibration: Calibration) -> float:
        """q."""
        scores = (self.alike - self.offsets(calibration)).max(1)
        return float(np.quantile(scores, TAIL))


def familiarity(looks: OwnLooks, calibration: Calibration) -> Familiarity:
    threshold = calibration.base + calibration.slope * looks.quantile(calibration)
    return Familiarity(looks.offsets(calibration), threshold)


def own_looks(z: np.ndarray, labels: np.ndarray, clips: np.ndarray, typical: float) -> OwnLooks:
    """Of support features z (N, D) with labels (N,) in [0, K).

    clips: (N,) which clip of its object each frame is of; typical: own_k where no object has two
    frames.
    """
    directions = z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)
    cosines = directions.astype(np.float64) @ directions.T.astype(np.float64)  # (N, N)
    ways = int(labels.max()) + 1
    alike = np.stack([nearest(cosines[:, labels == k]) for k in range(ways)], 1)  # (N, K)
    others = np.array(
        [np.delete(alike[labels == k], k, 1).max(1).mean() if ways > 1 else 0 for k in range(ways)]
    )
    own = np.full(len(z), np.nan)  # c_k of an own frame, seen without its clip
    for k in range(ways):
        rows = np.flatnonzero(labels == k)
        parts = _parts(clips[rows])
        for part in np.unique(parts):
            out, rest = rows[parts == part], rows[parts != part]
            if len(rest):
                own[out] = nearest(cosines[np.ix_(out, rest)])
    seen = np.isfinite(own)
    if not seen.any():
        return OwnLooks(np.full(ways, typical), others, np.full((1, ways), typical))
    medians = np.full(ways, np.median(own[seen]))
    for k in np.unique(labels[seen]):
        medians[k] = np.median(own[seen & (labels == k)])
    alike[np.arange(len(z)), labels] = own
    return OwnLooks(medians, others, alike[seen])


def nearest(cosines: np.ndarray) -> Float:
    """(..., n) -> (...): the mean of the NEIGHBOURS largest, or of as many as there are."""
    return np.sort(cosines, -1)[..., -NEIGHBOURS:].mean(-1)


def compared(labels: np.ndarray) -> list[np.ndarray]:
    """For each object the rows of the support that a frame is compared with, at most MOST."""
    rows = [np.flatnonzero(labels == k) for k in range(int(labels.max()) + 1)]
    return [own[np.linspace(0, len(own) - 1, min(len(own), MOST)).round().astype(int)]
            for own in rows]  # fmt: skip


def _parts(clips: np.ndarray) -> np.ndarray:
    """(n,) which frames of an object are left out together: a clip's; of a single clip, halves."""
    if len(np.unique(clips)) > 1:
        return clips
    return np.arange(len(clips)) * 2 // max(len(clips), 1)
