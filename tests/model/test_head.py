"""The head against the formula of the paper, written with dense D x D matrices in float64."""

import numpy as np
import pytest

from model.head import distances, fit, normalised


def dense_distances(
    z: np.ndarray, labels: np.ndarray, x: np.ndarray, clutter: np.ndarray | None = None
) -> np.ndarray:
    """(B, K): (x - mu_k)^T Q_k^-1 (x - mu_k) with Q_k = l S_k + (1 - l) S + I, as printed; with
    clutter F (R, D) and F^T F.
    """
    d = z.shape[1]
    more = np.eye(d) + (0 if clutter is None else clutter.T @ clutter)

    def covariance(rows: np.ndarray) -> np.ndarray:
        return np.cov(rows, rowvar=False, ddof=1) if len(rows) > 1 else np.zeros((d, d))

    result = np.empty((len(x), labels.max() + 1))
    for k in range(labels.max() + 1):
        own = z[labels == k]
        share = len(own) / (len(own) + 1)
        q = share * covariance(own) + (1 - share) * covariance(z) + more
        for b, row in enumerate(x):
            offset = row - own.mean(0)
            result[b, k] = offset @ np.linalg.solve(q, offset)
    return result


SHOTS = [(1,), (5,), (1, 1), (1, 7), (3, 4, 5), (1, 2, 1, 30), (40, 1), (2,) * 12]


@pytest.mark.parametrize("shots", SHOTS)
@pytest.mark.parametrize("features", ["raw", "unit"])
def test_equals_the_dense_formula(shots: tuple[int, ...], features: str) -> None:
    rng = np.random.default_rng(sum(shots))
    labels = rng.permutation(np.repeat(np.arange(len(shots)), shots))
    z = normalised(np.abs(rng.normal(size=(len(labels), 48))) * 3, features)
    x = normalised(np.abs(rng.normal(size=(9, 48))) * 3, features)
    expected = dense_distances(z, labels, x)
    np.testing.assert_allclose(distances(fit(z, labels), x), expected, rtol=1e-8)


@pytest.mark.parametrize("shots", SHOTS)
def test_clutter_is_one_covariance_more_in_every_object(shots: tuple[int, ...]) -> None:
    rng = np.random.default_rng(sum(shots))
    labels = rng.permutation(np.repeat(np.arange(len(shots)), shots))
    z, x = rng.normal(size=(len(labels), 48)), rng.normal(size=(9, 48))
    for clutter in (rng.normal(size=(3, 48)), np.ones((2, 48)), np.zeros((1, 48))):
        head = fit(z, labels, clutter=clutter)
        expected = dense_distances(z, labels, x, clutter)
        np.testing.assert_allclose(distances(head, x), expected, rtol=1e-8)
        centred = z - z.mean(0)  # what the unknown score makes of the same coordinates
        np.testing.assert_allclose(centred @ head.basis @ head.basis.T, centred, atol=1e-9)


def test_more_frames_than_features() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 40)
    z, x = rng.normal(size=(120, 16)), rng.normal(size=(5, 16))
    np.testing.assert_allclose(
        distances(fit(z, labels), x), dense_distances(z, labels, x), rtol=1e-8
    )


def test_identical_frames_leave_the_identity() -> None:
    z, x = np.ones((6, 8)), np.random.default_rng(0).normal(size=(4, 8))
    got = distances(fit(z, np.repeat([0, 1], 3)), x)
    np.testing.assert_allclose(got, np.repeat(((x - 1) ** 2).sum(1)[:, None], 2, 1), rtol=1e-12)


def test_order_of_frames_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(4), [1, 3, 9, 2])
    z, x, order = rng.normal(size=(15, 32)), rng.normal(size=(6, 32)), rng.permutation(15)
    np.testing.assert_allclose(
        distances(fit(z[order], labels[order]), x), distances(fit(z, labels), x), rtol=1e-10
    )


def test_unit_features_have_length_root_d_and_zero_stays_finite() -> None:
    z = normalised(np.array([[3.0, 4.0], [0.0, 0.0]]), "unit")
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), [np.sqrt(2), 0])
