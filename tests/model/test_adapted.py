"""A file from elsewhere: opened when it is whole and answers, else refused in one sentence."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper
from threadpoolctl import threadpool_info

from model import InputError, load_adapted, load_model
from model.adapted import _batches
from tests.model.test_personaliser import clip, random_support
from tests.tiny import write_tiny


def _hidden(adapted: bytes, where: str) -> onnx.ModelProto:
    """The model with a tensor that names another file, where only a walk of the graph finds it."""
    model = onnx.load_model_from_string(adapted)
    outside = onnx.TensorProto(name="outside", data_type=onnx.TensorProto.FLOAT, dims=[1])
    outside.data_location = onnx.TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="secret.bin")
    constant = onnx.helper.make_node("Constant", [], ["secret"])
    constant.attribute.add(name="value", type=onnx.AttributeProto.TENSOR).t.CopyFrom(outside)
    match where:
        case "constant":
            model.graph.node.append(constant)
        case "branch":
            (branch,) = (node for node in model.graph.node if node.op_type == "If")
            branch.attribute[0].g.node.append(constant)
        case "sparse":
            sparse = model.graph.sparse_initializer.add(dims=[9])
            sparse.values.CopyFrom(outside)
            sparse.indices.CopyFrom(numpy_helper.from_array(np.array([1], np.int64)))
        case "sparse constant":
            node = model.graph.node.add(op_type="Constant", output=["secret"])
            attribute = node.attribute.add(name="sparse_value")
            attribute.type = onnx.AttributeProto.SPARSE_TENSOR
            attribute.sparse_tensor.values.CopyFrom(outside)
    return model


@pytest.mark.parametrize("where", ["constant", "branch", "sparse", "sparse constant"])
def test_no_tensor_in_any_corner_may_name_another_file(where: str, tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "tiny")
    adapted = load_model(folder).adapt(random_support(0, [1, 1])).to_bytes()
    path = tmp_path / "mine.onnx"
    path.write_bytes(_hidden(adapted, where).SerializeToString())
    with pytest.raises(InputError, match=r"^mine\.onnx: .* keeps its weights elsewhere"):
        load_adapted(path)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ('["a"]', r"names 1 objects and answers with \(1, 2\)"),
        ('["a", "b", "c"]', r"names 3 objects and answers with \(1, 2\)"),
        ('["a", "a"]', "Two objects are called 'a'"),
        ('["a", ""]', "An object needs a name"),
        ("[]", "holds no names"),
    ],
)
def test_names_that_do_not_fit_the_answers(names: str, sentence: str, tmp_path: Path) -> None:
    adapted = load_model(write_tiny(tmp_path / "tiny")).adapt(random_support(0, [1, 1]))
    model = onnx.load_model_from_string(adapted.to_bytes())
    onnx.helper.set_model_props(model, {"names": names})
    (tmp_path / "mine.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=f"^mine.onnx: .*{sentence}"):
        load_adapted(tmp_path / "mine.onnx")


def test_a_model_that_answers_nan_is_refused(tmp_path: Path) -> None:
    adapted = load_model(write_tiny(tmp_path / "tiny")).adapt(random_support(0, [2, 2]))
    model = onnx.load_model_from_string(adapted.to_bytes())
    (mean,) = (t for t in model.graph.initializer if t.name.endswith("mean"))
    mean.CopyFrom(numpy_helper.from_array(np.full(24, np.nan, np.float32), mean.name))
    (tmp_path / "mine.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=r"^mine\.onnx: .* answers with no probabilities"):
        load_adapted(tmp_path / "mine.onnx")


def test_renaming_changes_the_names_and_nothing_else(tmp_path: Path) -> None:
    adapted = load_model(write_tiny(tmp_path / "tiny")).adapt(random_support(0, [2, 3]))
    frames = clip(np.random.default_rng(1), 4)
    other = adapted.renamed(["ключ", "👩\u200d👧 mug"])
    assert adapted.names != other.names == ("ключ", "👩\u200d👧 mug")
    np.testing.assert_array_equal(other.predict(frames), adapted.predict(frames))
    assert json.loads(other.facts["names"]) == list(other.names)
    other.save(tmp_path / "mine.onnx")
    assert load_adapted(tmp_path / "mine.onnx").names == other.names
    before = dict(ort.InferenceSession(adapted.to_bytes()).get_modelmeta().custom_metadata_map)
    after = dict(ort.InferenceSession(other.to_bytes()).get_modelmeta().custom_metadata_map)
    assert {k for k in before if before[k] != after[k]} == {"names"}
    for names in (["one"], ["a", "a"], ["a", ""]):
        with pytest.raises(InputError):
            adapted.renamed(names)


def test_interleaved_adaptations_leave_blas_its_threads(tmp_path: Path) -> None:
    personaliser = load_model(write_tiny(tmp_path / "tiny"))

    def threads() -> list[int]:
        return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]

    before = threads()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda seed: personaliser.adapt(random_support(seed, [9, 9])), range(12)))
    assert threads() == before


def test_large_frames_go_in_small_batches(tmp_path: Path) -> None:
    adapted = load_model(write_tiny(tmp_path / "tiny")).adapt(random_support(0, [2, 2]))
    frames = [np.full((2160, 3840, 3), grey, np.uint8) for grey in range(0, 160, 10)]
    batches = list(_batches(frames))
    assert {len(batch) for batch in batches} == {1}
    assert [len(b) for b in _batches([np.zeros((480, 640, 3), np.uint8)] * 16)] == [13, 3]
    assert adapted.predict(frames[:2]).shape == (2, 2)


def test_what_is_no_file_is_refused_unread(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", "a\0b", str(tmp_path / "pipe"), str(tmp_path)):
        with pytest.raises(InputError, match="not a file"):
            load_adapted(path)


def test_names_that_are_one_in_unicode_are_refused(tmp_path: Path) -> None:
    adapted = load_model(write_tiny(tmp_path / "tiny")).adapt(random_support(0, [1, 1]))
    with pytest.raises(InputError, match="own name"):
        adapted.renamed(["é", "e\u0301"])
