"""The set encoder by channel statistics: its numbers, and what its answer may not depend on."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model.nn.checkpoint import load_checkpoint, save_checkpoint
from model.nn.cnaps import CnapsConfig, SimpleCnaps
from model.nn.statistics import PRIOR, StatisticsFilm, statistics


def frames(seed: int, count: int) -> np.ndarray:
    """(count, 224, 224, 3) uint8, blocks of noise."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 14, 14, 3), np.uint8).repeat(16, 1).repeat(16, 2)


@pytest.fixture(scope="module")
def model() -> SimpleCnaps:
    return SimpleCnaps(CnapsConfig(context="statistics", embedding=8)).eval()


def noisy(model: SimpleCnaps) -> SimpleCnaps:
    """The same model with every trained tensor away from its start."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(5)
        for parameter in model.film_generator.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return model


def test_statistics_are_the_textbooks_variances_drawn_to_one() -> None:
    rows = torch.randn(9, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels = torch.tensor([0, 0, 0, 1, 1, 1, 2, 2, 2])
    mean, within, between = statistics(rows, labels).chunk(3)
    groups = [rows[labels == k] for k in range(3)]
    pooled = torch.stack([g.var(0) for g in groups]).mean(0)  # equal shots: the mean of three
    centres = torch.stack([g.mean(0) for g in groups])
    torch.testing.assert_close(mean, rows.mean(0))
    torch.testing.assert_close(within.exp(), (6 * pooled + PRIOR) / (6 + PRIOR))
    torch.testing.assert_close(between.exp(), (2 * centres.var(0) + PRIOR) / (2 + PRIOR))


def test_what_cannot_be_measured_says_nothing() -> None:
    rows = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    _, within, _ = statistics(rows, torch.tensor([0, 1, 2])).chunk(3)
    assert not within.any()  # one frame an object
    _, _, between = statistics(rows, torch.zeros(3, dtype=torch.long)).chunk(3)
    assert not between.any()  # one object


def test_every_object_counts_once_and_order_and_batch_do_not(model: SimpleCnaps) -> None:
    images, labels = torch.from_numpy(frames(3, 6)), torch.tensor([0, 0, 0, 1, 1, 2])
    together = model.context(model.embeddings(images), labels)
    apart = torch.cat([model.embeddings(image[None]) for image in images])
    torch.testing.assert_close(model.context(apart, labels), together, rtol=1e-4, atol=1e-4)
    order, renamed = torch.tensor([5, 1, 3, 0, 4, 2]), torch.tensor([2, 0, 1])
    shuffled = model.context(model.embeddings(images[order]), renamed[labels[order]])
    torch.testing.assert_close(shuffled, together, rtol=1e-4, atol=1e-4)
    rows = torch.tensor([[0.0], [0.0], [0.0], [1.0]])
    assert statistics(rows, torch.tensor([0, 0, 0, 1]))[0] == 0.5


def test_untrained_it_is_the_frozen_backbone_and_trained_it_answers_by_task(
    model: SimpleCnaps,
) -> None:
    images = torch.from_numpy(frames(4, 4))
    rows = model.embeddings(images)
    one = model.context(rows, torch.tensor([0, 0, 1, 1]))
    film = model.film(one)
    assert torch.equal(film, torch.cat([torch.ones(len(film) // 2), torch.zeros(len(film) // 2)]))
    changed = noisy(SimpleCnaps(model.config))
    # the same frames in other hands: only what separates the objects differs
    other = model.context(rows, torch.tensor([0, 1, 0, 1]))
    assert (changed.film(one) - changed.film(other)).abs().max() > 1e-3


def test_the_rows_are_the_channel_means_of_the_frozen_pass(model: SimpleCnaps) -> None:
    """Beside an independent look: the norm's own output where no activation follows."""
    seen: list[torch.Tensor] = []
    site = "net.blocks.3.1.bn2"
    norm = model.backbone.get_submodule(site)

    def keep(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        seen.extend((inputs[0], output))

    handle = norm.register_forward_hook(keep)
    images = torch.from_numpy(frames(5, 2))
    means = model.channel_means(images)
    handle.remove()
    at = model.sites.index(site)
    start = sum(model.channels[:at])
    ours = means[:, start : start + model.channels[at]]
    assert isinstance(norm, torch.nn.BatchNorm2d)
    normed = torch.nn.functional.batch_norm(
        seen[0], norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
    )
    torch.testing.assert_close(normed.clamp(0, 6), seen[1])  # what follows is ReLU6
    torch.testing.assert_close(ours, normed.mean((2, 3)), rtol=1e-4, atol=1e-4)


def test_whitened_codes_have_mean_0_and_variance_1_over_the_tasks() -> None:
    generator = torch.Generator().manual_seed(0)
    tasks = torch.randn(20, 3 * 7, generator=generator) @ torch.randn(21, 21, generator=generator)
    film = StatisticsFilm((3, 4), code=6)
    film.whiten(tasks)
    codes = film.code(tasks - film.centre)
    torch.testing.assert_close(codes.mean(0), torch.zeros(6), rtol=0, atol=1e-4)
    torch.testing.assert_close(torch.cov(codes.T, correction=0), torch.eye(6), rtol=0, atol=1e-4)
    film.whiten(tasks[:3])  # fewer tasks than the code has numbers: the others stay 0
    assert film.code(tasks[:3] - film.centre)[:, 2:].abs().max() == 0


def test_separating_codes_tell_kinds_apart_and_not_the_tasks_of_one() -> None:
    generator = torch.Generator().manual_seed(0)
    kinds = torch.arange(60) % 3
    means = torch.zeros(3, 15).index_put_((torch.arange(3), torch.arange(3)), torch.tensor(3.0))
    loud = torch.ones(15).index_fill_(0, torch.arange(5, 15), 20.0)  # what varies within kinds
    tasks = means[kinds] + loud * torch.randn(60, 15, generator=generator)
    film = StatisticsFilm((2, 3), code=6)
    film.separate(tasks, kinds)
    codes = film.code(tasks - film.centre)
    assert codes[:, 2:].abs().max() == 0  # three kinds lie in two directions
    torch.testing.assert_close(
        torch.cov(codes[:, :2].T, correction=0), torch.eye(2), rtol=0, atol=1e-4
    )
    centres = torch.stack([codes[kinds == k].mean(0) for k in range(3)])
    within = (codes - centres[kinds]).square().sum(1).mean()
    assert within < 0.5  # of a total of 2


def test_constant_film_trains_the_constant_alone() -> None:
    model = SimpleCnaps(CnapsConfig(film="constant", context="statistics", embedding=4))
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert trained == {"film_generator.constant", "log_temperature"}


def test_a_checkpoint_keeps_it_whole(model: SimpleCnaps, tmp_path: Path) -> None:
    changed = noisy(SimpleCnaps(model.config))
    save_checkpoint(tmp_path / "a.safetensors", changed, {})
    again, _ = load_checkpoint(tmp_path / "a.safetensors")
    s = torch.randn(3 * sum(model.channels), generator=torch.Generator().manual_seed(0))
    assert torch.equal(again.film(s), changed.film(s))
