"""The Simple CNAPs head: a Gaussian per object, in the span of the support features.

With z_i (D,) the features of the N support frames, m their mean and S their covariance, and with
mu_k, S_k the mean and covariance of the n_k frames of object k (Bateni et al., "Improved Few-Shot
Visual Classification", CVPR 2020; covariances have divisor n - 1, S_k = 0 for one frame, S
= 0 for N = 1):

    Q_k = l_k S_k + (1 - l_k) S + I,    l_k = n_k / (n_k + 1)
    logit_k(x) = -t (x - mu_k)^T Q_k^-1 (x - mu_k)

No D x D matrix is ever formed. Centred features C (N, D) span r <= N - 1 directions V (D, r);
outside them every Q_k is the identity, and inside, (1 - l_k) S + I is diagonal. The frames of
object k then enter by Woodbury's identity as n_k rows R_k (n_k, r). With u = V^T (x - m) and a_k =
V^T (mu_k - m):

    (x - mu_k)^T Q_k^-1 (x - mu_k) = sum_j w_kj (u_j - a_kj)^2 - |R_k (u - a_k)|^2 + |x - m|^2 -
    |u|^2

which is exact. Everything here is float64 numpy; `model.graph` writes the same four terms as ONNX.

What lies between a thing taught alone and the same thing in clutter is much alike from thing to
thing. A personaliser may bring it as F (R, D), learned of others (`training.calibration.clutter`):

    Q_k = l_k S_k + (1 - l_k) S + I + F^T F

With the singular values f_j and right vectors U (D, R) of F and c_j = f_j^2 / (1 + f_j^2) this is
the head above on A x instead of x, A = (I + F^T F)^-1/2 = I - U diag(1 - (1 - c)^1/2) U^T. Its V,
of A C, comes back to x as A V; |A (x - m)|^2 = |x - m|^2 - |U_c^T (x - m)|^2, U_c = U diag(c)^1/2.
So with B = [A V, U_c] in place of V, and w_k = a_k = R_k = 0 along U_c, the formula holds as it
stands: R coordinates more are all that clutter costs. B B^T (z_i - m) = z_i - m, as with V alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
# scalar: the S_k of an object of one frame is the variance over its D features, in every place, as
# all public code has it; prototypes: Q_k = I, the nearest mean (Snell et al., 2017); cosine: the
# same, with means of length sqrt(D), so that features of that length are ranked by their cosine
KINDS = ("mahalanobis", "scalar", "prototypes", "cosine")


@dataclass(frozen=True)
class Head:
    """What fitting leaves of a support set: N features become r <= N - 1 + R coordinates."""

    mean: Float  # (D,)    m
    basis: Float  # (D, r)  B; without clutter V, orthonormal columns; r >= 1
    variances: Float  # (r,)  of S along B; 0 along U_c
    centres: Float  # (K, r)  a_k
    weights: Float  # (K, r)  w_k, the diagonal of ((1 - l_k) S + I)^-1
    rows: Float  # (N, r)  R_k of all objects, one below the other
    labels: NDArray[np.int64]  # (N,)    the object of each row


def normalised(z: np.ndarray, features: str) -> Float:
    """Features (..., D) as the head wants them: `raw`, or `unit`: scaled to length sqrt(D)."""
    z = np.asarray(z, np.float64)
    if features == "raw":
        return z
    length = np.linalg.norm(z, axis=-1, keepdims=True)
    return z * (np.sqrt(z.shape[-1]) / np.maximum(length, 1e-12))


def object_means(rows: np.ndarray, labels: np.ndarray) -> Float:
    """(K, ...): the mean row of each object; rows (N, ...), labels (N,) that cover [0, K)."""
    rows = np.asarray(rows, np.float64)
    return np.stack([rows[labels == k].mean(0) for k in range(labels.max() + 1)])


def fit(
    z: np.ndarray, labels: np.ndarray, kind: str = "mahalanobis", clutter: np.ndarray | None = None
) -> Head:
    """Fit the head to support features z (N, D) with labels (N,) that cover [0, K).

    kind: one of KINDS; clutter: F (R, D).
    """
    if clutter is None:
        return _fit(z, labels, kind)
    z = np.asarray(z, np.float64)
    _, f, u = np.linalg.svd(clutter.astype(np.float64), full_matrices=False)  # (R,), (R, D)
    c = f**2 / (1 + f**2)
    shrunk = u.T * (1 - np.sqrt(1 - c))  # (D, R): A = I - shrunk u
    inner = _fit(z - z @ shrunk @ u, labels, kind)

    def with_zeros(along: Float) -> Float:
        return np.concatenate([along, np.zeros((*along.shape[:-1], len(c)))], -1)

    return Head(
        z.mean(0),
        np.column_stack([inner.basis - shrunk @ (u @ inner.basis), u.T * np.sqrt(c)]),
        with_zeros(inner.variances),
        with_zeros(inner.centres),
        with_zeros(inner.weights),
        with_zeros(inner.rows),
        inner.labels,
    )


def _fit(z: np.ndarray, labels: np.ndarray, kind: str) -> Head:
    """The head without clutter."""
    z, labels = np.asarray(z, np.float64), np.asarray(labels, np.int64)
    n, shots = len(z), np.bincount(labels)
    mean = z.mean(0)
    centred = z - mean  # (N, D)
    basis, squares = _span(centred)  # (D, r), (r,)
    if kind == "scalar" and 1 in shots:
        basis, squares = _with(np.ones(len(mean)), basis, squares)
    if kind == "cosine":  # scaling moves a mean along itself, so out of the span of the centred
        basis, squares = _with(mean, basis, squares)
    variances = squares / max(n - 1, 1)
    coordinates = centred @ basis  # (N, r)
    share = shots / (shots + 1)  # (K,) l_k
    weights = 1 / (1 + (1 - share)[:, None] * variances)  # (K, r)
    means = object_means(z, labels)  # (K, D)
    centres = (normalised(means, "unit" if kind == "cosine" else "raw") - mean) @ basis  # (K, r)
    rows = np.zeros_like(coordinates)
    if kind in ("prototypes", "cosine"):
        return Head(mean, basis, variances, centres, np.ones_like(centres), rows, labels)
    for k, count in enumerate(shots):
        if count == 1 and kind == "scalar":  # c 1 1^T in Q, by Sherman and Morrison: a row as well
            c = z[labels == k].var(ddof=1) / (2 if n > 1 else 1)
            ones = basis.sum(0) * weights[k]  # Q^-1 1 without it
            rows[labels == k] = ones * np.sqrt(c / (1 + c * (basis.sum(0) @ ones)))
        if count > 1:
            own = coordinates[labels == k] - centres[k]  # (n_k, r)
            inner = (count - 1) / share[k] * np.eye(count) + (own * weights[k]) @ own.T
            rows[labels == k] = np.linalg.solve(np.linalg.cholesky(inner), own * weights[k])
    return Head(mean, basis, variances, centres, weights, rows, labels)


def distances(head: Head, x: np.ndarray) -> Float:
    """Squared Mahalanobis distances (..., K) of scaled features x (..., D) to every object."""
    offset = np.asarray(x, np.float64) - head.mean
    u = offset @ head.basis  # (..., r)
    to_centres = (head.weights * (u[..., None, :] - head.centres) ** 2).sum(-1)  # (..., K)
    along = u @ head.rows.T - (head.rows * head.centres[head.labels]).sum(-1)  # (..., N)
    own = along**2 @ np.eye(len(head.centres))[head.labels]  # (..., K)
    outside = (offset**2).sum(-1) - (u**2).sum(-1)  # (...)
    return to_centres - own + outside[..., None]


def _with(direction: Float, basis: Float, squares: Float) -> tuple[Float, Float]:
    """The basis with one direction more, so that it spans this one (D,) too."""
    rest = direction - basis @ (basis.T @ direction)
    length = np.linalg.norm(rest)
    if length <= 1e-9 * np.linalg.norm(direction):
        return basis, squares
    return np.column_stack([basis, rest / length]), np.append(squares, 0.0)


def _span(centred: Float) -> tuple[Float, Float]:
    """Orthonormal V (D, r) that spans the rows of C (N, D), and its eigenvalues (r,) of C C^T."""
    values, vectors = np.linalg.eigh(centred @ centred.T)
    kept = values > 1e-12 * max(values[-1], 0)
    if (
        not kept.any()
    ):  # one frame, or frames that are all alike: no direction, but no empty matrix either
        return np.zeros((centred.shape[1], 1)), np.zeros(1)
    return centred.T @ (vectors[:, kept] / np.sqrt(values[kept])), values[kept]
