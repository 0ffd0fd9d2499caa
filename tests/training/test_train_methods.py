"""The other methods that `training.train --method` trains: what moves, what is kept, what it is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from model.errors import InputError
from model.nn.case import CaseFilm
from model.nn.checkpoint import load_checkpoint, save_checkpoint
from model.nn.cnaps import CnapsConfig, SimpleCnaps
from tests.training.test_train import config_of
from training import train
from training.checkpointing import Progress, load_state, save_state
from training.episodes.domains.mixture import episodes_of
from training.gradient import accuracy_on
from training.methods import maml
from training.methods.catalogue import CHECKPOINT, choose, open_backbone
from training.settings.config import check

CPU = torch.device("cpu")
PUBLISHED = "simple-cnaps, published set encoder"
OPTIONS = {
    PUBLISHED: ("--context", "published"),
    "protonets, cosine": ("--method", "protonets"),
    "protonets, euclidean": ("--method", "protonets", "--features", "raw"),
}
TRAINED = {
    PUBLISHED: {"set_encoder", "film_generator", "log_temperature"},
    "cnaps": {"set_encoder", "film_generator", "head", "log_temperature"},
    "protonets, cosine": {"backbone", "log_temperature"},
    "protonets, euclidean": {"backbone", "log_temperature"},
    "case": {"film_generator", "log_temperature"},
    "maml": {"backbone"},
}


@pytest.mark.parametrize("method", TRAINED)
def test_a_method_is_trained_kept_and_evaluated(
    method: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maml, "INNER_STEPS", 2)
    options = OPTIONS.get(method, ("--method", method))
    config = config_of(photos, tmp_path, *options, "--penalty", "0")
    model, optimiser = train.build(config, CPU)
    with torch.no_grad():  # r = 0 keeps the generator's first gradient from reaching it
        for name, parameter in model.named_parameters():
            if name.endswith(".r"):
                parameter.fill_(0.1)
        if isinstance(model.film_generator, CaseFilm):
            for last in model.film_generator.last_layers():
                last.weight.normal_(std=0.01)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    episodes = episodes_of(config, validation=False)
    train.one_step(config, model, optimiser, 0, iter([episodes[0]]), CPU)
    moved = {n for n, tensor in model.state_dict().items() if not torch.equal(tensor, before[n])}
    assert {name.split(".")[0] for name in moved} == TRAINED[method]
    still = {n for n, p in model.named_parameters() if p.requires_grad} - moved
    # what a generated head adds to the logits of all classes alike has no gradient
    alike = {name for name in still if name.startswith("head.") and name.endswith(".bias")}
    assert {name.split(".")[0] for name in still - alike}.isdisjoint(TRAINED[method]), still
    assert not any(n.endswith(("running_mean", "running_var")) for n in moved)

    path = tmp_path / "kept.safetensors"
    save_checkpoint(path, model, {})
    again, _ = load_checkpoint(path)
    task = episodes[1].task
    assert accuracy_on(config, again, task) == accuracy_on(config, model, task)
    chosen = choose("maml" if method == "maml" else CHECKPOINT, path, open_backbone())
    assert chosen.name == method
    recogniser = chosen.learner.adapt(task.support, task.labels, task.ways)
    logits = recogniser.logits(recogniser.features(task.query[:, 0]))
    assert logits.shape == (len(task.query), task.ways) and logits.isfinite().all()

    save_state(config, model, optimiser, Progress(step=1))
    fresh, other = train.build(config, CPU)
    assert load_state(config, fresh, other).step == 1
    for (name, ours), theirs in zip(
        fresh.state_dict().items(), model.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs), name


@torch.no_grad()
def test_case_starts_as_the_frozen_network() -> None:
    film = CaseFilm((5, 8))(torch.randn(13))
    assert torch.equal(film, torch.cat([torch.ones(13), torch.zeros(13)]))


def test_what_cannot_be_is_refused_in_words(photos: Path, tmp_path: Path) -> None:
    config = config_of(photos, tmp_path)
    with pytest.raises(InputError, match="--film constant is for simple-cnaps; leave it out for c"):
        check(dataclasses.replace(config, method="case", film="constant"))
    path = tmp_path / "ours.safetensors"
    save_checkpoint(path, SimpleCnaps(CnapsConfig(film="constant")), {})
    assert choose(CHECKPOINT, path, open_backbone()).name == "simple-cnaps, constant FiLM"
    with pytest.raises(InputError, match="is no start of MAML"):
        choose("maml", path, open_backbone())
    start = tmp_path / "start.safetensors"
    save_checkpoint(start, SimpleCnaps(dataclasses.replace(config, method="maml").cnaps()), {})
    with pytest.raises(InputError, match="is a start of MAML; evaluate it as maml"):
        choose(CHECKPOINT, start, open_backbone())
    with pytest.raises(InputError, match="--context published is for simple-cnaps"):
        check(dataclasses.replace(config, context="published", method="cnaps"))
    with pytest.raises(InputError, match="--context blend is for tf_efficientnet_lite0"):
        check(dataclasses.replace(config, context="blend", start="b", backbone="resnet18",
                                  weights="w", sites="all"))  # fmt: skip
