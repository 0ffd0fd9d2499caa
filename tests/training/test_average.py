"""The average of checkpoints: a plain mean of numbers, of runs that fit each other."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model.errors import InputError
from model.nn.checkpoint import load_checkpoint, save_checkpoint
from model.nn.cnaps import CnapsConfig
from tests.model.test_nn_parts import random_cnaps
from training.average import average, main

CONFIG = CnapsConfig(windows=5)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three checkpoints with other weights."""
    folder = tmp_path_factory.mktemp("average")
    paths = [folder / f"{name}.safetensors" for name in "abc"]
    for k, path in enumerate(paths):
        model = random_cnaps(CONFIG)
        with torch.no_grad():
            for parameter in model.film_generator.parameters():
                parameter.mul_(k + 1)
        save_checkpoint(path, model, {"steps": 10 * k, "hours": 0.25})
    return paths


def test_every_weight_is_the_mean_and_the_backbone_stays(runs: list[Path], tmp_path: Path) -> None:
    main([*map(str, runs), "--out", str(tmp_path / "mean.safetensors")])
    mean, provenance = load_checkpoint(tmp_path / "mean.safetensors")
    parts = [load_checkpoint(path)[0].state_dict() for path in runs]
    for name, value in mean.state_dict().items():
        expected = sum(part[name].double() for part in parts) / 3
        torch.testing.assert_close(value.double(), expected, rtol=1e-6, atol=1e-9, msg=name)
    assert mean.config == CONFIG and provenance["hours"] == 0.75
    assert [facts["steps"] for facts in provenance["average of"]] == [0, 10, 20]


def test_what_cannot_be_averaged_is_refused_in_words(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs 2 checkpoints or more; there is 1"):
        average(runs[:1])
    other = tmp_path / "other.safetensors"
    save_checkpoint(other, random_cnaps(replace(CONFIG, film="constant")), {})
    with pytest.raises(InputError, match=r"other\.safetensors has film constant, and .* has task"):
        average([runs[0], other])
