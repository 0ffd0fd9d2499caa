"""The backbones of comparisons: timm's own output, FiLM at every norm, weights from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from model.errors import InputError
from model.nn.backbone import INPUTS, NAMES, PACKAGED, SERVED, Backbone, check_weights, own_inputs
from model.nn.checkpoint import load_checkpoint, save_checkpoint
from model.nn.cnaps import CnapsConfig, SimpleCnaps

OTHERS = {"tf_efficientnetv2_s": 1280, "resnet18": 512, "vit_base_patch32_224": 768}
CONTEXTS = ("pixels", "statistics", "case")


def built(name: str, **settings: Any) -> SimpleCnaps:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        settings |= {"backbone": name, "inputs": own_inputs(name), "windows": ()}
        return SimpleCnaps(CnapsConfig(sites="all", **settings)).eval()


def pictures(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 224, 224, 3), generator=generator, dtype=torch.uint8)


def after_norms(model: SimpleCnaps, film: Tensor, frames: Tensor) -> Tensor:
    """The map with every site as published: norm, then gamma y + beta, then the activation."""
    gammas, betas = (half.split(model.channels) for half in film.chunk(2))
    handles = []
    for site, gamma, beta in zip(model.sites, gammas, betas, strict=True):

        def replaced(norm, inputs, output, gamma=gamma, beta=beta):
            if isinstance(norm, nn.LayerNorm):
                return gamma * output + beta
            y = F.batch_norm(
                inputs[0], norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
            )
            y = gamma[:, None, None] * y + beta[:, None, None]
            return norm.act(y) if hasattr(norm, "act") else y

        handles.append(model.backbone.get_submodule(site).register_forward_hook(replaced))
    maps = model.backbone(frames)
    for handle in handles:
        handle.remove()
    return maps


@pytest.mark.parametrize("name", OTHERS)
@torch.no_grad()
def test_maps_are_timms_and_film_is_after_every_norm(name: str) -> None:
    model, frames = built(name), pictures(1)
    mean, deviation = (torch.tensor(v) for v in INPUTS[own_inputs(name)])
    theirs = model.backbone.net.forward_features(
        ((frames / 255 - mean) / deviation).permute(0, 3, 1, 2)
    )
    maps = model.backbone(frames)
    assert maps.shape == (1, OTHERS[name], 7, 7) and model.backbone.features == OTHERS[name]
    if theirs.ndim == 3:  # row by row, after the token of the whole
        theirs = torch.stack([theirs[:, 1 + 7 * i : 8 + 7 * i] for i in range(7)], 1)
        theirs = theirs.permute(0, 3, 1, 2)
    torch.testing.assert_close(maps, theirs, rtol=1e-4, atol=1e-4)
    generator = torch.Generator().manual_seed(2)
    film = torch.randn(2 * sum(model.channels), generator=generator) * 0.05
    film[: len(film) // 2] += 1
    expected = after_norms(model, film, frames)
    assert (model.maps(frames, film) - maps).abs().max() > 1e-3
    torch.testing.assert_close(model.maps(frames, film), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["resnet18", "vit_base_patch32_224"])
@pytest.mark.parametrize("context", CONTEXTS)
@torch.no_grad()
def test_every_context_reaches_the_film_of_every_site(name: str, context: str) -> None:
    model, frames = built(name, context=context), pictures(2)
    rows = model.embeddings(frames)
    film = model.film(model.context(rows, torch.tensor([0, 1])))
    assert film.shape == (2 * sum(model.channels),) and film.isfinite().all()


@torch.no_grad()
def test_channel_means_of_a_transformer_are_those_of_its_norms() -> None:
    model, frames, seen = built("vit_base_patch32_224"), pictures(1), []
    norm = model.backbone.get_submodule("net.blocks.0.norm1")
    handle = norm.register_forward_hook(lambda *of: seen.append(of[2].mean(1)))
    means = model.channel_means(frames)
    handle.remove()
    torch.testing.assert_close(means[:, :768], seen[0])


def test_a_checkpoint_keeps_a_backbone_that_no_package_has(tmp_path: Path) -> None:
    model = built("resnet18")
    save_checkpoint(tmp_path / "a.safetensors", model, {})
    again, _ = load_checkpoint(tmp_path / "a.safetensors")
    assert again.config == model.config
    for name, tensor in model.backbone.state_dict().items():
        assert torch.equal(again.backbone.state_dict()[name], tensor), name


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_come_from_a_file(suffix: str, tmp_path: Path) -> None:
    given, file = Backbone("resnet18", "imagenet"), tmp_path / f"resnet18{suffix}"
    weights = given.net.state_dict() | {"fc.weight": torch.zeros(1000, 512)}  # a classifier's
    (save_file if suffix == ".safetensors" else torch.save)(weights, file)
    backbone = Backbone("resnet18", "imagenet")
    backbone.load(file)
    frames = pictures(1)
    with torch.no_grad():
        assert torch.equal(backbone(frames), given(frames))


def test_a_file_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    backbone = Backbone("resnet18", "imagenet")
    before = {name: tensor.clone() for name, tensor in backbone.net.state_dict().items()}
    whole = dict(before)
    lacking = {name: tensor for name, tensor in before.items() if name != "bn1.bias"}
    bad = {
        "nowhere.pth": (None, "cannot be read"),
        "lacking.pth": (lacking, "has no bn1.bias; give"),
        "other.pth": (whole | {"bn1.bias": torch.zeros(3)}, "the weights of another network"),
        "list.pth": ([1, 2], "has no bn1.bias"),
        "code.pth": (print, "holds no weights"),
    }
    for name, (content, sentence) in bad.items():
        if content is not None:
            torch.save(content, tmp_path / name)
        with pytest.raises(InputError, match=sentence):
            backbone.load(tmp_path / name)
    for name in ("text.pth", "text.safetensors"):
        (tmp_path / name).write_text("no weights")
        with pytest.raises(InputError, match="holds no weights"):
            backbone.load(tmp_path / name)
    for name, tensor in backbone.net.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_what_does_not_fit_together_is_said() -> None:
    assert set(NAMES) == {*OTHERS, *SERVED}
    with pytest.raises(InputError, match="No package carries the weights of resnet18; give them w"):
        check_weights("resnet18", False)
    with pytest.raises(InputError, match=f"The weights of {PACKAGED} come from a package; leave"):
        check_weights(PACKAGED, True)
    with pytest.raises(ValueError, match="a blend cannot read resnet18"):
        CnapsConfig(backbone="resnet18", context="blend", embedding=6, sites="all")
    with pytest.raises(ValueError, match="sites 'paper' are those of"):
        CnapsConfig(backbone="resnet18", sites="paper")
