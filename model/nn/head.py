"""The head of `model.head`, differentiable: Mahalanobis distances by N x N solves.

    Q_k = l_k S_k + (1 - l_k) S + I,    l_k = n_k / (n_k + 1)
    logit_k(x) = -t (x - mu_k)^T Q_k^-1 (x - mu_k)

with unbiased covariances S (all support rows) and S_k (class k; 0 for one frame). Never forms a D x
D matrix and never differentiates an eigen-decomposition; keep it out of autocast. `model/head.py`
serves the same head, and says what `without_clutter` is for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

PROTOTYPES = ("prototypes", "cosine")


def unit(z: Tensor) -> Tensor:
    """Rows (..., D) scaled to length sqrt(D)."""
    return z * (z.shape[-1] ** 0.5 / z.norm(dim=-1, keepdim=True).clamp_min(1e-12))


def without_clutter(rows: Tensor, clutter: Tensor) -> Tensor:
    """Rows (..., D) times (I + F^T F)^-1/2, which adds F^T F to every Q_k; clutter: F (R, D)."""
    _, f, u = torch.linalg.svd(clutter.to(rows.dtype), full_matrices=False)  # (R,), (R, D)
    return rows - (rows @ u.T * (1 - (1 + f.square()).rsqrt())) @ u


def class_means(support: Tensor, labels: Tensor, ways: int) -> Tensor:
    """(K, D) of support rows (N, D) with labels (N,)."""
    return torch.stack([support[labels == k].mean(0) for k in range(ways)])


def distances(
    support: Tensor, labels: Tensor, rows: Tensor, ways: int, kind: str = "mahalanobis"
) -> Tensor:
    """Squared distances (R, K) of rows (R, D) to K classes of support (N, D).

    kind: mahalanobis; scalar: the same, but S_k of a class of one frame is the variance over its D
    features in every place, as all public code has it; prototypes: Euclidean, to the mean; cosine:
    the same, to the mean scaled as `unit` has it.
    """
    if kind in PROTOTYPES:
        return _to_prototypes(support, labels, ways, kind)(rows)
    centred = support - support.mean(0)  # C (N, D)
    gram = centred @ centred.T  # G (N, N)
    # A class's N x N factor is computed again for its gradient instead of being kept: K of them
    # would make memory follow N^2.
    return torch.stack(
        [
            checkpoint(
                _distance, centred, gram, support, labels == k, rows, kind == "scalar",
                use_reentrant=False, preserve_rng_state=False,
            )
            for k in range(ways)
        ],
        dim=1,
    )  # fmt: skip


@torch.no_grad()
def measure(
    support: Tensor, labels: Tensor, ways: int, kind: str = "mahalanobis"
) -> Callable[[Tensor], Tensor]:
    """`distances` of rows (R, D) that come later: what the support alone decides is done once."""
    if kind in PROTOTYPES:
        return _to_prototypes(support, labels, ways, kind)
    centred = support - support.mean(0)
    gram = centred @ centred.T
    classes = [_fit(centred, gram, support, labels == k, kind == "scalar") for k in range(ways)]
    return lambda rows: torch.stack([_from(fitted, centred, rows) for fitted in classes], 1)


def _to_prototypes(
    support: Tensor, labels: Tensor, ways: int, kind: str
) -> Callable[[Tensor], Tensor]:
    means = class_means(support, labels, ways)
    prototypes = unit(means) if kind == "cosine" else means
    return lambda rows: (rows[:, None] - prototypes).square().sum(-1)


class _Class(NamedTuple):
    """What the support says of one class."""

    mean: Tensor  # (D,)
    extra: Tensor | None  # c of the scalar rule's c 1 1^T
    factor: Tensor | None  # (N, N) of (I - P)/a + P/(a+b) + G; None: no spread, Q = I


def _distance(
    centred: Tensor, gram: Tensor, support: Tensor, mine: Tensor, rows: Tensor, scalar: bool
) -> Tensor:
    return _from(_fit(centred, gram, support, mine, scalar), centred, rows)


def _fit(centred: Tensor, gram: Tensor, support: Tensor, mine: Tensor, scalar: bool) -> _Class:
    """Of the class whose rows are marked in mine (N,)."""
    n_all, n, mean = len(support), int(mine.sum()), support[mine].mean(0)
    # l_k times the variance over features; for N = 1 S has it too
    extra = support[mine][0].var() / (2 if n_all > 1 else 1) if scalar and n == 1 else None
    if n_all == 1:
        return _Class(mean, extra, None)
    share = n / (n + 1)  # l_k
    a = (1 - share) / (n_all - 1)
    b = share / (n - 1) if n > 1 else 0.0
    member = mine.to(gram.dtype)
    projector = (
        torch.diag(member) - torch.outer(member, member) / n
    )  # picks the class's rows, less their mean
    inner = projector * (1 / (a + b) - 1 / a) + gram
    inner = inner + torch.eye(n_all, dtype=gram.dtype, device=gram.device) / a
    return _Class(mean, extra, torch.linalg.cholesky(inner))


def _from(fitted: _Class, centred: Tensor, rows: Tensor) -> Tensor:
    """(R,): |d|^2 - g^T ((I - P)/a + P/(a+b) + G)^-1 g with d = x - mu_k, g = C d."""
    mean, extra, factor = fitted
    d = rows - mean  # (R, D)
    euclidean = d.square().sum(1)
    if factor is None:
        return euclidean if extra is None else euclidean - _rank_one(extra, d.sum(1), d.shape[1])
    g = centred @ d.T  # (N, R)
    solved = torch.linalg.solve_triangular(factor, g, upper=False)
    found = euclidean - solved.square().sum(0)
    if extra is None:
        return found
    one = torch.linalg.solve_triangular(factor, centred.sum(1, keepdim=True), upper=False)  # (N, 1)
    along = d.sum(1) - (solved * one).sum(0)  # d^T Q^-1 1
    return found - _rank_one(extra, along, d.shape[1] - one.square().sum())


def _rank_one(c: Tensor, along: Tensor, ones: Tensor | int) -> Tensor:
    """What c 1 1^T in Q takes from d^T Q^-1 d (Sherman and Morrison), given d^T Q^-1 1 and
    1^T Q^-1 1 without it.
    """
    return c * along.square() / (1 + c * ones)


def _wide(maps: Tensor) -> Tensor:
    """Under autocast maps are bfloat16, which is too coarse for their means."""
    return maps.float() if maps.dtype == torch.bfloat16 else maps


def global_pool(maps: Tensor) -> Tensor:
    """Last maps (B, D, 7, 7) -> features (B, D) of whole frames."""
    return _wide(maps).mean(dim=(2, 3))


def window_pool(maps: Tensor, sides: Sequence[int]) -> Tensor:
    """Last maps (B, D, 7, 7) -> (B, W, D): means of side x side windows of every side, one side
    after the other; of the whole frame where there is no side.
    """
    if not sides:
        return global_pool(maps)[:, None]
    wide = _wide(maps)
    means = [F.avg_pool2d(wide, side, stride=1).flatten(2) for side in sides]
    return torch.cat(means, 2).transpose(1, 2)


def nonempty(windows: Tensor, support: Tensor, floor: float) -> Tensor:
    """(M, W) bool: windows (M, W, D) that are not nearly empty, measured by the support's (N, D)
    median norm.

    Where every window of a frame is empty none is left out.
    """
    with torch.no_grad():
        kept = windows.norm(dim=-1) >= floor * support.norm(dim=-1).quantile(0.5)
        return kept | ~kept.any(1, keepdim=True)


def best_window(logits: Tensor, kept: Tensor) -> Tensor:
    """Logits (M, W, K) of every window -> (M, K): the best window of each class."""
    return logits.masked_fill(~kept[:, :, None], -torch.inf).amax(1)
