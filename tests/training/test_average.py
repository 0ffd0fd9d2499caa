"""The average of checkpoints: a plain mean of numbers, of runs that fit each other."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model.errors import InputError
from model.nn.checkpoint import load_checkpoint, save_checkpoint
from model.nn.cnaps import CnapsConfig, SimpleCnaps
from tests.model.test_nn_parts import random_cnaps
from training.average import average, main

CONFIG = CnapsConfig(windows=(5,))


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


def film(path: Path, seed: int) -> torch.Tensor:
    model, _ = load_checkpoint(path)
    e = torch.randn(CONFIG.embedding, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return model.film(e if model.config.film == "task" else torch.zeros_like(e))


def test_the_mean_is_of_every_tasks_film(runs: list[Path], tmp_path: Path) -> None:
    """Runs with one encoder here, and one FiLM for all tasks among them, which counts twice."""
    constant = tmp_path / "constant.safetensors"
    save_checkpoint(constant, random_cnaps(replace(CONFIG, film="constant")), {"steps": 5})
    with torch.no_grad():
        first, _ = load_checkpoint(runs[0])
        for vector in first.pixel_parts()[1].vectors():
            vector.r.mul_(-2)
            vector.last.weight.mul_(3)
        other = tmp_path / "other.safetensors"
        save_checkpoint(other, first, {"hours": 0.25})
    parts = [runs[0], constant, other, constant]
    main([*map(str, parts), "--out", str(tmp_path / "mean.safetensors")])
    mean, provenance = load_checkpoint(tmp_path / "mean.safetensors")
    for seed in range(3):
        expected = sum(film(part, seed).double() for part in parts) / 4
        found = film(tmp_path / "mean.safetensors", seed).double()
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    assert not torch.equal(film(runs[0], 0), film(runs[0], 1))
    assert mean.config == CONFIG and provenance["hours"] == 0.5
    assert [facts.get("steps") for facts in provenance["average of"]] == [0, 5, None, 5]


def test_encoders_are_averaged_and_the_frozen_net_stays_frozen(
    runs: list[Path], tmp_path: Path
) -> None:
    mean, _ = average(runs)
    models = [load_checkpoint(path)[0] for path in runs]
    for name, value in mean.set_encoder.state_dict().items():
        expected = sum(m.set_encoder.state_dict()[name].double() for m in models) / 3
        torch.testing.assert_close(value.double(), expected, rtol=1e-6, atol=1e-9, msg=name)
    for name, value in mean.backbone.state_dict().items():
        assert torch.equal(value, models[0].backbone.state_dict()[name])
    start = SimpleCnaps(CONFIG)
    save_checkpoint(tmp_path / "start.safetensors", start, {})
    untrained, _ = average([tmp_path / "start.safetensors"] * 2)
    e = torch.ones(CONFIG.embedding)
    assert torch.equal(untrained.film(e), start.film(e))


def test_what_cannot_be_averaged_is_refused_in_words(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs 2 checkpoints or more; there is 1"):
        average(runs[:1])
    other = tmp_path / "other.safetensors"
    save_checkpoint(other, random_cnaps(replace(CONFIG, sites="deep")), {})
    with pytest.raises(InputError, match=r"other\.safetensors has sites deep, and .* has paper"):
        average([runs[0], other])
    save_checkpoint(other, random_cnaps(replace(CONFIG, film="none")), {})
    with pytest.raises(InputError, match=r"Of .*other\.safetensors and .* the other has none"):
        average([runs[0], other])
    save_checkpoint(other, random_cnaps(replace(CONFIG, head="prototypes")), {})
    with pytest.raises(InputError, match=r"other\.safetensors has head prototypes, and .* maha"):
        average([runs[0], other])
    for settings, part in (({"head": "generated"}, "head"), ({"backbone_trained": True}, "backb")):
        save_checkpoint(other, random_cnaps(replace(CONFIG, **settings)), {})
        with pytest.raises(InputError, match=f"trained its {part}.* too; a mean is of FiLM alone"):
            average([other, other])
