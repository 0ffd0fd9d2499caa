"""The site that `python -m app static` writes: what is in it, and that its parts are the model."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnxruntime import InferenceSession

from app.__main__ import main
from app.device.page import page_files
from app.device.runtime import FILES, LEARNING, learning_files, runtime_files
from app.device.site import MANIFEST, contents, write_site
from model import InputError, load_model
from model.card import PARTS, read_card
from model.graph.parts import parts
from tests.tiny import CALIBRATION, write_tiny

MOST = 45e6  # bytes of a site
SHOTS = {"a": 5, "b": 1, "c": 2}  # frames


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small files in place of those from npm."""
    folder = tmp_path / "runtime"
    folder.mkdir()
    for name in (*FILES, *LEARNING):
        (folder / name).write_text(name)
    for of in (runtime_files, learning_files):
        monkeypatch.setattr(of, "__defaults__", (folder,))
    return folder


def test_a_site_is_whole_small_and_says_what_is_in_it(runtime: Path, tmp_path: Path) -> None:
    size = write_site(tmp_path / "site")
    files = {f.relative_to(tmp_path / "site").as_posix(): f for f in (tmp_path / "site").rglob("*")}
    files = {name: file for name, file in files.items() if file.is_file()}
    assert sum(file.stat().st_size for file in files.values()) == size
    assert size + 14.5e6 < MOST  # with onnxruntime itself
    made = json.loads(files[MANIFEST].read_text())
    assert made["sha256"].keys() == files.keys() - {MANIFEST}
    for name, digest in made["sha256"].items():
        assert hashlib.sha256(files[name].read_bytes()).hexdigest() == digest
    assert "MIT License" in files["LICENCES.md"].read_text()
    assert {"runtime/LICENSE", "runtime/learning.LICENSES.txt", "samples/README.md"} <= set(files)
    index = files["index.html"].read_text()
    for link in re.findall(r'(?:href|src)="([^"]+)"', index):
        assert link in files
    watched = re.findall(r"samples/[^&]+\.mp4", index)
    taught = [url for urls in made["samples"].values() for url in urls]
    assert len(watched) == len(made["samples"]) == 8 and len(taught) == 16
    assert all(url.replace("%20", " ") in files for url in (*watched, *taught))


def test_the_page_of_a_site_knows_nothing_of_a_server() -> None:
    there = page_files("site.html").keys()
    assert {f"page/{part}.js" for part in ("adapt/worker", "worker", "teach", "local")} <= there
    assert not there & {f"page/{part}.js" for part in ("app", "line", "standalone", "offline")}


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("full", "is there already"),
        ("file", "is there already"),
        ("no/where", "There is no folder"),
    ],
)
def test_what_is_there_is_not_overwritten(
    runtime: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], out: str, words: str
) -> None:
    (tmp_path / "full").mkdir()
    for name in ("full/mine", "file"):
        (tmp_path / name).write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert main(["static", "--out", str(tmp_path / out)]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_without_what_npm_gives_it_says_what_to_do(runtime: Path, tmp_path: Path) -> None:
    (runtime / LEARNING[0]).unlink()
    with pytest.raises(InputError, match=r"python -m app\.device\.install"):
        write_site(tmp_path / "site")
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("kind", ["prototypes", "mahalanobis"])
def test_a_personaliser_that_a_page_cannot_adapt_is_refused(
    runtime: Path, tmp_path: Path, kind: str
) -> None:
    known = CALIBRATION if kind == "prototypes" else None
    tiny = write_tiny(tmp_path / "tiny", calibration=known, kind=kind)
    with pytest.raises(InputError, match="'tiny' cannot be adapted in a page"):
        contents(tiny)


@pytest.mark.parametrize("countered", [False, True])
def test_the_parts_one_behind_the_other_are_the_adapted_file(
    tmp_path: Path, countered: bool
) -> None:
    """As page/adapt/join.js puts them: bytes behind bytes. And film.onnx makes the tensors."""
    folder = write_tiny(tmp_path / "tiny", film=0.3, calibration=CALIBRATION)
    rng = np.random.default_rng(0)
    clips = {name: [rng.integers(0, 256, (n, 224, 224, 3), np.uint8)] for name, n in SHOTS.items()}
    personaliser, foreign = load_model(folder), [clips["a"][0][:1]] if countered else []
    adapted = personaliser.fit(personaliser.see(clips, counter_examples=foreign)).to_bytes()
    ours = onnx.load_model_from_string(adapted)
    wanted = {tensor.name: tensor for tensor in ours.graph.initializer}
    set_encoder, *rest = ((folder / part).read_bytes() for part in PARTS)
    generator, backbone = (onnx.load_model_from_string(part).graph for part in rest)
    pieces = parts(read_card(folder), set_encoder, generator, backbone)

    frames = np.concatenate([own[0] for own in clips.values()])
    (rows,) = InferenceSession(set_encoder).run(None, {"frames": frames})
    session = InferenceSession(pieces["film.onnx"])
    embedding = np.asarray(rows).mean(0, keepdims=True)
    tensors = [np.asarray(tensor) for tensor in session.run(None, {"embedding": embedding})[1:]]
    folded = [output.name for output in session.get_outputs()][1:]
    for name, tensor in zip(folded, tensors, strict=True):
        np.testing.assert_allclose(tensor, numpy_helper.to_array(wanted[name]), atol=1e-6)

    graph = pieces["countered.pb" if countered else "adapted.pb"]
    there = {tensor.name for tensor in onnx.GraphProto.FromString(graph).initializer}
    more = onnx.GraphProto(initializer=[t for t in ours.graph.initializer if t.name not in there])
    assert set(folded) <= {tensor.name for tensor in more.initializer}
    assert all(tensor.name.startswith("h_") or tensor.name in folded for tensor in more.initializer)
    whole = onnx.ModelProto(graph=onnx.GraphProto.FromString(graph + more.SerializeToString()))
    theirs = onnx.load_model_from_string(pieces["model.pb"] + whole.SerializeToString())
    assert list(theirs.graph.node) == list(ours.graph.node)
    assert {tensor.name: tensor for tensor in theirs.graph.initializer} == wanted
    assert list(theirs.graph.output) == list(ours.graph.output)
