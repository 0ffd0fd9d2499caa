"""Torch, the personaliser folder and the exported file are one model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from model import load_model
from model.nn.checkpoint import load_checkpoint
from model.nn.cnaps import SimpleCnaps
from model.personaliser import DEFAULT
from training.export.export import export, probabilities

SHOTS = [[1], [1, 1], [200, 1], [1, 30, 3], [2] * 20 + [1] * 5, [1] * 50]
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
    for name, parameter in model.film_generator.named_parameters():
        if name.endswith(".r"):
            parameter.data.normal_(0, 0.2, generator=generator)
    folder = tmp_path_factory.mktemp("parity") / "strong"
    export(model, provenance, folder, trained=True)
    return folder, model


@pytest.mark.slow
@pytest.mark.parametrize("shots", SHOTS, ids=lambda s: f"{len(s)} objects, {sum(s)} frames")
def test_torch_folder_and_file_agree(both: tuple[Path, SimpleCnaps], shots: list[int]) -> None:
    folder, model = both
    support = images(sum(shots), sum(shots), 224, 224)
    labels = np.repeat(np.arange(len(shots)), shots)
    adapted = load_model(folder).adapt({f"{k}": [support[labels == k]] for k in range(len(shots))})
    flat = np.full((3, 224, 224, 3), np.array([0, 128, 255])[:, None, None, None], np.uint8)
    query = np.concatenate([images(1, 6, 224, 224), flat])  # a covered lens, a blank wall
    ours = adapted.predict(query)
    assert np.abs(ours - probabilities(model, support, labels, query)).max() <= 1e-4
    bare = ort.InferenceSession(adapted.to_bytes())
    for seed, size in enumerate(SIZES):
        frame = images(seed, 1, *size)
        alone = np.asarray(bare.run(["probabilities"], {"frames": frame})[0])
        assert np.abs(alone - adapted.predict(frame)).max() <= 1e-4
