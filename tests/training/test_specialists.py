"""Two specialists in one model: each task gets the FiLM of its own kind, smoothly."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model.errors import InputError
from model.nn.checkpoint import load_checkpoint, save_checkpoint
from model.nn.cnaps import CnapsConfig
from tests.model.test_nn_parts import random_cnaps
from training.initialise import embeddings
from training.settings.config import TrainConfig
from training.specialists import combine, fit_gate, main, mean_film, supports_of

ONE = CnapsConfig(film="constant")


def test_the_gate_tells_apart_what_can_be_told_apart() -> None:
    generator = torch.Generator().manual_seed(0)
    apart = torch.zeros(6)
    apart[2] = 1.5
    scale, shift = torch.tensor([1, 9, 0.1, 1, 3, 1]), torch.tensor([0, 50, 3, -2, 0, 1])
    positive = (torch.randn(40, 6, generator=generator) * 0.3 + apart) * scale + shift
    negative = (torch.randn(400, 6, generator=generator) * 0.3 - apart) * scale + shift
    a, b = fit_gate(positive, negative)
    ups, downs = positive @ a + b, negative @ a + b  # ten times as many, of channels of any size
    assert ups.min() > 0 > downs.max()
    assert ups.mean().item() == pytest.approx(1, abs=0.1)  # however many tasks a kind has
    assert downs.mean().item() == pytest.approx(-1, abs=0.1)
    assert (a * scale).abs().argmax() == 2
    same_a, same_b = fit_gate(positive, positive)
    assert same_a.abs().max() < 1e-4 and abs(same_b) < 1e-4  # nothing to tell: halfway


@pytest.fixture
def checkpoints(tmp_path: Path) -> list[Path]:
    """Two specialists whose FiLM differs everywhere."""
    paths = []
    for name, factor in (("composites", 0.5), ("classes", -0.5)):
        model = random_cnaps(ONE)
        with torch.no_grad():
            for vector in model.pixel_parts()[1].vectors():
                vector.r.mul_(factor)
        paths.append(tmp_path / f"{name}.safetensors")
        save_checkpoint(paths[-1], model, {"steps": 3, "hours": 0.25})
    return paths


def named(checkpoints: Sequence[Path]) -> list[str]:
    return [word for path in checkpoints for word in (f"--{path.stem}", str(path))]


def test_tasks_of_a_kind_get_their_specialists_film(
    checkpoints: list[Path], photos: Path, views: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "both.safetensors"
    main([*named(checkpoints), "--out", str(out), "--photos", str(photos), "--views", str(views),
          "--whitening", "30", "--way", "5", "--workers", "0"])  # fmt: skip
    model, facts = load_checkpoint(out)
    assert model.config.context == "gate" and out.stat().st_size < 400_000
    shares = re.findall(r"([\d.]+) % of (\w+)", capsys.readouterr().out)
    assert [kind for _, kind in shares] == ["composites", "classes"]
    assert facts["hours"] == 0.5 and sorted(facts["specialists"]) == ["classes", "composites"]
    config = TrainConfig(photos=(str(photos),), views=(str(views),), way=5, whitening=30, workers=0)
    again, _ = combine(checkpoints, config)
    for name, weight in again.state_dict().items():
        assert torch.equal(weight, model.state_dict()[name]), name
    unseen = TrainConfig(
        photos=(str(photos),), views=(str(views),), whitening=10, workers=0, seed=7
    )
    right = 0
    ends = [load_checkpoint(path)[0].film(torch.zeros(64)) for path in checkpoints]
    for kind, own, other in (("composites", *ends), ("classes", *ends[::-1])):
        for e in embeddings(model, supports_of(unseen, kind)):
            with torch.no_grad():
                film = model.film(e)
            right += bool((film - own).norm() < (film - other).norm())
    assert right >= 16  # of 20; by chance in one of 170 trials


def test_a_task_conditioned_specialist_gives_the_mean_over_its_own_tasks(photos: Path) -> None:
    model = random_cnaps(replace(ONE, film="task"))
    config = TrainConfig(photos=(str(photos),), whitening=3, workers=0)
    supports = supports_of(config, "classes")
    with torch.no_grad():
        films = [model.film(model.embeddings(s[:, 0]).mean(0)) for s in supports]
        assert (films[0] - films[1]).abs().max() > 1e-4
        torch.testing.assert_close(mean_film(model, supports), sum(films) / 3, rtol=1e-4, atol=1e-5)


def test_what_cannot_be_combined_is_refused_in_words(
    checkpoints: list[Path], photos: Path, tmp_path: Path
) -> None:
    config = TrainConfig()
    none, everywhere = tmp_path / "none.safetensors", tmp_path / "all.safetensors"
    raw = tmp_path / "raw.safetensors"
    save_checkpoint(raw, random_cnaps(replace(ONE, features="raw")), {})
    with pytest.raises(InputError, match=r"raw\.safetensors has features raw, and .* has unit"):
        combine([checkpoints[0], raw], config)
    save_checkpoint(none, random_cnaps(replace(ONE, film="none")), {})
    save_checkpoint(everywhere, random_cnaps(replace(ONE, sites="all")), {})
    with pytest.raises(InputError, match=r"none\.safetensors has no FiLM"):
        combine([checkpoints[0], none], config)
    with pytest.raises(InputError, match="has sites all, and"):
        combine([checkpoints[0], everywhere], config)
    for more, why in (
        ([], "give --photos and --views"),
        (["--photos", str(photos)], "give --photos and --views"),
    ):
        with pytest.raises(SystemExit, match=why):
            main([*named(checkpoints), "--out", str(tmp_path / "x.safetensors"), *more])
