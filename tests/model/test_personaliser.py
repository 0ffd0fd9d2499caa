"""Adaptation end to end on a tiny personaliser: the file against numpy, order, batches, damage."""

import hashlib
import json
import math
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from model import InputError, load_adapted, load_model
from model.graph.join import fold_film
from model.head import distances, fit, normalised
from model.runtime import open_session
from tests.tiny import HEAD, write_tiny

CLUTTER = np.random.default_rng(4).normal(size=(2, 24)).astype(np.float32)


def clip(rng: np.random.Generator, count: int, height: int = 224, width: int = 224) -> np.ndarray:
    """Frames with structure at several scales, so that features differ between windows."""
    coarse = rng.integers(0, 256, (count, 7, 7, 3))
    rows, columns = np.arange(height) * 7 // height, np.arange(width) * 7 // width
    fine = rng.integers(-20, 20, (count, height, width, 3))
    return np.clip(coarse[:, rows][:, :, columns] + fine, 0, 255).astype(np.uint8)


def random_support(seed: int, shots: list[int]) -> dict[str, list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    return {f"object {k}": [clip(rng, n)] for k, n in enumerate(shots)}


def softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits - logits.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def by_hand(folder: Path, objects: dict[str, list[np.ndarray]], frames: np.ndarray) -> np.ndarray:
    """Probabilities by loops around the parts, the head in float64, no joined graph."""
    card = json.loads((folder / "card.json").read_text())
    head, sites = card["head"], load_model(folder).card.sites
    support = np.concatenate([c for clips in objects.values() for c in clips])
    labels = np.repeat(np.arange(len(objects)), [len(clips[0]) for clips in objects.values()])

    def run(part: bytes, output: str, feed: dict) -> np.ndarray:
        return np.asarray(open_session(part, 1).run([output], feed)[0])

    rows = [
        run((folder / "set_encoder.onnx").read_bytes(), "embedding", {"frames": f[None]})[0]
        for f in support
    ]
    embedding = np.mean(rows, axis=0, keepdims=True)
    film = run((folder / "film_generator.onnx").read_bytes(), "film", {"embedding": embedding})[0]
    backbone = fold_film(onnx.load(folder / "backbone.onnx"), sites, film).SerializeToString()
    z = run(backbone, "features", {"frames": support})
    fitted = fit(normalised(z, head["features"]), labels, clutter=load_model(folder).card.clutter)
    if not head["windows"]:
        x = run(backbone, "features", {"frames": frames})[:, None]
        keep = np.ones(x.shape[:2], bool)
    else:
        maps = run(backbone, "map", {"frames": frames})
        places = [(w, i, j) for w in head["windows"] for i in range(8 - w) for j in range(8 - w)]
        x = np.stack([maps[:, :, i : i + w, j : j + w].mean((2, 3)) for w, i, j in places], 1)
        floor = head["window_floor"] * np.median(np.linalg.norm(z, axis=1))
        keep = np.linalg.norm(x, axis=-1) >= floor
        keep[~keep.any(1)] = True
    logits = -head["temperature"] * distances(fitted, normalised(x, head["features"]))  # (B,P,K)
    return softmax(np.where(keep[..., None], logits, -np.inf).max(1))


@pytest.mark.parametrize("clutter", [None, CLUTTER], ids=["", "clutter"])
@pytest.mark.parametrize("windows", [[], [2], [4, 3]])
@pytest.mark.parametrize("features", ["raw", "unit"])
@pytest.mark.parametrize("shots", [[1], [1, 1], [4, 1, 9], [3] * 20])
def test_the_file_computes_the_head(
    tmp_path: Path, shots: list[int], features: str, windows: list[int], clutter: np.ndarray | None
) -> None:
    folder = write_tiny(
        tmp_path / "tiny", film=0.2, features=features, windows=windows, window_floor=0.9,
        clutter=clutter,
    )  # fmt: skip
    objects = random_support(len(shots), shots)
    frames = clip(np.random.default_rng(5), 6)
    got = load_model(folder).adapt(objects).predict(frames)
    np.testing.assert_allclose(got, by_hand(folder, objects, frames), atol=1e-5)


def test_any_size_in_bare_onnxruntime(tmp_path: Path) -> None:
    adapted = load_model(write_tiny(tmp_path / "tiny")).adapt(random_support(0, [3, 4]))
    adapted.save(tmp_path / "mine.onnx")
    session = ort.InferenceSession(tmp_path / "mine.onnx")
    rng = np.random.default_rng(1)
    sizes = [(224, 224), (480, 640), (641, 359), (31, 17), (1, 1), (1080, 1920), (225, 224)]
    frames = [clip(rng, 1, *size)[0] for size in sizes]
    together = adapted.predict(frames)
    assert together.shape == (len(sizes), 2) and together.dtype == np.float32
    np.testing.assert_allclose(together.sum(1), 1, atol=1e-6)
    for row, frame in zip(together, frames, strict=True):
        alone = np.asarray(session.run(["probabilities"], {"frames": frame[None]})[0])[0]
        np.testing.assert_allclose(alone, row, atol=1e-5)


def test_order_of_frames_and_batches_do_not_matter(tmp_path: Path, monkeypatch) -> None:
    personaliser = load_model(write_tiny(tmp_path / "tiny", film=0.2))
    objects = random_support(0, [5, 20, 11])
    rng = np.random.default_rng(1)
    frames = clip(rng, 40)
    expected = personaliser.adapt(objects).predict(frames)
    shuffled = {name: [clips[0][rng.permutation(len(clips[0]))]] for name, clips in objects.items()}
    np.testing.assert_allclose(personaliser.adapt(shuffled).predict(frames), expected, atol=1e-4)
    monkeypatch.setattr("model.personaliser.BATCH", 3)
    monkeypatch.setattr("model.adapted.BATCH", 7)
    np.testing.assert_allclose(personaliser.adapt(objects).predict(frames), expected, atol=1e-4)


def test_order_of_objects_only_orders_the_columns(tmp_path: Path) -> None:
    personaliser = load_model(write_tiny(tmp_path / "tiny", film=0.2))
    objects = random_support(0, [5, 2, 3])
    turned = dict(reversed(objects.items()))
    frames = clip(np.random.default_rng(1), 8)
    there, back = personaliser.adapt(objects), personaliser.adapt(turned)
    assert back.names == there.names[::-1]
    np.testing.assert_allclose(back.predict(frames)[:, ::-1], there.predict(frames), atol=1e-4)


def test_one_adaptation_does_not_touch_another(tmp_path: Path) -> None:
    personaliser = load_model(write_tiny(tmp_path / "tiny", film=0.5))
    objects = random_support(0, [3, 3])
    frames = clip(np.random.default_rng(1), 4)
    first = personaliser.adapt(objects)
    before = first.predict(frames)
    personaliser.adapt(random_support(9, [8, 8]))
    np.testing.assert_array_equal(first.predict(frames), before)
    np.testing.assert_array_equal(personaliser.adapt(objects).predict(frames), before)


def test_progress_counts_frames_and_may_cancel(tmp_path: Path) -> None:
    personaliser = load_model(write_tiny(tmp_path / "tiny"))
    seen: list[tuple[int, int]] = []
    personaliser.adapt(random_support(0, [20, 13]), lambda *step: seen.append(step))
    assert seen == [(0, 33)] * 4 + [(16, 33), (32, 33), (33, 33)]

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        personaliser.adapt(random_support(0, [2, 2]), stop)


def test_saved_and_loaded(tmp_path: Path) -> None:
    names = ["naïve café", "keys 🔑 👩‍🦯", 'a "quoted" / one', "=cmd()"]
    rng = np.random.default_rng(0)
    adapted = load_model(write_tiny(tmp_path / "tiny")).adapt({n: [clip(rng, 2)] for n in names})
    adapted.save(tmp_path / "mine.onnx")
    again = load_adapted(tmp_path / "mine.onnx")
    frames = clip(rng, 3)
    assert again.names == tuple(names)
    np.testing.assert_array_equal(again.predict(frames), adapted.predict(frames))
    onnx.checker.check_model(onnx.load(tmp_path / "mine.onnx"), full_check=True)
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".part"] == []


def test_a_full_disk_keeps_the_old_file(tmp_path: Path, monkeypatch) -> None:
    adapted = load_model(write_tiny(tmp_path / "tiny")).adapt(random_support(0, [1, 1]))
    adapted.save(tmp_path / "mine.onnx")
    before = (tmp_path / "mine.onnx").read_bytes()

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        InputError, match=r"^mine\.onnx could not be saved: No space left on device\.$"
    ):
        adapted.save(tmp_path / "mine.onnx")
    assert (tmp_path / "mine.onnx").read_bytes() == before


@pytest.mark.parametrize("frame", [np.zeros((8, 8, 3)), np.zeros((8, 8, 4), np.uint8), "frame.jpg"])
def test_what_is_no_frame_is_said(tmp_path: Path, frame: object) -> None:
    adapted = load_model(write_tiny(tmp_path / "tiny")).adapt(random_support(0, [1, 1]))
    with pytest.raises(InputError, match="each uint8 RGB of shape"):
        adapted.predict([frame])  # type: ignore[list-item]
    assert adapted.predict([]).shape == (0, 2)


def edit_card(folder: Path, **changes: object) -> None:
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | changes))


@pytest.mark.parametrize(("old", "now"), [(4, [4]), (None, [])])
def test_a_card_of_format_1_had_one_size_of_windows(
    tmp_path: Path, old: int | None, now: list[int]
) -> None:
    objects, frame = random_support(0, [2, 3]), clip(np.random.default_rng(1), 1)
    answers = []
    for windows, version in ((old, 1), (now, 2)):
        folder = write_tiny(tmp_path / f"format {version}")
        edit_card(folder, format=version, head=HEAD | {"windows": windows})
        answers.append(load_model(folder).adapt(objects).predict(frame))
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda f: shutil.rmtree(f), "has no card.json"),
        (lambda f: (f / "card.json").write_text("{"), "is not a personaliser's card"),
        (lambda f: (f / "card.json").write_text("[" * 100_000), "is not a personaliser's card"),
        (lambda f: (f / "card.json").write_text("[1, 2]"), "is not a personaliser's card"),
        (lambda f: (f / "card.json").write_bytes(b"\xff\xfe\x00"), "is not a personaliser's card"),
        (lambda f: edit_card(f, format=5), "has format 5, newer than the 4"),
        (lambda f: edit_card(f, format=0), "is not a personaliser's card"),
        *((lambda f, d=d: edit_card(f, features=d), "is not a personaliser's card")
          for d in (0, -1280, 12.8, True)),
        (lambda f: edit_card(f, embedding=0), "is not a personaliser's card"),
        (lambda f: edit_card(f, side=84), "is not a personaliser's card"),
        (lambda f: edit_card(f, head={"features": "unit"}), "is not a personaliser's card"),
        *(
            (lambda f, x=odd: edit_card(f, head=HEAD | x), "is not a personaliser's card")
            for odd in ({"window_floor": "x"}, {"window_floor": 2}, {"temperature": 0},
                        {"temperature": math.inf})
        ),
        *(
            (lambda f, w=odd: edit_card(f, head=HEAD | {"windows": w}), "not a personaliser's card")
            for odd in ([3, 8], [4, 4], [True], True, [3.0], "3", {}, [[3]])
        ),
        (lambda f: (f / "backbone.onnx").unlink(), "lacks backbone.onnx"),
        (lambda f: (f / "backbone.onnx").write_bytes(b"\x00" * 99), "is damaged: backbone.onnx"),
        (lambda f: (f / "film_generator.onnx").write_bytes((f / "set_encoder.onnx").read_bytes()),
         "is damaged: film_generator.onnx"),
    ],
)  # fmt: skip
def test_a_damaged_folder_is_refused_in_a_sentence(tmp_path: Path, damage, sentence: str) -> None:
    folder = write_tiny(tmp_path / "tiny")
    damage(folder)
    with pytest.raises(InputError, match=f"^The personaliser folder 'tiny' .*{sentence}"):
        load_model(folder)


def test_a_backbone_that_keeps_something_else_of_a_frame_is_refused(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "tiny")
    backbone = onnx.load(folder / "backbone.onnx")
    ends = next(node for node in backbone.graph.node if list(node.output) == ["ends"])
    ends.attribute[0].ints[:] = [10, 10]  # a middle of 5 x 5 cells
    onnx.save(backbone, folder / "backbone.onnx")
    card = json.loads((folder / "card.json").read_text())
    content = (folder / "backbone.onnx").read_bytes()
    card["sha256"]["backbone.onnx"] = hashlib.sha256(content).hexdigest()
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(InputError, match=r"backbone's support answers \(1, 107\), not \(1, 80\)"):
        load_model(folder)


@pytest.mark.parametrize(
    ("odd", "sentence"),
    [
        (CLUTTER[:, :23], "of 184 bytes, not of 96 for each direction"),
        (CLUTTER[:0], "of 0 bytes, not of 96 for each direction"),
        (CLUTTER * np.float32(np.nan), "with numbers that are not finite"),
        (np.full_like(CLUTTER, np.inf), "with numbers that are not finite"),
    ],
)
def test_clutter_that_is_none_is_refused_in_a_sentence(
    tmp_path: Path, odd: np.ndarray, sentence: str
) -> None:
    folder = write_tiny(tmp_path / "tiny", clutter=odd)
    with pytest.raises(InputError, match=rf"^The .* has a clutter\.f32 {sentence}; make it again"):
        load_model(folder)


def test_clutter_of_another_folder_is_refused_and_a_lost_one_missed(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "tiny", clutter=CLUTTER)
    (folder / "clutter.f32").write_bytes((2 * CLUTTER).tobytes())
    with pytest.raises(InputError, match=r"clutter\.f32 is not the file its card names"):
        load_model(folder)
    (folder / "clutter.f32").unlink()
    with pytest.raises(InputError, match=r"lacks clutter\.f32"):
        load_model(folder)


def test_foreign_onnx_files_are_refused(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "tiny")
    (tmp_path / "text.onnx").write_text("not a model")
    (tmp_path / "empty.onnx").write_bytes(b"")
    shutil.copy(folder / "backbone.onnx", tmp_path / "backbone.onnx")
    adapted = load_model(folder).adapt(random_support(0, [1, 1]))
    for number, names in enumerate(("5", "[1]", "{", "[" * 100_000)):
        model = onnx.load_model_from_string(adapted.to_bytes())
        onnx.helper.set_model_props(model, {"names": names, "personaliser_sha256": ""})
        (tmp_path / f"names{number}.onnx").write_bytes(model.SerializeToString())
        with pytest.raises(InputError, match=f"^names{number}.*holds no names"):
            load_adapted(tmp_path / f"names{number}.onnx")
    model = onnx.load_model_from_string(adapted.to_bytes())
    model.graph.node[-1].op_type = "NoSuchOperator"
    (tmp_path / "operator.onnx").write_bytes(model.SerializeToString())
    for name in ("operator.onnx", "text.onnx", "empty.onnx", "backbone.onnx", "missing.onnx"):
        with pytest.raises(InputError, match=f"^{name}"):
            load_adapted(tmp_path / name)


def test_weights_in_another_file_are_refused(tmp_path: Path) -> None:
    adapted = load_model(write_tiny(tmp_path / "tiny")).adapt(random_support(0, [1, 1]))
    model = onnx.load_model_from_string(adapted.to_bytes())
    onnx.save_model(model, tmp_path / "outside.onnx", save_as_external_data=True, size_threshold=0)
    with pytest.raises(InputError, match=r"outside\.onnx: .* keeps its weights elsewhere"):
        load_adapted(tmp_path / "outside.onnx")
