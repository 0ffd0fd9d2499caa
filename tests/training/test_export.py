"""Export: the same checkpoint gives the same bytes, and torch agrees with what is written."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from model import InputError, load_model
from model.nn.checkpoint import load_checkpoint
from model.nn.cnaps import CnapsConfig
from model.personaliser import DEFAULT
from tests.model.test_nn_parts import frames, random_cnaps
from training.calibration.calibrate import write
from training.export import export as module
from training.export.export import export, probabilities, untrained


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("export") / "random"
    export(random_cnaps(CnapsConfig(windows=(4,))), {"seed": 0, "data": "none"}, out, trained=True)
    return out


def test_the_shipped_folder_is_what_export_writes_of_its_checkpoint(tmp_path: Path) -> None:
    model, provenance = load_checkpoint(DEFAULT / "trained.safetensors")
    export(model, provenance, tmp_path / DEFAULT.name, trained=True)
    calibration = load_model().card.calibration
    assert calibration
    write(tmp_path / DEFAULT.name, calibration)
    for file in (tmp_path / DEFAULT.name).iterdir():
        if file.name != "MODEL_CARD.md":  # it has notes
            assert file.read_bytes() == (DEFAULT / file.name).read_bytes(), file.name


def test_the_frozen_backbone_is_the_same_file_in_every_training(exported: Path) -> None:
    shipped = (DEFAULT / "backbone.onnx").read_bytes()
    assert (exported / "backbone.onnx").read_bytes() == shipped


def test_the_card_names_its_files(exported: Path) -> None:
    card = json.loads((exported / "card.json").read_text())
    for name, digest in card["sha256"].items():
        assert hashlib.sha256((exported / name).read_bytes()).hexdigest() == digest
    assert set(card["sha256"]) == {
        "set_encoder.onnx",
        "film_generator.onnx",
        "backbone.onnx",
        "trained.safetensors",
    }
    names = {t.name for t in onnx.load(exported / "backbone.onnx").graph.initializer}
    assert {s[part] for s in card["sites"] for part in ("weight", "bias")} <= names
    assert "Data: none" in (exported / "MODEL_CARD.md").read_text()


def test_the_folder_holds_the_checkpoint_it_came_from(exported: Path) -> None:
    model, provenance = load_checkpoint(exported / "trained.safetensors")
    assert provenance == {"seed": 0, "data": "none"}
    assert model.config == CnapsConfig(windows=(4,))


def test_the_card_in_words_has_the_notes_and_the_curves_of_the_run(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps({"step": 0, "kind": "train", "loss": 1.0}) + "\n")
    model, out = random_cnaps(CnapsConfig()), tmp_path / "noted"
    export(model, {"steps": 1}, out, trained=True, notes="Guesses at night.\n", logs=[log])
    assert (out / "curves.svg").read_bytes().startswith(b"<?xml")
    text = (out / "MODEL_CARD.md").read_text()
    assert "\nGuesses at night.\n" in text and "(curves.svg)" in text


@pytest.mark.parametrize("shots", [[1], [1, 1], [2, 5, 1], [3] * 8])
def test_the_folder_and_torch_give_the_same_probabilities(exported: Path, shots: list[int]) -> None:
    clips = {str(k): [frames(k, n)] for k, n in enumerate(shots)}
    query = frames(99, 4)
    ours = load_model(exported).adapt(clips).predict(query)
    support = np.concatenate([clip for (clip,) in clips.values()])
    labels = np.repeat(np.arange(len(shots)), shots)
    model, _ = load_checkpoint(exported / "trained.safetensors")
    assert np.abs(ours - probabilities(model, support, labels, query)).max() <= 1e-4


def test_a_folder_that_disagrees_with_torch_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOLERANCE", -1.0)
    with pytest.raises(InputError, match=r"differ by .* in probability"):
        export(untrained(), {}, tmp_path / "wrong", trained=False)
    assert not list(tmp_path.iterdir())
