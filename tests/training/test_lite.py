"""LITE by exact enumeration: the sampled gradient, averaged over every draw, is the full gradient.

Small tasks and small networks in float64, so that "equals" means 1e-6 and better. The estimators of
the two public implementations are rebuilt here, from their papers' descriptions, to show what ours
avoids.
"""

from collections.abc import Iterator
from itertools import combinations, product

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.training.tiny_methods import (
    ALL,
    TinyCase,
    TinyGenerated,
    TinyPrototypes,
    TinyStatistics,
    make,
)
from training.episodes.episode import Task
from training.lite import Draw, Method, backward, draw, sampled_logits, shares
from training.settings.config import LiteConfig

SHOTS = (1, 2, 2)  # N = 5, one class of a single frame
H = 2


def make_task(shots: tuple[int, ...] = SHOTS, queries: int = 4, length: int = 1) -> Task:
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(len(shots)).repeat_interleave(torch.tensor(shots))
    noise = torch.randn(len(labels) + queries, length, 12, generator=generator, dtype=torch.float64)
    return Task(
        noise[: len(labels)], labels, noise[len(labels) :], torch.arange(queries) % len(shots),
        len(shots),
    )  # fmt: skip


def parameters(method: Method) -> dict[str, nn.Parameter]:
    assert isinstance(method, nn.Module)
    return {name: p for name, p in method.named_parameters() if p.requires_grad}


def gradient(loss: Tensor, method: Method) -> dict[str, Tensor]:
    named = parameters(method)
    return dict(zip(named, torch.autograd.grad(loss, list(named.values())), strict=True))


def plain_gradient(method: Method, task: Task) -> dict[str, Tensor]:
    """Ordinary back-propagation through everything, in one piece."""
    support, query = task.support.flatten(0, 1), task.query.flatten(0, 1)
    assert task.support.shape[1] == 1
    film = method.film(method.context(method.embeddings(support), task.labels))
    z, x = method.support_features(support, film), method.query_features(query, film)
    return gradient(
        F.cross_entropy(method.logits(z, task.labels, x, task.ways), task.targets), method
    )


def lite_gradient(method: Method, task: Task, encoder: Draw, rows: Draw) -> dict[str, Tensor]:
    part = torch.arange(len(task.targets))
    logits, _ = sampled_logits(method, task, part, encoder, rows, LiteConfig(chunk=2))
    return gradient(F.cross_entropy(logits, task.targets), method)


def all_draws(n: int, h: int) -> list[Draw]:
    return [Draw(torch.tensor(s), torch.full((h,), n / h)) for s in combinations(range(n), h)]


def all_stratified_draws(labels: Tensor, h: int) -> Iterator[Draw]:
    shots = labels.bincount().tolist()
    taken = shares(shots, h)
    weights = torch.cat([torch.full((t,), n / t) for n, t in zip(shots, taken, strict=True)])
    of_class = [(labels == k).nonzero().flatten().tolist() for k in range(len(shots))]
    for chosen in product(*(combinations(r, t) for r, t in zip(of_class, taken, strict=True))):
        yield Draw(torch.tensor([i for rows in chosen for i in rows]), weights)


def mean(gradients: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([g[name] for g in gradients]).mean(0) for name in gradients[0]}


def bias(ours: dict[str, Tensor], full: dict[str, Tensor], group: str) -> float:
    """|mean of the estimator - full| / |full| over the parameters of a group."""
    names = [name for name in full if name.startswith(group)]
    assert names, group
    wrong = torch.cat([(ours[n] - full[n]).flatten() for n in names])
    return (wrong.norm() / torch.cat([full[n].flatten() for n in names]).norm()).item()


def groups(method: Method) -> list[str]:
    if isinstance(method, TinyPrototypes):
        return ["first.", "last.", "log_temperature"]
    if isinstance(method, TinyStatistics):
        parts = ("code", "constant", "blend", "first", "last")
        return [*(f"film_generator.{part}" for part in parts), "first.", "last.", "log_temperature"]
    if isinstance(method, TinyGenerated):
        return ["set_encoder.", "film_generator.", "first.", "last.", "head.weight", "head.bias"]
    if isinstance(method, TinyCase):
        return ["film_generator.gates.0", "film_generator.gates.1", "log_temperature"]
    return ["set_encoder.", "film_generator.", "first.", "last.", "log_temperature"]


@pytest.mark.parametrize("name", ALL)
def test_averaged_over_all_pairs_of_draws_lite_is_the_full_gradient(name: str) -> None:
    method, task = make(name), make_task()
    full = plain_gradient(method, task)
    draws = all_draws(len(task.labels), H)
    ours = mean([lite_gradient(method, task, a, b) for a in draws for b in draws])
    for group in groups(method):
        assert bias(ours, full, group) < 1e-6, group
    one = lite_gradient(method, task, draws[0], draws[3])
    assert (
        max(bias(one, full, group) for group in groups(method)) > 0.1
    )  # each alone is only a sample


@pytest.mark.parametrize("name", ["unit", "protonets", "statistics", "blend"])
def test_drawing_by_object_is_unbiased_too(name: str) -> None:
    method, task = make(name), make_task((1, 2, 3))
    full = plain_gradient(method, task)
    draws = list(all_stratified_draws(task.labels, 4))
    assert len(draws) == 1 * 2 * 3
    ours = mean([lite_gradient(method, task, a, b) for a in draws for b in draws])
    for group in groups(method):
        assert bias(ours, full, group) < 1e-6, group


def test_the_two_public_estimators_are_biased() -> None:
    """Unscaled rows, and the whole loss times N/H; both with one draw for encoder and head."""
    method, task = make("unit"), make_task()
    full, n = plain_gradient(method, task), len(task.labels)
    plain = [Draw(d.rows, torch.ones(H)) for d in all_draws(n, H)]
    unscaled = mean([lite_gradient(method, task, d, d) for d in plain])
    assert bias(unscaled, full, "set_encoder.") > 0.3
    assert bias(unscaled, full, "film_generator.") > 0.1
    loss_scaled = {name: g * n / H for name, g in unscaled.items()}
    assert bias(loss_scaled, full, "set_encoder.") > 0.1
    assert bias(loss_scaled, full, "film_generator.") > 0.3
    shared = mean([lite_gradient(method, task, d, d) for d in all_draws(n, H)])
    assert bias(shared, full, "set_encoder.") > 1e-3  # rows scaled, but one draw for both sums


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("h", [5, 50])
def test_h_equal_or_above_n_is_plain_back_propagation(name: str, h: int) -> None:
    method, task = make(name), make_task(queries=5)
    config = LiteConfig(num_backprop=h, back_embeddings=h, query_batch=2, chunk=3)
    backward(method, task, config, torch.Generator().manual_seed(0))
    full = plain_gradient(method, task)
    for parameter, value in parameters(method).items():
        assert value.grad is not None and value.grad.abs().sum() > 0, parameter
        torch.testing.assert_close(value.grad, full[parameter], rtol=1e-9, atol=1e-12)


def test_the_forward_pass_is_exact_whatever_is_drawn() -> None:
    method, task = make("unit"), make_task(queries=6)
    with torch.no_grad():
        support, query = task.support.flatten(0, 1), task.query.flatten(0, 1)
        film = method.film(method.context(method.embeddings(support), task.labels))
        rows = method.support_features(support, film), method.query_features(query, film)
        logits = method.logits(rows[0], task.labels, rows[1], task.ways)
    expected = F.cross_entropy(logits, task.targets).item()
    for seed in range(3):
        config = LiteConfig(num_backprop=1, back_embeddings=2, query_batch=4, chunk=2)
        loss, accuracy = backward(method, task, config, torch.Generator().manual_seed(seed))
        assert loss == pytest.approx(expected, rel=1e-12)
        assert accuracy == (logits.argmax(1) == task.targets).double().mean().item()


def test_a_clips_row_is_the_mean_over_its_frames() -> None:
    method, task = make("protonets"), make_task(length=3)
    part, everything = torch.arange(4), Draw(torch.arange(5), torch.ones(5))
    ours, _ = sampled_logits(method, task, part, everything, everything, LiteConfig(chunk=4))
    film = method.film(torch.zeros(0))
    z = torch.stack([method.support_features(clip, film).mean(0) for clip in task.support])
    x = torch.stack([method.query_features(clip, film).mean(0) for clip in task.query])
    torch.testing.assert_close(ours, method.logits(z, task.labels, x, task.ways))


def test_no_support_row_is_computed_twice_without_need() -> None:
    method, task, seen = make("protonets"), make_task((4, 4)), []
    assert isinstance(method, TinyPrototypes)
    rows = method.support_features

    def counted(frames: Tensor, film: Tensor) -> Tensor:
        seen.append((len(frames), torch.is_grad_enabled()))
        return rows(frames, film)

    method.support_features = counted
    config = LiteConfig(num_backprop=3, query_batch=4, chunk=100)
    backward(method, task, config, torch.Generator().manual_seed(0))
    assert seen == [(3, True), (5, False), (4, True)]  # H rows, the other N - H, the queries


def test_draws_are_without_replacement_and_by_object() -> None:
    labels = torch.tensor([0] * 10 + [1] * 5 + [2])
    generator = torch.Generator().manual_seed(0)
    for count in (2, 3, 8, 15, 16, 99):
        drawn = draw(labels, count, generator)
        assert len(set(drawn.rows.tolist())) == min(count, 16)
        if count >= 3:
            per_object = labels[drawn.rows].bincount(minlength=3)
            assert per_object.min() >= 1
            # the weights of an object's rows add up to all of its rows
            sums = torch.zeros(3).index_add(0, labels[drawn.rows], drawn.weights)
            torch.testing.assert_close(sums, torch.tensor([10.0, 5.0, 1.0]))
    assert shares([10, 5, 1], 8) == [5, 2, 1]
    with pytest.raises(ValueError, match="at least 1"):
        draw(labels, 0, generator)
