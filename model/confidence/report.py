"""Report card: how good a model will be, before anybody relies on it, from the support set alone.

Each clip in turn is left out (of an object's single clip, each half; of very many, some together),
the head is fitted to the rest, and the frames that were left out are named. FiLM and features stay
as they are: only the head is solved again, for some 240 frames, PARTS times or twice an object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from model.confidence.unknown import directions, left_out_together
from model.head import Float, Head, distances, fit

MOST = 240  # frames in all: fitting takes N^3
PARTS = 48  # clips, or groups of them, that are left out, of all objects; but 2 of each
SAME = 0.998  # cosine from which on two frames are one picture, saved twice perhaps
ODD = 0.5  # share named right below which a clip does not fit, if its object's others are above
CLEAN = 0.1  # of the sharpness: clean clips lie further apart than what is shown in clutter will

Fitting = Callable[[np.ndarray, np.ndarray], Head]  # rows (N, D) and labels (N,) to a head


@dataclass(frozen=True)
class Report:
    """What leaving out says of K objects. NaN: of an object with one frame nothing is left out."""

    names: tuple[str, ...]
    clips: tuple[int, ...]  # (K,) how many each object has
    named: Float  # (K, K) share of each object's left-out frames that are given each name
    alike: Float  # (K, K) mean probability of each name there, at CLEAN of the sharpness
    odd: tuple[int, int] | None  # object and clip that looks less like it than its others do
    same: tuple[tuple[int, int], ...]  # pairs of objects that share a picture

    @property
    def right(self) -> Float:
        """(K,) share of the left-out frames that are named right."""
        return self.named.diagonal()

    @property
    def accuracy(self) -> float:
        """Mean of `right`; NaN where nothing could be left out."""
        return _mean(self.right)

    @property
    def certainty(self) -> float:
        """Mean probability of the right object: finer than `accuracy`, which is often 1."""
        return _mean(self.alike.diagonal())

    @property
    def confused(self) -> tuple[int, int] | None:
        """The two objects that are most taken for each other; None where no two were tested."""
        both = self.alike + self.alike.T
        pairs = [(i, j) for i in range(len(both)) for j in range(i) if np.isfinite(both[i, j])]
        return max(pairs, key=lambda pair: both[pair], default=None)


def report(
    names: tuple[str, ...], rows: Float, labels: np.ndarray, clips: np.ndarray, scale: float,
    fitting: Fitting = fit,
) -> Report:  # fmt: skip
    """The report card of a support set.

    rows: (N, D) features as the head wants them; labels (N,) in [0, K); clips (N,) which clip of
    its object each is of; scale: of a frame, probabilities are the softmax of -scale * distance;
    fitting: `model.head.fit` with the personaliser's settings.
    """
    same, ways = _same(rows, labels), len(names)
    counts = tuple(len(np.unique(clips[labels == k])) for k in range(ways))
    parts = _parts(labels, clips)
    some = _some(labels, parts)
    rows, labels, parts = rows[some], labels[some], parts[some]
    named, alike = np.full((2, ways, ways), np.nan)
    odd = []
    for k in range(ways):
        if seen := _left_out(rows, labels, parts, k, fitting):
            d2 = np.concatenate(list(seen.values()))  # (T, K)
            named[k] = np.eye(ways)[d2.argmin(1)].mean(0)
            alike[k] = _softmax(-CLEAN * scale * d2).mean(0)
            right = {part: (found.argmin(1) == k).mean() for part, found in seen.items()}
            if len(right) == counts[k]:  # each part is a clip
                odd += [(right[clip], (k, clip)) for clip in _odd(right)]
    oddest = min(odd)[1] if odd else None
    return Report(names, counts, named, alike, oddest, same)


def _parts(labels: np.ndarray, clips: np.ndarray) -> np.ndarray:
    """(N,) which frames of an object are left out together."""
    most = max(2, PARTS // (int(labels.max()) + 1))
    parts = np.zeros(len(labels), int)
    for k in np.unique(labels):
        own = np.flatnonzero(labels == k)
        _, numbers = np.unique(left_out_together(clips[own]), return_inverse=True)
        count = int(numbers.max()) + 1
        parts[own] = numbers * most // count if count > most else numbers
    return parts


def _left_out(
    rows: Float, labels: np.ndarray, parts: np.ndarray, k: int, fitting: Fitting
) -> dict[int, Float]:
    """{part: squared distances (T, K)} of object k, one part left out after the other."""
    found, own = {}, labels == k
    for part in np.unique(parts[own]) if len(np.unique(parts[own])) > 1 else []:
        out = own & (parts == part)
        head = fitting(rows[~out], labels[~out])
        found[int(part)] = distances(head, rows[out])
    return found


def _odd(right: dict[int, float]) -> list[int]:
    """The one clip that does not fit the others of its object; of two nobody knows which it is."""
    low = [clip for clip, share in right.items() if share < ODD]
    return low if len(low) == 1 and len(right) > 2 else []


def _some(labels: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Evenly taken frames of every part, at most MOST in all, but one of each."""
    each = [np.flatnonzero((labels == k) & (parts == part))
            for k in np.unique(labels) for part in np.unique(parts[labels == k])]  # fmt: skip
    most = max(1, MOST // len(each))
    taken = [own[np.linspace(0, len(own) - 1, min(len(own), most)).round().astype(int)]
             for own in each]  # fmt: skip
    return np.concatenate(taken)


def _same(rows: Float, labels: np.ndarray) -> tuple[tuple[int, int], ...]:
    found = directions(rows)
    i, j = np.nonzero(np.triu(found @ found.T >= SAME, 1))
    pairs = {(int(labels[a]), int(labels[b])) for a, b in zip(i, j, strict=True)}
    return tuple(sorted(pair for pair in pairs if pair[0] != pair[1]))


def _softmax(logits: Float) -> Float:
    e = np.exp(logits - logits.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def _mean(values: Float) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
