"""Where a training over domains starts: the specialists' FiLM, and an encoder that tells apart."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model.errors import InputError
from model.nn.blend import DOMAINS, BlendedFilm
from model.nn.checkpoint import load_checkpoint, save_checkpoint
from model.nn.cnaps import CnapsConfig, SimpleCnaps
from tests.model.test_nn_parts import random_cnaps
from training.blend import combine, fit_encoder, main, mean_film, supports_of
from training.initialise import blended, embeddings
from training.settings import provenance
from training.settings.command_line import parse
from training.settings.config import TrainConfig
from training.settings.provenance import Combination, Run
from training.train import main as train

ONE = CnapsConfig(film="constant")


def test_the_regression_tells_apart_what_can_be_told_apart() -> None:
    generator = torch.Generator().manual_seed(0)
    scale = torch.tensor([1, 9, 0.1, 1, 3, 1, 2, 1])
    counts = (40, 400, 40, 40, 40, 40)  # of channels of any size, however many tasks a domain has
    numbers = torch.arange(len(DOMAINS)).repeat_interleave(torch.tensor(counts))
    apart = torch.eye(len(DOMAINS), 8)[numbers]
    means = (torch.randn(len(numbers), 8, generator=generator) * 0.2 + 2 * apart) * scale + 7
    weight, bias = fit_encoder(means, numbers)
    assert torch.equal((means @ weight.T + bias).argmax(1), numbers)
    again = fit_encoder(means * 5 - 3, numbers)  # the unit of a channel does not matter
    torch.testing.assert_close(
        (means * 5 - 3) @ again[0].T + again[1], means @ weight.T + bias, rtol=1e-2, atol=1e-2
    )


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


def film_of(model: SimpleCnaps) -> BlendedFilm:
    assert isinstance(model.film_generator, BlendedFilm)
    return model.film_generator


def test_lite_goes_on_from_a_blend(
    checkpoints: list[Path], photos: Path, views: Path, fonts: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    start, run = tmp_path / "blend.safetensors", tmp_path / "run"
    data = ["--photos", str(photos), "--views", str(views), "--fonts", str(fonts), "--way", "3",
            "--shots", "1", "--workers", "0"]  # fmt: skip
    main([*named(checkpoints), "--out", str(start), *data, "--whitening", "4"])
    shares = re.findall(r"([\d.]+) % of (\w+)", capsys.readouterr().out)
    assert [domain for _, domain in shares] == list(DOMAINS)
    blend, header = load_checkpoint(start)
    made = provenance.read(header)
    assert isinstance(made, Combination) and made.hours == 0.5
    ends = [load_checkpoint(path)[0].film(torch.zeros(64)) for path in checkpoints]
    expected = torch.stack([ends[0], *[ends[1]] * 4, ends[0]])
    torch.testing.assert_close(film_of(blend).vectors(), expected, rtol=1e-5, atol=1e-6)

    words = ["--context", "blend", "--sites", "paper", *data, "--weight-domains", "1",
             "--steps", "1", "--validation", "1", "--queries", "1", "--out", str(run)]  # fmt: skip
    train([*words, "--start", str(start)])
    trained, header = load_checkpoint(run / "last.safetensors")
    told = provenance.read(header)
    assert isinstance(told, Run) and told.started == made and told.hours >= 0.5
    assert torch.equal(film_of(trained).given, film_of(blend).given)
    assert not torch.equal(film_of(trained).trained, film_of(blend).trained)
    before, after = (dict(m.set_encoder.named_parameters()) for m in (blend, trained))
    assert all(not torch.equal(before[name], after[name]) for name in before)
    start.unlink()  # a run that is resumed needs it no more
    train([*words, "--start", str(start), "--resume"])
    config, _ = parse([*words, "--start", str(start)], "")
    assert blended(config, resume=True) == made
    with pytest.raises(SystemExit, match="goes on from a blend; give --start"):
        train(words)
    with pytest.raises(SystemExit, match="was trained with context pixels, not blend"):
        train([*words[:-1], str(tmp_path / "other"), "--start", str(checkpoints[0])])


def test_the_same_options_give_the_same_blend(
    checkpoints: list[Path], photos: Path, views: Path, fonts: Path
) -> None:
    config = TrainConfig(
        photos=(str(photos),), views=(str(views),), fonts=str(fonts), way=3, whitening=2, workers=0
    )
    one, two = (combine(checkpoints, config)[0].state_dict() for _ in range(2))
    for name, weight in one.items():
        assert torch.equal(weight, two[name]), name
    assert {domain for domain, _ in supports_of(config)} == set(DOMAINS)


def test_a_task_conditioned_specialist_gives_the_mean_over_its_own_tasks(photos: Path) -> None:
    model = random_cnaps(replace(ONE, film="task"))
    generator = torch.Generator().manual_seed(0)
    shape = (3, 1, 224, 224, 3)
    supports = [torch.randint(0, 256, shape, generator=generator).byte() for _ in range(3)]
    with torch.no_grad():
        films = [model.film(e) for e in embeddings(model, supports)]
        assert (films[0] - films[1]).abs().max() > 1e-6
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
    save_checkpoint(raw, random_cnaps(replace(ONE, head="prototypes")), {})
    with pytest.raises(InputError, match=r"raw\.safetensors has the head prototypes on .* a blend"):
        combine([checkpoints[0], raw], config)
    save_checkpoint(none, random_cnaps(replace(ONE, film="none")), {})
    save_checkpoint(everywhere, random_cnaps(replace(ONE, sites="all")), {})
    with pytest.raises(InputError, match=r"none\.safetensors has no FiLM"):
        combine([checkpoints[0], none], config)
    with pytest.raises(InputError, match="has sites all, and"):
        combine([checkpoints[0], everywhere], config)
    with pytest.raises(SystemExit, match="need --photos, --views and --fonts"):
        main([*named(checkpoints), "--out", str(tmp_path / "x.safetensors"), "--photos",
              str(photos)])  # fmt: skip
