"""The gate and its two FiLMs: the formula, its ONNX graphs, and what both promise."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from model.nn.backbone import EARLY, EARLY_STAGES
from model.nn.cnaps import CnapsConfig, SimpleCnaps
from model.nn.gate import SOFT, Gate, TwoFilms
from tests.model.test_nn_parts import frames, relative, run
from training.export.graphs import parts


@pytest.fixture(scope="module")
def model() -> SimpleCnaps:
    return random_gate()


def random_gate() -> SimpleCnaps:
    """A model whose two FiLMs are far apart, and whose gate is far from halfway."""
    generator = torch.Generator().manual_seed(0)
    made = SimpleCnaps(CnapsConfig(context="gate", embedding=1)).eval()
    gate, films = made.set_encoder, made.film_generator
    assert isinstance(gate, Gate) and isinstance(films, TwoFilms)
    with torch.no_grad():
        gate.line.weight.normal_(0, 0.3, generator=generator)
        for film in (films.above, films.below):
            film.add_(0.1 * torch.randn(len(film), generator=generator))
    return made


@pytest.mark.parametrize("g", [-2.0, -0.1, 0.0, 0.05, 0.4])
def test_film_goes_from_one_to_the_other(model: SimpleCnaps, g: float) -> None:
    films = model.film_generator
    assert isinstance(films, TwoFilms)
    way = round(16 * g / math.sqrt(g * g + SOFT * SOFT)) / 16
    share = (1 + way) / 2
    expected = share * films.above + (1 - share) * films.below
    torch.testing.assert_close(model.film(torch.tensor([g])), expected, rtol=1e-6, atol=1e-6)
    graph = parts(model)[1]
    theirs = run(graph, "film", {"embedding": np.array([[g]], np.float32)})[0]
    assert relative(theirs, expected.detach().numpy()) < 1e-6


def test_a_new_gate_gives_the_frozen_backbone_and_stands_halfway() -> None:
    model = SimpleCnaps(CnapsConfig(context="gate", embedding=1))
    images = torch.from_numpy(frames(3, 2))
    with torch.no_grad():
        assert torch.equal(model.embeddings(images), torch.zeros(2, 1))
        gammas, betas = model.film(torch.tensor([0.7])).chunk(2)
    assert bool((gammas == 1).all()) and bool((betas == 0).all())


def test_the_gate_reads_the_frozen_backbone_at_half_the_side(model: SimpleCnaps) -> None:
    images = frames(2, 5)
    x = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
    seen = []
    net = model.backbone.net
    handle = net.blocks[EARLY_STAGES - 1].register_forward_hook(
        lambda module, inputs, output: seen.append(output)
    )
    with torch.no_grad():
        net.forward_features(F.interpolate(x, scale_factor=0.5, mode="area"))
        gate = model.set_encoder
        assert isinstance(gate, Gate)
        expected = gate(seen[0].mean((2, 3))).numpy()
        ours = model.embeddings(torch.from_numpy(images)).numpy()
    handle.remove()
    assert seen[0].shape[1] == EARLY and ours.shape == (5, 1) and ours.std() > 1e-3
    assert relative(ours, expected) < 1e-5
    assert relative(run(parts(model)[0], "embedding", {"frames": images}), expected) < 1e-4


def test_the_penalty_pulls_both_films_to_the_frozen_backbone(model: SimpleCnaps) -> None:
    films = model.film_generator
    assert isinstance(films, TwoFilms)
    half = len(films.above) // 2
    frozen = torch.cat([torch.ones(half), torch.zeros(half)])
    moved = [film.detach() - frozen for film in (films.above, films.below)]
    expected = sum(float(away.square().sum()) for away in moved)
    assert films.penalty().item() == pytest.approx(expected, rel=1e-3)


def test_a_gate_is_one_number() -> None:
    with pytest.raises(ValueError, match="not an embedding of 64"):
        CnapsConfig(context="gate")
