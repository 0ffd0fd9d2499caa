"""Torch, the personaliser folder and the exported file are one model."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import Tensor, nn

from model import load_model
from model.confidence.unknown import Calibration, compared, own_looks
from model.nn import head
from model.nn.checkpoint import load_checkpoint
from model.nn.cnaps import SimpleCnaps
from model.personaliser import DEFAULT
from training.calibration.calibrate import write
from training.export.export import export, probabilities

SHOTS = [[1], [1, 1], [100, 1], [1, 30, 3], [2] * 20 + [1] * 5, [1] * 50]
SIZES = [(224, 224), (240, 320), (333, 77), (19, 640), (1080, 1080), (1, 1)]


def images(seed: int, count: int, height: int, width: int) -> np.ndarray:
    """(count, height, width, 3): coloured patches of several sizes."""
    rng = np.random.default_rng(seed)
    total = np.zeros((count, height, width, 3))
    for cells in (3, 9, 40):
        patches = rng.normal(0, 60 / cells**0.3, (count, cells, cells, 3))
        rows, columns = np.arange(height) * cells // height, np.arange(width) * cells // width
        total += patches[:, rows][:, :, columns]
    shift = rng.uniform(60, 200, (count, 1, 1, 3))
    return np.clip(total + shift, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module", params=["shipped", "strong FiLM"])
def both(request: pytest.FixtureRequest, tmp_path_factory) -> tuple[Path, SimpleCnaps]:
    """A folder and the torch model it was made of: as shipped, and with a strong FiLM."""
    model, provenance = load_checkpoint(DEFAULT / "trained.safetensors")
    if request.param == "shipped":
        return DEFAULT, model
    generator = torch.Generator().manual_seed(0)
    for parameter in model.film_generator.parameters():
        parameter.data.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    folder = tmp_path_factory.mktemp("parity") / "strong"
    export(model, provenance, folder, trained=True)
    shipped = load_model().card.calibration
    assert shipped
    write(folder, shipped)
    return folder, model


@torch.no_grad()
def in_torch(
    model: SimpleCnaps,
    known: Calibration,
    support: np.ndarray,
    labels: np.ndarray,
    query: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """unknown (M,) and where (M, 4) of square frames, from torch's features, without the head's
    coordinates.
    """
    frames = torch.from_numpy(support)
    film = model.film(model.embeddings(frames).mean(0))
    z = model.support_features(frames, film).double()
    x = model.query_features(torch.from_numpy(query), film).double()  # (M, P, D)
    filled = head.nonempty(x, z, model.config.window_floor)
    looks = own_looks(z.numpy(), labels, np.zeros(len(labels)), known.typical)
    cosines = torch.cosine_similarity(x[:, :, None], z[None, None], dim=-1)  # (M, P, N)
    alike = [
        cosines[..., rows].topk(min(3, len(rows)))[0].mean(-1) - offset
        for rows, offset in zip(compared(labels), looks.offsets(known), strict=True)
    ]
    heat = heat_of(model, film, support, labels, torch.from_numpy(query), x)
    each = torch.stack(alike, -1).masked_fill(~filled[..., None], -torch.inf).amax(1)  # (M, K)
    best = (each - known.colour * colours_apart(heat, support, labels, query)).amax(1)
    unknown = torch.sigmoid(known.steepness * (looks.threshold(known) - best))
    return unknown.numpy(), boxes(heat)


def heat_of(
    model: SimpleCnaps, film: Tensor, support: np.ndarray, labels: np.ndarray, query: Tensor,
    x: Tensor,
) -> Tensor:  # fmt: skip
    """(M, 14, 14) by the dense formula of `model.graph.place`, with a D x D matrix."""
    z = model.support_features(torch.from_numpy(support), film).double()
    rows, y = head.unit(z), torch.from_numpy(labels)
    ways, centred = int(labels.max()) + 1, rows - rows.mean(0)
    best = model.logits(z, y, x, ways).argmax(1)
    spread = centred.T @ centred / max(len(rows) - 1, 1) + torch.eye(rows.shape[1])
    means = torch.stack([centred[y == k].mean(0) for k in range(ways)], 1)
    evidence = torch.linalg.solve(spread, means)  # (D, K)
    heats = torch.einsum("mdij,dk->mkij", model.maps(query, film).double(), evidence)
    coarse = heats[torch.arange(len(best)), best]
    coarse = nn.functional.interpolate(coarse[:, None], scale_factor=2, mode="bilinear")[:, 0]
    taught = fine_maps(model, torch.from_numpy(support), film)
    middle = taught[:, :, 5:9, 5:9].mean((2, 3)) - taught.mean((2, 3))
    means = torch.stack([middle[y == k].mean(0) for k in range(ways)])  # (K, C)
    fine = torch.einsum("mcij,mc->mij", fine_maps(model, query, film), means[best])
    return in_unit_range(coarse) + in_unit_range(fine)


def boxes(heat: Tensor) -> np.ndarray:
    """where (M, 4)"""
    (centre, _), (_, deviation) = moments(heat, 0.9), moments(heat, 0.6)
    half = np.minimum(np.sqrt(3) * deviation, np.minimum(centre, 1 - centre))
    return np.concatenate([centre - half, centre + half], 1)


def colours_apart(
    heat: Tensor, support: np.ndarray, labels: np.ndarray, query: np.ndarray
) -> Tensor:
    """d_k (M, K) of `model.confidence.unknown`."""
    taught = colours(support)[:, :, 5:9, 5:9].flatten(2)  # (N, 3, 16)
    pointed = torch.einsum("mij,mcij->mc", shares_beyond(heat, 0.9), colours(query))
    apart = (pointed[:, None, :, None] - taught).square().sum(2).sqrt().amin(2)  # (M, N)
    return torch.stack(
        [
            apart[:, rows].topk(min(3, len(rows)), largest=False)[0].mean(1)
            for rows in compared(labels)
        ],
        1,
    )


def colours(frames: np.ndarray) -> Tensor:
    """(B, 3, 14, 14): a quarter of the luma, and the differences of red and blue from it."""
    red, green, blue = torch.from_numpy(frames).double().permute(3, 0, 1, 2) / 255
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    planes = torch.stack([luma / 4, 0.713 * (red - luma), 0.564 * (blue - luma)], 1)
    return nn.functional.avg_pool2d(planes, 16)


def fine_maps(model: SimpleCnaps, frames: Tensor, film: Tensor) -> Tensor:
    """(B, C, 14, 14): what the fifth of the backbone's seven stages gives."""
    kept: list[Tensor] = []
    stages = cast(nn.Sequential, model.backbone.net.blocks)
    hook = stages[4].register_forward_hook(lambda *told: kept.append(told[-1].double()))
    model.maps(frames, film)
    hook.remove()
    return torch.cat(kept)


def in_unit_range(maps: Tensor) -> Tensor:
    least, most = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    return (maps - least) / (most - least).clamp_min(1e-9)


def shares_beyond(heat: Tensor, share: float) -> Tensor:
    """(M, 14, 14): what exceeds a share of the range, as parts of 1."""
    least, most = heat.amin((1, 2), keepdim=True), heat.amax((1, 2), keepdim=True)
    speaks = (heat - least - share * (most - least)).clamp_min(0) + 1e-9
    return speaks / speaks.sum((1, 2), keepdim=True)


def moments(heat: Tensor, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (M, 2) of the place of what exceeds a share of the range."""
    shares = shares_beyond(heat, share).numpy()
    places = (np.arange(14) + 0.5) / 14
    sums = shares.sum(1), shares.sum(2)  # across, down: (M, 14) each
    mean = np.stack([along @ places for along in sums], 1)
    return mean, np.sqrt(np.stack([along @ places**2 for along in sums], 1) - mean**2)


@pytest.mark.slow
@pytest.mark.parametrize("shots", SHOTS, ids=lambda s: f"{len(s)} objects, {sum(s)} frames")
def test_torch_folder_and_file_agree(both: tuple[Path, SimpleCnaps], shots: list[int]) -> None:
    folder, model = both
    support = images(sum(shots), sum(shots), 224, 224)
    labels = np.repeat(np.arange(len(shots)), shots)
    adapted = load_model(folder).adapt({f"{k}": [support[labels == k]] for k in range(len(shots))})
    flat = np.full((3, 224, 224, 3), np.array([0, 128, 255])[:, None, None, None], np.uint8)
    query = np.concatenate([images(1, 6, 224, 224), flat])  # a covered lens, a blank wall
    ours = adapted.answers(query)
    known = load_model(folder).card.calibration
    sharp = known.sharpness_for(labels) if known else 1.0
    theirs = probabilities(model, support, labels, query, sharp)
    assert np.abs(ours.probabilities - theirs).max() <= 1e-4
    if known:
        unknown, where = in_torch(model, known, support, labels, query)
        assert ours.unknown is not None and ours.where is not None
        assert np.abs(ours.unknown - unknown).max() <= 1e-4
        assert np.abs(ours.where - where).max() <= 1e-4
    bare = ort.InferenceSession(adapted.to_bytes())
    for seed, size in enumerate(SIZES):
        frame = images(seed, 1, *size)
        alone = np.asarray(bare.run(["probabilities"], {"frames": frame})[0])
        assert np.abs(alone - adapted.predict(frame)).max() <= 1e-4
        names = [name for name in ("unknown", "where") if name in adapted.outputs]
        for name, value in zip(names, bare.run(names, {"frames": frame}), strict=True):
            again = getattr(adapted, name)(frame)
            assert np.abs(np.asarray(value) - again).max() <= 1e-4
