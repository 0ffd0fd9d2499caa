"""Heads against scikit-learn, dense formulas and written-out loops; MAML against plain autograd."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from torch import Tensor, nn
from torch.nn import functional as F

from model import head as served
from model.nn.cnaps import CnapsConfig, HeadKind
from model.nn.head import distances
from tests.model.test_nn_parts import random_cnaps
from training.episodes.episode import Task
from training.evaluation.record.cost import Cost, counted
from training.methods import fine_tuner, frozen, maml
from training.methods.fine_tuner import FilmTuner
from training.methods.frozen import RATE, STEPS, Extractor, Frozen, knn, linear
from training.methods.maml import Maml

SHOTS = (1, 3, 4)
WAYS, FEATURES = len(SHOTS), 6


def rows(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """Support (8, 6), labels, query (40, 6)."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(WAYS).repeat_interleave(torch.tensor(SHOTS))
    centres = torch.randn(WAYS, FEATURES, generator=generator, dtype=dtype)
    noise = torch.randn(len(labels), FEATURES, generator=generator, dtype=dtype)
    query = 2 * torch.randn(40, FEATURES, generator=generator, dtype=dtype)
    return centres[labels] + noise, labels, query


def test_the_nearest_frame_is_scikit_learns() -> None:
    z, labels, x = rows()
    theirs = KNeighborsClassifier(1, metric="cosine").fit(z.numpy(), labels.numpy())
    np.testing.assert_array_equal(knn(z, labels, WAYS)(x).argmax(1), theirs.predict(x.numpy()))


def test_prototypes_are_scikit_learns_centroids() -> None:
    z, labels, x = rows()
    theirs = NearestCentroid().fit(z.numpy(), labels.numpy()).predict(x.numpy())
    d2 = distances(z, labels, x, WAYS, "prototypes")
    np.testing.assert_array_equal(d2.argmin(1), theirs)
    ours = served.distances(served.fit(z.numpy(), labels.numpy(), "prototypes"), x.numpy())
    np.testing.assert_allclose(ours, d2.numpy(), rtol=1e-9)


@pytest.mark.parametrize("shots", [SHOTS, (1, 1), (1,), (3, 1)], ids=str)
def test_the_cosine_head_ranks_by_cosine_to_the_class_means(shots: tuple[int, ...]) -> None:
    """Trained and served form against scikit-learn's cosines; more features than frames, too."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(shots)), shots)
    z = served.normalised(rng.normal(size=(len(labels), FEATURES)) + 0.5, "unit")
    x = served.normalised(rng.normal(size=(50, FEATURES)) + 0.5, "unit")
    means = np.stack([z[labels == k].mean(0) for k in range(len(shots))])
    expected = 2 * FEATURES * (1 - cosine_similarity(x, means))
    rows, taught, asked = (torch.from_numpy(array) for array in (z, labels, x))
    trained = distances(rows, taught, asked, len(shots), "cosine")
    np.testing.assert_allclose(trained.numpy(), expected, rtol=1e-9)
    ours = served.distances(served.fit(z, labels, "cosine"), x)
    np.testing.assert_allclose(ours, expected, rtol=1e-9)


@pytest.mark.parametrize("shots", [SHOTS, (1, 1), (1,), (9, 1)], ids=str)
@pytest.mark.parametrize("kind", ["mahalanobis", "scalar"])
def test_one_frame_gets_the_covariance_that_was_asked_for(
    shots: tuple[int, ...], kind: str
) -> None:
    """Served and trained form against the dense formula; more features than frames, and fewer."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(shots)), shots)
    z, x = rng.normal(size=(len(labels), FEATURES)), rng.normal(size=(5, FEATURES))
    whole = np.cov(z.T) if len(z) > 1 else z.var(ddof=1) * (kind == "scalar")
    expected = []
    for k, n in enumerate(shots):
        own = z[labels == k]
        spread = np.cov(own.T) if n > 1 else own.var(ddof=1) * (kind == "scalar")
        q = n / (n + 1) * spread + 1 / (n + 1) * whole + np.eye(FEATURES)
        d = x - own.mean(0)
        expected.append((d @ np.linalg.inv(q) * d).sum(1))
    ours = served.distances(served.fit(z, labels, kind), x)
    np.testing.assert_allclose(ours, np.stack(expected, 1), rtol=1e-9)
    z_, labels_, x_ = (torch.from_numpy(part) for part in (z, labels, x))
    trained = distances(z_, labels_, x_, len(shots), kind)
    np.testing.assert_allclose(trained.numpy(), np.stack(expected, 1), rtol=1e-9)


def test_fine_tuning_a_linear_layer_is_adam_written_out() -> None:
    z, labels, x = rows(torch.float32)
    rows_, target = z.double().numpy(), np.eye(WAYS)[labels.numpy()]
    weights = [np.zeros((FEATURES, WAYS)), np.zeros(WAYS)]
    first, second = ([np.zeros_like(w) for w in weights] for _ in range(2))
    for step in range(1, STEPS + 1):
        scores = np.exp(rows_ @ weights[0] + weights[1])
        wrong = (scores / scores.sum(1, keepdims=True) - target) / len(rows_)
        for i, g in enumerate((rows_.T @ wrong, wrong.sum(0))):
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = 0.999 * second[i] + 0.001 * g**2
            mean, square = first[i] / (1 - 0.9**step), second[i] / (1 - 0.999**step)
            weights[i] = weights[i] - RATE * mean / (np.sqrt(square) + 1e-8)
    expected = x.double().numpy() @ weights[0] + weights[1]
    np.testing.assert_allclose(linear(z, labels, WAYS)(x).numpy(), expected, atol=1e-5)


class TinyNet(nn.Module):
    """Frames (B, 4, 4, 3) uint8 -> map (B, 6, 4, 4), with a batch-norm in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, FEATURES, 1), nn.BatchNorm2d(FEATURES)

    def forward(self, frames: Tensor) -> Tensor:
        x = frames.permute(0, 3, 1, 2).to(self.conv.weight) / 255
        return torch.tanh(self.norm(self.conv(x)))


def task(length: int = 1) -> Task:
    generator = torch.Generator().manual_seed(2)
    labels = torch.arange(WAYS).repeat_interleave(torch.tensor(SHOTS))
    targets = torch.arange(9) % WAYS
    clips = torch.randint(0, 60, (len(labels) + 9, length, 4, 4, 3), generator=generator)
    clips[..., 0] += 60 * torch.cat([labels, targets])[:, None, None, None]
    frames = clips.to(torch.uint8)
    return Task(frames[: len(labels)], labels, frames[len(labels) :], targets, WAYS)


def net() -> TinyNet:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return TinyNet().double().eval()


def test_mamls_gradient_is_that_at_the_adapted_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maml, "INNER_STEPS", 3)
    monkeypatch.setattr(maml, "INNER_RATE", 0.5)
    monkeypatch.setattr(maml, "CHUNK", 6)  # several chunks of clips of two frames
    learner, asked = Maml(net(), FEATURES), task(length=2)
    loss, accuracy = learner.backward(asked)
    other = net()
    layer = nn.Linear(FEATURES, WAYS).double()
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)

    def loss_of(clips: Tensor, labels: Tensor) -> Tensor:
        z = other(clips.flatten(0, 1)).mean((2, 3)).unflatten(0, clips.shape[:2]).mean(1)
        return F.cross_entropy(layer(z), labels)

    both = [*other.parameters(), *layer.parameters()]
    for _ in range(3):
        found = torch.autograd.grad(loss_of(asked.support, asked.labels), both)
        with torch.no_grad():
            for value, g in zip(both, found, strict=True):
                value -= 0.5 * g
    expected = loss_of(asked.query, asked.targets)
    assert loss == pytest.approx(expected.item())
    scores = layer(other(asked.query.flatten(0, 1)).mean((2, 3)).unflatten(0, (9, 2)).mean(1))
    assert accuracy == pytest.approx((scores.argmax(1) == asked.targets).double().mean().item())
    wanted = torch.autograd.grad(expected, list(other.parameters()))
    for (name, parameter), g in zip(learner.backbone.named_parameters(), wanted, strict=True):
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
        torch.testing.assert_close(parameter.grad, g)
    before = {name: p.detach().clone() for name, p in net().named_parameters()}
    for name, parameter in learner.backbone.named_parameters():
        assert torch.equal(parameter, before[name]), "the start itself was not to move"


@pytest.mark.parametrize("method", ["film-tuner", "maml", "frozen"])
def test_adapting_fits_the_support(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fine_tuner, "RATE", 0.05)
    monkeypatch.setattr(frozen, "RATE", 0.5)
    monkeypatch.setattr(maml, "INNER_RATE", 2.0)
    backbone, asked = net().float(), task()
    before = {name: p.detach().clone() for name, p in backbone.named_parameters()}
    learner = {
        "film-tuner": lambda: FilmTuner(backbone, FEATURES),
        "maml": lambda: Maml(backbone, FEATURES),
        "frozen": lambda: Frozen(Extractor(backbone), linear),
    }[method]()
    recogniser = learner.adapt(asked.support, asked.labels, WAYS)
    logits = recogniser.logits(recogniser.features(asked.support[:, 0]))
    before_any_step = np.log(WAYS)
    assert F.cross_entropy(logits, asked.labels) < 0.9 * before_any_step
    for name, parameter in backbone.named_parameters():
        assert torch.equal(parameter, before[name])


def test_what_shares_a_backbone_with_maml_goes_back_no_further_than_it_tunes() -> None:
    backbone, asked, alone, beside = net().float(), task(), Cost(), Cost()
    tuner = FilmTuner(backbone, FEATURES)
    with counted(alone):
        tuner.adapt(asked.support, asked.labels, WAYS)
    Maml(backbone, FEATURES)
    with counted(beside):
        tuner.adapt(asked.support, asked.labels, WAYS)
    assert beside.macs == alone.macs > 0
    assert all(parameter.grad is None for parameter in backbone.parameters())


@pytest.mark.parametrize("head", get_args(HeadKind))
def test_a_head_that_is_fitted_once_says_the_same(head: HeadKind) -> None:
    model = random_cnaps(CnapsConfig(head=head, windows=(3,)))
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    support = torch.randn(6, 1280, generator=generator) + 0.3
    query = torch.randn(4, 25, 1280, generator=generator) + 0.3
    scorer = model.scorer(support, labels, 3)
    with torch.no_grad():
        torch.testing.assert_close(scorer(query), model.logits(support, labels, query, 3))


def test_what_memory_spares_is_counted() -> None:
    extractor, frames = Extractor(net().float()), task().support[:, 0]
    first = extractor(frames)
    assert extractor.remembered() == (0, 0.0)
    again = extractor(frames[:5])
    assert torch.equal(first[:5], again)
    macs, seconds = extractor.remembered()
    assert macs == 5 * 3 * FEATURES * 16 and seconds > 0  # a 1 x 1 convolution of 16 places
    assert extractor.remembered() == (0, 0.0)
