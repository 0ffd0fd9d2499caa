"""Clutter: what was planted is found, and the command writes what the personaliser reads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from model import load_model
from model.head import distances, fit
from model.nn.checkpoint import load_checkpoint
from model.nn.cnaps import CnapsConfig
from tests.model.test_nn_parts import frames, random_cnaps
from tests.training.tree import write_tree
from training.calibration.clutter import TRAINED, covariance, differences, main
from training.episodes.episode import Task
from training.export.export import export, probabilities


def test_the_directions_of_clutter_are_those_of_its_covariance() -> None:
    rng = np.random.default_rng(0)
    planted = np.linalg.qr(rng.normal(size=(12, 12)))[0][:, :2] * [5, 3]  # (D, 2)
    d = torch.from_numpy(rng.normal(size=(20000, 2)) @ planted.T)
    f = covariance(d, rank=2, weight=0.5)
    np.testing.assert_allclose(f.T @ f, 0.5 * planted @ planted.T, atol=0.2)
    assert f.dtype == torch.float32 and covariance(d, rank=1).shape == (1, 12)


def test_a_difference_is_from_the_mean_to_the_best_window_of_what_is_shown() -> None:
    model = random_cnaps(CnapsConfig(windows=(4,), features="raw", window_floor=0.0))
    labels, targets = torch.tensor([0, 0, 1]), torch.tensor([1, 0])
    clips = [torch.from_numpy(frames(seed, count))[:, None] for seed, count in ((0, 3), (1, 2))]
    found = differences(model, Task(clips[0], labels, clips[1], targets, 2))
    with torch.no_grad():
        film = model.film(model.embeddings(clips[0][:, 0]).mean(0))
        z = model.support_features(clips[0][:, 0], film).double().numpy()
        x = model.query_features(clips[1][:, 0], film).double().numpy()  # (2, 16, D)
    for ours, windows, k in zip(found.numpy(), x, targets.tolist(), strict=True):
        best = distances(fit(z, labels.numpy()), windows)[:, k].argmin()
        expected = windows[best] - z[labels.numpy() == k].mean(0)
        np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_the_command_gives_folder_and_torch_one_head(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, home = tmp_path / "random", tmp_path / "home"
    export(random_cnaps(CnapsConfig(windows=(4,))), {"steps": 1}, folder, trained=True)
    write_tree(home)
    clips = {str(k): [frames(k, 3)] for k in range(3)}
    before = load_model(folder).adapt(clips).predict(query := frames(9, 4))
    main([str(folder), "--orbit", str(home)])
    assert "20 frames of 2 people" in capsys.readouterr().out
    personaliser = load_model(folder)
    ours = personaliser.adapt(clips).predict(query)
    support, labels = np.concatenate([c for (c,) in clips.values()]), np.repeat(np.arange(3), 3)
    model, provenance = load_checkpoint(folder / TRAINED)
    assert np.abs(ours - probabilities(model, support, labels, query)).max() <= 1e-4
    assert np.abs(ours - before).max() > 1e-3
    assert provenance["clutter"]["people"] == 2
    # the folder is what export writes of its checkpoint
    export(model, provenance, again := tmp_path / "again" / "random", trained=True)
    for file in again.iterdir():
        if file.name != "MODEL_CARD.md":
            assert file.read_bytes() == (folder / file.name).read_bytes(), file.name
    shutil.rmtree(home / "train")
    with pytest.raises(SystemExit, match="no folder train, validation or test"):
        main([str(folder), "--orbit", str(home)])
    assert json.loads((folder / "card.json").read_text())["format"] == 4
