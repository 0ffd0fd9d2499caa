"""Checkpoints of the public programs: every tensor lands, and the model is the one their authors
describe, rebuilt here from the names in their files and dense formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import Tensor
from torch.nn import functional as F

from model import InputError, load_model
from model.nn.checkpoint import load_checkpoint
from model.nn.cnaps import SimpleCnaps
from tests.training import public_checkpoints as public
from training.export.export import export
from training.import_checkpoint.__main__ import main
from training.import_checkpoint.reading import read

SHOTS = (3, 1, 4)  # with an object of one frame
KINDS = ("lite", "mahalanobis", "versa", "proto")
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


@dataclass(frozen=True)
class Case:
    """A file of a public program, and what is in it."""

    kind: str
    file: Path
    tensors: dict[str, Tensor]


def tensors_of(kind: str) -> dict[str, Tensor]:
    if kind == "lite":
        return public.filled(public.lite(), 0.75)
    return public.filled(public.orbit(kind), 0.84)


@pytest.fixture(scope="module", params=KINDS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    file = tmp_path_factory.mktemp("public") / f"{request.param}.pth"
    tensors = tensors_of(request.param)
    torch.save(tensors, file)
    return Case(request.param, file, tensors)


def frames() -> tuple[Tensor, Tensor, Tensor]:
    """Support, labels and query, uint8 pictures of coloured patches."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (sum(SHOTS) + 3, 7, 7, 3), np.uint8)
    both = torch.from_numpy(coarse.repeat(32, 1).repeat(32, 2))
    labels = torch.arange(len(SHOTS)).repeat_interleave(torch.tensor(SHOTS))
    return both[: sum(SHOTS)], labels, both[sum(SHOTS) :]


@torch.no_grad()
def logits_of(model: SimpleCnaps) -> Tensor:
    support, labels, query = frames()
    film = model.film(model.context(model.embeddings(support), labels))
    z, x = model.support_features(support, film), model.query_features(query, film)
    return model.logits(z, labels, x, len(SHOTS))


@torch.no_grad()
def described(case: Case) -> Tensor:
    """Logits by the authors' own description, from the tensors under their names."""
    t, lite = case.tensors, case.kind == "lite"
    support, labels, query = frames()
    mean, deviation = ([0.5] * 3, [0.5] * 3) if lite else IMAGENET
    scale = torch.tensor(deviation)[:, None, None]

    def pixels(x: Tensor) -> Tensor:
        return (x.permute(0, 3, 1, 2) / 255 - torch.tensor(mean)[:, None, None]) / scale

    net = timm.create_model("tf_efficientnet_b0", num_classes=0).eval()
    own = [v for n, v in t.items() if n.startswith("feature_extractor.") and "_fc" not in n]
    # in the order in which a frame meets them, as both programs and timm list them
    net.load_state_dict(dict(zip(net.state_dict(), own, strict=True)))
    if case.kind != "proto":
        e = embedding(t, pixels(support), lite)
        (apply_lite if lite else apply_orbit)(net, t, e)
    z, x = net(pixels(support)).double(), net(pixels(query)).double()
    return {"versa": generated, "proto": prototypes}.get(case.kind, mahalanobis)(z, labels, x, t)


def embedding(t: dict[str, Tensor], x: Tensor, lite: bool) -> Tensor:
    at = "set_encoder.pre_pooling_fn" if lite else "set_encoder.encoder"
    for i in range(1, 6):
        conv, norm = f"{at}.layer{i}.0", f"{at}.layer{i}.1"
        x = F.conv2d(x, t[f"{conv}.weight"], t[f"{conv}.bias"], padding=1)
        mean, var = (t[f"{norm}.running_{s}"].clone() for s in ("mean", "var"))
        x = F.batch_norm(x, mean, var, t[f"{norm}.weight"], t[f"{norm}.bias"], training=lite)
        x = F.max_pool2d(F.relu(x), 2)
    return x.mean((2, 3)).mean(0)


def made(t: dict[str, Tensor], layers: Sequence[str], r: str, e: Tensor) -> Tensor:
    first, norm, last = layers
    hidden = F.linear(e, t[f"{first}.weight"], t[f"{first}.bias"])
    hidden = F.layer_norm(hidden, (64,), t[f"{norm}.weight"], t[f"{norm}.bias"])
    return t[r] * F.linear(F.relu(hidden), t[f"{last}.weight"], t[f"{last}.bias"])


def apply_lite(net: Any, t: dict[str, Tensor], e: Tensor) -> None:
    """gamma BN(x) + beta after the stem, every depthwise convolution and the last one."""
    blocks = [block for stage in net.blocks for block in stage]
    norms = [net.bn1, blocks[0].bn1, *(block.bn2 for block in blocks[1:]), net.bn2]
    for i, norm in enumerate(norms):
        at = f"feature_adaptation_network.layers.{i}"
        layers = ("linear1", "layernorm", "linear2")
        gamma, beta = (
            made(t, tuple(f"{at}.{kind}_generators.0.{n}" for n in layers),
                 f"{at}.{kind}_regularizers.0", e)
            for kind in ("gamma", "beta")
        )  # fmt: skip
        norm.weight.copy_((1 + gamma) * norm.weight)
        norm.bias.copy_((1 + gamma) * norm.bias + beta)


def apply_orbit(net: Any, t: dict[str, Tensor], e: Tensor) -> None:
    """w0 (1 + g r) and b0 + h r, network i for the i-th parameter in alphabetical order."""
    parameters = dict(net.named_parameters())
    for i, name in enumerate(public.film_parameters()):
        at = f"film_generator.generators.{i}.block"
        change = made(t, (f"{at}.0", f"{at}.1", f"{at}.3"), f"film_generator.regularizers.{i}", e)
        value = parameters[name]
        value.copy_(value * (1 + change) if name.endswith("weight") else value + change)


def mahalanobis(z: Tensor, labels: Tensor, x: Tensor, t: dict[str, Tensor]) -> Tensor:
    """The dense formula; of one frame the covariance is a number, added to every entry."""
    found = []
    for k, n in enumerate(SHOTS):
        own = z[labels == k]
        spread = own.T.cov() if n > 1 else own[0].var()
        sigma = n / (n + 1) * spread + 1 / (n + 1) * z.T.cov() + torch.eye(z.shape[1])
        d = x - own.mean(0)
        found.append(-(d @ torch.linalg.inv(sigma) * d).sum(1))
    return torch.stack(found, 1)


def prototypes(z: Tensor, labels: Tensor, x: Tensor, t: dict[str, Tensor]) -> Tensor:
    """2 mu x - mu mu, less |x|^2, which is the same for every class."""
    mu = torch.stack([z[labels == k].mean(0) for k in range(len(SHOTS))])
    return 2 * x @ mu.T - (mu * mu).sum(1) - (x * x).sum(1, keepdim=True)


def generated(z: Tensor, labels: Tensor, x: Tensor, t: dict[str, Tensor]) -> Tensor:
    mu = torch.stack([z[labels == k].mean(0) for k in range(len(SHOTS))]).float()

    def network(kind: str) -> Tensor:
        y = mu
        for i in (1, 2, 3):
            at = f"classifier.{kind}_processor.linear{i}"
            y = F.linear(y, t[f"{at}.weight"], t[f"{at}.bias"])
            y = F.elu(y) if i < 3 else y
        return y

    return (x.float() @ (mu + network("weight")).T + network("bias")[:, 0]).double()


def test_it_answers_as_its_authors_describe_it(case: Case) -> None:
    imported = read(case.file)
    theirs = described(case)
    assert theirs.std() > 1e-2
    torch.testing.assert_close(logits_of(imported.model), theirs, rtol=1e-3, atol=1e-3)
    empty = ("feature_extractor._fc.weight", "feature_extractor._fc.bias")
    assert imported.unused == (empty if case.kind == "lite" else ())


@pytest.mark.slow
def test_it_becomes_a_checkpoint_and_a_personaliser_of_ours(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "imported.safetensors"
    main([str(case.file), "--out", str(out)])
    assert "unused: " + ("feature_extractor._fc" if case.kind == "lite" else "none") in (
        capsys.readouterr().out
    )
    model, provenance = load_checkpoint(out)
    assert provenance["file"] == case.file.name and len(provenance["sha256"]) == 64
    if case.kind == "versa":
        with pytest.raises(InputError, match="needs torch to adapt"):
            export(model, provenance, tmp_path / "served", trained=True)
        return
    export(model, provenance, tmp_path / "served", trained=True)
    support, labels, query = (part.numpy() for part in frames())
    clips = {str(k): [support[labels == k]] for k in range(len(SHOTS))}
    served = load_model(tmp_path / "served").adapt(clips).predict(query)
    np.testing.assert_allclose(served, described(case).softmax(1).numpy(), atol=2e-3)


class Code:
    """What a pickle would run."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return print, ("code was run",)


def test_what_does_not_fit_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, file = tensors_of("proto"), tmp_path / "some.pt"
    name = "feature_extractor.bn1.bias"
    cases: list[tuple[Any, str]] = [
        ({n: t for n, t in whole.items() if n != name}, f"{name} is missing."),
        (whole | {"some.thing": torch.zeros(1)}, "some.thing is not one of it."),
        (whole | {name: torch.zeros(33)}, rf"{name} has the shape \(33,\), not \(32,\)."),
        (whole | {name: torch.full((32,), torch.nan)}, f"{name} has numbers that are not finite"),
        ({"set_encoder.encoding_fn.layer1.0.weight": torch.zeros(1)}, "one is 'set_encoder.enc"),
        ({"fc.weight": torch.zeros(1)}, "neither the names of LITE"),
        ({}, "one is 'missing'"),
        ([torch.zeros(1)], "is not a state_dict"),
        (whole | {"hook": Code()}, "more than tensors, code perhaps, and is not opened"),
    ]
    for content, sentence in cases:
        torch.save(content, file)
        with pytest.raises(InputError, match=sentence):
            read(file)
    for content in (b"", b"PK\x03\x04", b"no checkpoint"):
        file.write_bytes(content)
        with pytest.raises(InputError, match="is not a checkpoint of PyTorch"):
            read(file)
    with pytest.raises(SystemExit, match="There is no file"):
        main(["nowhere.pt", "--out", str(tmp_path / "out.safetensors")])
    assert "code was run" not in capsys.readouterr().out


def test_of_a_run_that_could_be_resumed_the_weights_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.pt"
    torch.save({"iteration": 3, "model_state_dict": tensors_of("proto"), "best": 0.5}, file)
    assert read(file).unused == ("best", "iteration")
