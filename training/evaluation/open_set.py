"""Figures of knowing what one does not know: ranks of unknown things, honest probabilities."""

from __future__ import annotations

import numpy as np

BINS = 15


def auroc(known: np.ndarray, unknown: np.ndarray) -> float:
    """The chance that an unknown thing scores higher than a known one; ties count half."""
    ranked = np.sort(known)
    below = np.searchsorted(ranked, unknown, "left") + np.searchsorted(ranked, unknown, "right")
    return float(below.mean() / 2 / len(ranked))


def accepted(known: np.ndarray, unknown: np.ndarray, kept: float = 0.95) -> float:
    """The share of unknown things that pass where a share `kept` of the known ones does."""
    return float((unknown <= np.quantile(known, kept)).mean())


def ece(probabilities: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error of probabilities (M, K) whose largest were right (M,) or not.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017: over BINS bins of confidence,
    the mean distance of accuracy and confidence.
    """
    confidence = probabilities.max(1)
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [
        (place == b).mean() * abs(right[place == b].mean() - confidence[place == b].mean())
        for b in np.unique(place)
    ]
    return float(sum(gaps))
