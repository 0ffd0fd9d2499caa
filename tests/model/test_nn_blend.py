"""The set encoder of domains and the FiLM it blends: the formula, its ONNX graphs, its promises."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from model.nn.backbone import EARLY, EARLY_STAGES
from model.nn.blend import DOMAINS, GIVEN, STEPS, BlendedFilm, DomainEncoder
from model.nn.checkpoint import load_checkpoint
from model.nn.cnaps import CnapsConfig, SimpleCnaps
from model.personaliser import DEFAULT
from tests.model.test_nn_parts import frames, relative, run
from training.export.graphs import parts

BLEND = CnapsConfig(context="blend", embedding=len(DOMAINS))


@pytest.fixture(scope="module")
def model() -> SimpleCnaps:
    return random_blend()


def random_blend() -> SimpleCnaps:
    """A model whose vectors are far apart, and whose scores differ from frame to frame."""
    generator = torch.Generator().manual_seed(0)
    made = SimpleCnaps(BLEND).eval()
    encoder, film = made.set_encoder, made.film_generator
    assert isinstance(encoder, DomainEncoder) and isinstance(film, BlendedFilm)
    with torch.no_grad():
        encoder.line.weight.normal_(0, 0.3, generator=generator)
        for vectors in (film.given, film.trained):
            vectors.add_(0.1 * torch.randn(vectors.shape, generator=generator))
    return made


@pytest.mark.parametrize("seed", range(4))
def test_film_is_the_blend_by_shares_in_steps(model: SimpleCnaps, seed: int) -> None:
    film = model.film_generator
    assert isinstance(film, BlendedFilm)
    e = torch.randn(len(DOMAINS), generator=torch.Generator().manual_seed(seed)) * 2
    vectors = film.vectors().detach().double().numpy()
    shares = np.exp(e.double().numpy())
    shares = np.round(STEPS * shares / shares.sum()) / STEPS
    expected = vectors.mean(0)
    for share, vector in zip(shares, vectors, strict=True):
        expected = expected + share * (vector - vectors.mean(0))
    assert relative(model.film(e).detach().numpy(), expected) < 1e-6
    theirs = run(parts(model)[1], "film", {"embedding": e[None].numpy()})[0]
    assert relative(theirs, expected) < 1e-6


@pytest.mark.parametrize("number", range(len(DOMAINS)))
def test_a_task_that_is_surely_of_one_domain_gets_its_vector(
    model: SimpleCnaps, number: int
) -> None:
    film = model.film_generator
    assert isinstance(film, BlendedFilm)
    e = torch.zeros(len(DOMAINS))
    e[number] = 9
    torch.testing.assert_close(film(e), film.vectors()[number], rtol=1e-6, atol=1e-6)


def test_a_new_blend_gives_the_frozen_backbone_and_knows_no_domain() -> None:
    model = SimpleCnaps(BLEND)
    images = torch.from_numpy(frames(3, 2))
    with torch.no_grad():
        assert torch.equal(model.embeddings(images), torch.zeros(2, len(DOMAINS)))
        gammas, betas = model.film(torch.randn(len(DOMAINS))).chunk(2)
    torch.testing.assert_close(gammas, torch.ones_like(gammas))
    assert betas.abs().max() < 1e-6


def test_it_reads_the_frozen_backbone_at_half_the_side(model: SimpleCnaps) -> None:
    images = frames(2, 5)
    x = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
    seen = []
    net = model.backbone.net
    handle = net.blocks[EARLY_STAGES - 1].register_forward_hook(
        lambda module, inputs, output: seen.append(output)
    )
    with torch.no_grad():
        net.forward_features(F.interpolate(x, scale_factor=0.5, mode="area"))
        encoder = model.set_encoder
        assert isinstance(encoder, DomainEncoder)
        expected = encoder(seen[0].mean((2, 3))).numpy()
        ours = model.embeddings(torch.from_numpy(images)).numpy()
    handle.remove()
    assert seen[0].shape[1] == EARLY and ours.shape == (5, len(DOMAINS)) and ours.std() > 1e-3
    assert relative(ours, expected) < 1e-5
    assert relative(run(parts(model)[0], "embedding", {"frames": images}), expected) < 1e-4


def test_steps_let_the_gradient_of_the_shares_through(model: SimpleCnaps) -> None:
    film = model.film_generator
    assert isinstance(film, BlendedFilm)
    e = torch.tensor([0.3, -0.2, 0.5, 0.0, -0.4, 0.1], requires_grad=True)
    weights = torch.randn(film.given.shape[1], generator=torch.Generator().manual_seed(1))
    (film(e) @ weights).backward()
    smooth = e.detach().requires_grad_()
    ((smooth.softmax(0) @ film.vectors().detach()) @ weights).backward()
    assert e.grad is not None and smooth.grad is not None
    torch.testing.assert_close(e.grad, smooth.grad, rtol=1e-4, atol=1e-5)


def test_training_leaves_what_the_specialists_found(model: SimpleCnaps) -> None:
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert trained == {
        "set_encoder.line.weight", "set_encoder.line.bias", "film_generator.trained",
        "log_temperature",
    }  # fmt: skip
    film = model.film_generator
    assert isinstance(film, BlendedFilm) and film.given.shape[0] == GIVEN
    half = film.trained.shape[1] // 2
    frozen = torch.cat([torch.ones(half), torch.zeros(half)])
    expected = float((film.trained.detach() - frozen).square().sum())
    assert film.penalty().item() == pytest.approx(expected, rel=1e-3)


def test_a_blend_has_a_score_for_each_domain() -> None:
    with pytest.raises(ValueError, match="a score for each of 6 domains, not 64"):
        CnapsConfig(context="blend")


@torch.no_grad()
def test_what_ships_was_trained_and_gives_tasks_of_six_domains_other_film() -> None:
    model, provenance = load_checkpoint(DEFAULT / "trained.safetensors")
    encoder, film = model.set_encoder, model.film_generator
    assert isinstance(encoder, DomainEncoder) and isinstance(film, BlendedFilm)
    assert provenance["steps"] > 0 and encoder.line.weight.abs().sum(1).all()
    # Each of these began as one of the two that were given.
    assert (torch.cdist(film.trained, film.given).amin(1) > 1).all()
    generator = torch.Generator().manual_seed(0)
    domains = torch.arange(64) % len(DOMAINS)
    scores = 4 * F.one_hot(domains, len(DOMAINS)) + torch.randn(64, 6, generator=generator)
    films = torch.stack([model.film(e) for e in scores])
    share = torch.linalg.svdvals((films - films.mean(0)).double())
    share = (share / share.sum()).clamp_min(1e-12)
    assert torch.exp(-(share * share.log()).sum()) > 2  # effective rank: Roy and Vetterli, 2007
