"""Checkpoints: what comes back, and what a person reads when a file is not one."""

import json
import re
from pathlib import Path

import pytest
import safetensors.torch
import torch
from safetensors import safe_open

from model.errors import InputError
from model.nn import checkpoint
from model.nn.checkpoint import load_checkpoint, save_checkpoint
from model.nn.cnaps import CnapsConfig, SimpleCnaps


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "best.safetensors"
    config = CnapsConfig(sites="deep", features="raw", windows=())
    save_checkpoint(path, SimpleCnaps(config), {"steps": 7})
    return path


def test_a_checkpoint_makes_the_same_model_again(tmp_path: Path) -> None:
    model = SimpleCnaps(CnapsConfig(sites="deep", features="raw", windows=(2, 3)))
    torch.nn.init.normal_(model.log_temperature)
    save_checkpoint(tmp_path / "c.safetensors", model, {"steps": 7})
    again, provenance = load_checkpoint(tmp_path / "c.safetensors")
    assert again.config == model.config and provenance == {"steps": 7}
    for (name, ours), theirs in zip(
        model.state_dict().items(), again.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs), name


def test_the_backbone_is_not_repeated(saved: Path) -> None:
    with safe_open(saved, "pt") as file:
        assert not any(name.startswith("backbone.") for name in list(file.keys()))


def rewritten(saved: Path, path: Path, **changes: object) -> Path:
    with safe_open(saved, "pt") as file:
        header = json.loads(file.metadata()["checkpoint"]) | changes
        tensors = {name: file.get_tensor(name) for name in list(file.keys())}
    safetensors.torch.save_file(tensors, path, {"checkpoint": json.dumps(header)})
    return path


@pytest.mark.parametrize(("old", "now"), [(4, (4,)), (None, ())])
def test_format_1_had_one_size_of_windows(
    saved: Path, tmp_path: Path, old: int | None, now: tuple[int, ...]
) -> None:
    config = {"sites": "deep", "features": "raw", "windows": old}
    path = rewritten(saved, tmp_path / "old.safetensors", format=1, config=config)
    assert load_checkpoint(path)[0].config.windows == now


def test_too_new_and_foreign_files_are_refused_in_words(saved: Path, tmp_path: Path) -> None:
    new = rewritten(saved, tmp_path / "new.safetensors", format=3)
    with pytest.raises(InputError, match="format 3, newer than the 2"):
        load_checkpoint(new)
    other = rewritten(saved, tmp_path / "other.safetensors", method="MAML")
    with pytest.raises(InputError, match="'MAML' checkpoint"):
        load_checkpoint(other)
    odd = rewritten(saved, tmp_path / "odd.safetensors", config={"sites": "deep", "colour": 1})
    with pytest.raises(InputError, match="settings that this program does not know"):
        load_checkpoint(odd)
    sites = rewritten(saved, tmp_path / "sites.safetensors", config={"sites": "paper"})
    with pytest.raises(InputError, match="does not fit its own settings"):
        load_checkpoint(sites)
    for name, value in (("sites", "paperr"), ("features", "Unit"), ("windows", [3, 9]),
                        ("embedding", -1), ("window_floor", "x")):  # fmt: skip
        wrong = rewritten(saved, tmp_path / "wrong.safetensors", config={name: value})
        with pytest.raises(
            InputError, match=re.escape(f"program does not know: {name} is {value!r}")
        ):
            load_checkpoint(wrong)
    keys = json.dumps(["format", "method", "config", "provenance"])
    for header in ("{", "{}", "3", keys, "[" * 100_000):
        path = tmp_path / "header.safetensors"
        safetensors.torch.save_file({"x": torch.zeros(3)}, path, {"checkpoint": header})
        with pytest.raises(InputError, match="has a header that is not a checkpoint's"):
            load_checkpoint(path)
    for part, value in (("config", None), ("provenance", None), ("format", True), ("format", 0)):
        with pytest.raises(InputError, match="has a header that is not a checkpoint's"):
            load_checkpoint(rewritten(saved, tmp_path / "odd.safetensors", **{part: value}))
    plain = tmp_path / "plain.safetensors"
    safetensors.torch.save_file({"x": torch.zeros(3)}, plain)
    with pytest.raises(InputError, match="not a checkpoint of this program"):
        load_checkpoint(plain)


def test_damaged_files_are_refused_in_words(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no checkpoint"):
        load_checkpoint(tmp_path / "nowhere.safetensors")
    short = tmp_path / "short.safetensors"
    short.write_bytes(saved.read_bytes()[:100_000])
    with pytest.raises(InputError, match="not a whole one"):
        load_checkpoint(short)
    text = tmp_path / "text.safetensors"
    text.write_text("import os")
    with pytest.raises(InputError, match="is not a checkpoint"):
        load_checkpoint(text)
    with pytest.raises(InputError, match="is not a checkpoint"):
        load_checkpoint(tmp_path)


def test_a_full_disk_leaves_the_old_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, model = tmp_path / "last.safetensors", SimpleCnaps(CnapsConfig())
    save_checkpoint(path, model, {"steps": 1})
    before = path.read_bytes()

    def full(tensors: dict, to: Path, metadata: dict) -> None:
        to.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(InputError, match=r"No space left on device.*untouched"):
        save_checkpoint(path, model, {"steps": 2})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["last.safetensors"]
