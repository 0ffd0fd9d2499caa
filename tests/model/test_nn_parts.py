"""Set encoder, FiLM and backbone: what each promises, and each against its ONNX graph."""

import numpy as np
import onnx
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from model.graph.join import fold_film
from model.nn.cnaps import CnapsConfig, SimpleCnaps, site_names
from model.runtime import open_session
from training.export.adapting import film_generator_graph, set_encoder_graph
from training.export.trunk import backbone_graph, site_list


@pytest.fixture(scope="module")
def model() -> SimpleCnaps:
    return random_cnaps(CnapsConfig())


def random_cnaps(config: CnapsConfig) -> SimpleCnaps:
    """A model in which every trained tensor is far from where it starts."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = SimpleCnaps(config)
        for name, parameter in model.named_parameters():
            if name.endswith(".r"):
                nn.init.normal_(parameter, std=0.3)
    return model


def frames(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 216, (count, 8, 8, 3)).repeat(28, 1).repeat(28, 2)
    return (coarse + rng.integers(0, 40, (count, 224, 224, 3))).astype(np.uint8)


def run(graph: onnx.ModelProto, output: str, feed: dict[str, np.ndarray]) -> np.ndarray:
    return np.asarray(open_session(graph.SerializeToString(), 1).run([output], feed)[0])


def relative(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


@pytest.mark.parametrize(("sites", "count"), [("paper", 18), ("deep", 46), ("all", 49)])
def test_sites_are_batch_norms_in_order(model: SimpleCnaps, sites: str, count: int) -> None:
    names = site_names(model.backbone, sites)
    assert len(names) == count
    assert names[-1] == "net.bn2"
    assert all(isinstance(model.backbone.get_submodule(n), nn.BatchNorm2d) for n in names)


def test_the_papers_sites_have_the_papers_channels(model: SimpleCnaps) -> None:
    assert model.channels == (
        *(32, 32, 96, 144, 144, 240, 240, 480, 480, 480, 672, 672, 672),
        *(1152, 1152, 1152, 1152, 1280),
    )


@pytest.mark.parametrize("sites", ["paper", "all"])
def test_folded_film_equals_film_after_batch_norm(sites: str) -> None:
    model = random_cnaps(CnapsConfig(sites=sites))  # pyright: ignore[reportArgumentType]
    generator = torch.Generator().manual_seed(1)
    count = sum(model.channels)
    film = torch.cat(
        [
            1 + 0.3 * torch.randn(count, generator=generator),
            0.3 * torch.randn(count, generator=generator),
        ]
    )
    images = frames(0, 3)
    with torch.no_grad():
        ours = model.maps(torch.from_numpy(images), film).numpy()
        theirs = film_after_batch_norm(model, images, film)
    folded = fold_film(backbone_graph(model.backbone), site_list(model), film.numpy())
    assert relative(ours, theirs) < 1e-4
    assert relative(run(folded, "map", {"frames": images}), theirs) < 1e-4


def film_after_batch_norm(model: SimpleCnaps, images: np.ndarray, film: torch.Tensor) -> np.ndarray:
    """The map with every site as published: batch-norm, then gamma y + beta, then ReLU6."""
    gammas, betas = (half.split(model.channels) for half in film.chunk(2))
    net, handles = model.backbone.net, []
    for site, gamma, beta in zip(model.sites, gammas, betas, strict=True):
        norm = model.backbone.get_submodule(site)

        def replaced(norm, inputs, _, gamma=gamma, beta=beta):
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            y = (inputs[0] - norm.running_mean[:, None, None]) * scale[:, None, None]
            y = gamma[:, None, None] * (y + norm.bias[:, None, None]) + beta[:, None, None]
            return y if isinstance(norm.act, nn.Identity) else F.relu6(y)

        handles.append(norm.register_forward_hook(replaced))
    x = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
    out = net.forward_features(x).numpy()
    for handle in handles:
        handle.remove()
    return out


def test_backbone_graph_is_the_backbone(model: SimpleCnaps) -> None:
    images, graph = frames(1, 4), backbone_graph(model.backbone)
    with torch.no_grad():
        maps = model.backbone(torch.from_numpy(images)).numpy()
    assert relative(run(graph, "map", {"frames": images}), maps) < 1e-4
    assert relative(run(graph, "features", {"frames": images}), maps.mean((2, 3))) < 1e-4
    sites = {name for site in site_list(model) for name in (site.weight, site.bias)}
    raw = {t.name for t in graph.graph.initializer if t.HasField("raw_data")}
    assert sites <= raw


def test_set_encoder_graph_is_the_set_encoder(model: SimpleCnaps) -> None:
    images = frames(2, 5)
    with torch.no_grad():
        ours = model.embeddings(torch.from_numpy(images)).numpy()
    graph = set_encoder_graph(model.pixel_parts()[0])
    assert relative(run(graph, "embedding", {"frames": images}), ours) < 1e-4
    assert ours.std(0).max() > 1e-3  # it tells frames apart at all


def test_film_generator_graph_is_the_film_generator(model: SimpleCnaps) -> None:
    e = torch.randn(64, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        ours = model.film(e).numpy()
    graph = film_generator_graph(model.pixel_parts()[1], 64)
    theirs = run(graph, "film", {"embedding": e.numpy()[None]})[0]
    assert relative(theirs, ours) < 1e-5
    assert np.abs(ours[: len(ours) // 2] - 1).max() > 0.1


def test_untrained_film_changes_nothing() -> None:
    model = SimpleCnaps(CnapsConfig())
    film = model.film(torch.randn(64, generator=torch.Generator().manual_seed(0)))
    gammas, betas = film.chunk(2)
    assert bool((gammas == 1).all()) and bool((betas == 0).all())
    images = torch.from_numpy(frames(3, 2))
    with torch.no_grad():
        assert torch.equal(model.maps(images, film), model.backbone(images))
    graph = film_generator_graph(model.pixel_parts()[1], 64)
    assert np.array_equal(
        run(graph, "film", {"embedding": np.ones((1, 64), np.float32)})[0], film.detach().numpy()
    )


def test_a_frames_embedding_does_not_depend_on_its_batch(model: SimpleCnaps) -> None:
    images = torch.from_numpy(frames(4, 6))
    with torch.no_grad():
        together = model.embeddings(images)
        apart = torch.cat([model.embeddings(images[i : i + 1]) for i in range(6)])
    torch.testing.assert_close(together, apart, rtol=1e-5, atol=1e-6)


def test_the_backbone_never_trains(model: SimpleCnaps) -> None:
    model.train()
    assert not any(p.requires_grad for p in model.backbone.parameters())
    assert not any(m.training for m in model.backbone.modules())


def test_constant_film_is_the_same_for_every_task() -> None:
    model = random_cnaps(CnapsConfig(film="constant"))
    a, b = (model.embeddings(torch.from_numpy(frames(s, 3))).mean(0) for s in (5, 6))
    assert torch.equal(model.film(a), model.film(b))
    assert (model.film(a) - 1).abs().max().item() > 0.1
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert not any(n.startswith("set_encoder.") for n in trained)
    assert any(n.startswith("film_generator.") for n in trained)


def test_without_film_only_the_temperature_is_trained() -> None:
    model = SimpleCnaps(CnapsConfig(film="none"))
    assert [n for n, p in model.named_parameters() if p.requires_grad] == ["log_temperature"]
