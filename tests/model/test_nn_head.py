"""The differentiable head against the published formula, written out densely in float64."""

import numpy as np
import pytest
import torch

from model.nn import head
from tests.model.test_head import dense_distances as with_clutter


def dense_distances(z: np.ndarray, labels: np.ndarray, x: np.ndarray, ways: int) -> np.ndarray:
    """(x - mu_k)^T Q_k^-1 (x - mu_k), one pair at a time, with D x D covariances and an inverse."""
    n_all, d = z.shape
    total = np.zeros((d, d))
    for row in z:
        total += np.outer(row - z.mean(0), row - z.mean(0))
    total /= max(n_all - 1, 1)
    out = np.empty((len(x), ways))
    for k in range(ways):
        mine = z[labels == k]
        own = np.zeros((d, d))
        for row in mine:
            own += np.outer(row - mine.mean(0), row - mine.mean(0))
        own /= max(len(mine) - 1, 1)
        share = len(mine) / (len(mine) + 1)
        inverse = np.linalg.inv(share * own + (1 - share) * total + np.eye(d))
        for i, row in enumerate(x):
            out[i, k] = (row - mine.mean(0)) @ inverse @ (row - mine.mean(0))
    return out


@pytest.mark.parametrize("features", ["raw", "unit"])
@pytest.mark.parametrize("shots", [[1], [5], [1, 1], [3, 1, 7], [40, 2], [2] * 12])
def test_head_is_the_published_formula(shots: list[int], features: str) -> None:
    rng = np.random.default_rng(len(shots))
    labels = rng.permutation(np.repeat(np.arange(len(shots)), shots))
    z = rng.gamma(1.0, 2.0, (len(labels), 24)) + rng.normal(size=(len(shots), 24))[labels]
    x = rng.gamma(1.0, 2.0, (6, 24))
    theirs, rows = torch.from_numpy(z), torch.from_numpy(x)
    if features == "unit":
        z, x = (a / np.sqrt((a**2).sum(1, keepdims=True)) * np.sqrt(24) for a in (z, x))
        theirs, rows = head.unit(theirs), head.unit(rows)
    ours = head.distances(theirs, torch.from_numpy(labels), rows, len(shots)).numpy()
    np.testing.assert_allclose(ours, dense_distances(z, labels, x, len(shots)), rtol=1e-8)


def test_without_clutter_is_with_its_covariance() -> None:
    """The published formula on A x is the one with F^T F in every Q_k."""
    rng = np.random.default_rng(3)
    clutter, labels = rng.normal(size=(2, 24)), np.repeat(np.arange(3), [1, 4, 2])
    z, x = rng.normal(size=(7, 24)), rng.normal(size=(5, 24))
    seen = [head.without_clutter(torch.from_numpy(a), torch.from_numpy(clutter)) for a in (z, x)]
    ours = head.distances(seen[0], torch.from_numpy(labels), seen[1], 3).numpy()
    expected = with_clutter(z, labels, x, clutter)
    np.testing.assert_allclose(ours, expected, rtol=1e-8)


def test_best_window_is_the_best_of_all_filled_windows() -> None:
    rng = np.random.default_rng(0)
    maps = rng.gamma(1.0, 1.0, (5, 8, 7, 7))
    maps[:, :, :, 4:] = 0  # the right half is empty
    maps[4] = 1e-3  # a frame without anything in it
    z, labels = rng.gamma(1.0, 1.0, (6, 8)), np.array([0, 0, 1, 1, 2, 2])
    floor, sides = 0.35, (3, 5)
    expected = np.full((5, 3), -np.inf)
    for b in range(5):
        means = [
            maps[b, :, i : i + side, j : j + side].mean((1, 2))
            for side in sides
            for i in range(8 - side)
            for j in range(8 - side)
        ]
        least = floor * np.median(np.linalg.norm(z, axis=1))
        seen = [m for m in means if np.linalg.norm(m) >= least] or means
        assert b == 4 or len(seen) < len(means)
        expected[b] = (-dense_distances(z, labels, np.stack(seen), 3)).max(0)
    windows = head.window_pool(torch.from_numpy(maps), sides)  # (B, W, D)
    support = torch.from_numpy(z)
    d2 = head.distances(support, torch.from_numpy(labels), windows.flatten(0, 1), 3)
    kept = head.nonempty(windows, support, floor)
    ours = head.best_window(-d2.unflatten(0, windows.shape[:2]), kept)
    np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-8)


def test_without_windows_the_whole_frame_is_scored() -> None:
    maps = torch.rand(3, 8, 7, 7, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(head.window_pool(maps, ())[:, 0], head.global_pool(maps))
    torch.testing.assert_close(head.window_pool(maps, (7,))[:, 0], head.global_pool(maps))


def test_gradient_of_the_head_is_the_slope_of_its_loss() -> None:
    rng = np.random.default_rng(1)
    labels = torch.tensor([0, 0, 1, 2, 2, 2])
    z = torch.from_numpy(rng.normal(size=(6, 5))).requires_grad_()
    x = torch.from_numpy(rng.normal(size=(4, 5))).requires_grad_()
    assert torch.autograd.gradcheck(lambda z, x: head.distances(z, labels, x, 3), (z, x))
