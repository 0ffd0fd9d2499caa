"""Unknown: the file against loops in float64, and what odd support and folders do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from model import InputError, load_adapted, load_model
from model.graph.join import fold_film
from model.runtime import open_session
from tests.model.test_personaliser import CLUTTER, clip, random_support
from tests.tiny import CALIBRATION, write_tiny

CLIPS = [[[3, 4], [5], [1]], [[1], [1]], [[2]], [[1, 1, 1], [80], [4, 4]]]  # frames a clip
IDS = [str(clips).replace(" ", "") for clips in CLIPS]


def support_of(clips: list[list[int]]) -> dict[str, list[np.ndarray]]:
    rng = np.random.default_rng(3)
    return {f"{k}": [clip(rng, count) for count in own] for k, own in enumerate(clips)}


def maps_of(folder: Path, objects: dict[str, list[np.ndarray]], frames: np.ndarray) -> np.ndarray:
    """Last maps (B,D,7,7) of frames under the task's FiLM, from the parts."""
    support = np.concatenate([c for clips in objects.values() for c in clips])
    sites = load_model(folder).card.sites

    def run(part: bytes, output: str, feed: dict) -> np.ndarray:
        return np.asarray(open_session(part, 1).run([output], feed)[0])

    encoder = (folder / "set_encoder.onnx").read_bytes()
    embedding = run(encoder, "embedding", {"frames": support}).mean(0, keepdims=True)
    film = run((folder / "film_generator.onnx").read_bytes(), "film", {"embedding": embedding})[0]
    backbone = fold_film(onnx.load(folder / "backbone.onnx"), sites, film).SerializeToString()
    return run(backbone, "map", {"frames": frames}).astype(np.float64)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def mean_of_three(values: list[float]) -> float:
    return float(np.mean(sorted(values)[-3:]))


def by_hand(
    folder: Path,
    objects: dict[str, list[np.ndarray]],
    frames: np.ndarray,
    windows: list[int],
    counter_examples: np.ndarray | None = None,
) -> np.ndarray:
    """The unknown score (B,) by the formulas of `model.confidence`, one frame after the other."""
    c = CALIBRATION
    seen = {
        name: [list(maps_of(folder, objects, part).mean((2, 3))) for part in clips]
        for name, clips in objects.items()
    }
    flat = {name: [z for part in parts for z in part] for name, parts in seen.items()}
    own, others = {}, {}
    for name, parts in seen.items():
        if len(parts) == 1:
            half = -(-len(parts[0]) // 2)
            parts = [p for p in (parts[0][:half], parts[0][half:]) if p]
        without = [
            mean_of_three([cosine(z, r) for j, other in enumerate(parts) if j != i for r in other])
            for i, part in enumerate(parts if len(parts) > 1 else [])
            for z in part
        ]
        own[name] = float(np.median(without)) if without else np.nan
        nearest = [
            max([mean_of_three([cosine(z, r) for r in rows])
                 for n, rows in flat.items() if n != name], default=0.0)
            for z in flat[name]
        ]  # fmt: skip
        others[name] = float(np.mean(nearest))
    found = [value for value in own.values() if np.isfinite(value)]
    usual = float(np.median(found)) if found else c["typical"]
    own = {name: value if np.isfinite(value) else usual for name, value in own.items()}
    offsets = {name: c["own"] * own[name] + c["others"] * others[name] for name in objects}
    threshold = (
        c["base"]
        + c["from_own"] * float(np.mean(list(own.values())))
        + c["from_others"] * float(np.mean(list(others.values())))
    )
    floor = 0.35 * np.median([np.linalg.norm(z) for rows in flat.values() for z in rows])

    def windows_of(m: np.ndarray) -> list[np.ndarray]:
        return [m[:, i : i + w, j : j + w].mean((1, 2))
                for w in windows or [7] for i in range(8 - w) for j in range(8 - w)]  # fmt: skip

    def alike(v: np.ndarray, n: str) -> float:
        return mean_of_three([cosine(v, r) for r in flat[n]])

    bank = []
    for m in [] if counter_examples is None else maps_of(folder, objects, counter_examples):
        found = windows_of(m)
        found.sort(key=lambda v: max(alike(v, n) - offsets[n] for n in objects))
        bank += found[-3:]
    answers = []
    for m in maps_of(folder, objects, frames):
        x = windows_of(m)
        if windows:
            x = [v for v in x if np.linalg.norm(v) >= floor] or x
        best = -np.inf
        for v in x:
            countered = max([cosine(v, b) for b in bank], default=-np.inf)
            for n in objects:
                c = alike(v, n)
                best = max(best, min(c - offsets[n], threshold + c - countered))
        answers.append(1 / (1 + np.exp(CALIBRATION["steepness"] * (best - threshold))))
    return np.array(answers)


@pytest.mark.parametrize("clutter", [None, CLUTTER], ids=["", "clutter"])
@pytest.mark.parametrize("windows", [[], [4, 3]])
@pytest.mark.parametrize("features", ["raw", "unit"])
@pytest.mark.parametrize("clips", CLIPS[:3], ids=IDS[:3])
def test_the_file_computes_the_unknown_score(
    tmp_path: Path, clips: list[list[int]], features: str, windows: list[int],
    clutter: np.ndarray | None,
) -> None:  # fmt: skip
    folder = write_tiny(
        tmp_path / "tiny", film=0.2, calibration=CALIBRATION, features=features, windows=windows,
        clutter=clutter,
    )  # fmt: skip
    objects, frames = support_of(clips), clip(np.random.default_rng(9), 5)
    got = load_model(folder).adapt(objects).unknown(frames)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, by_hand(folder, objects, frames, windows), atol=1e-4)


def test_bare_onnxruntime_gives_the_same(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "tiny", calibration=CALIBRATION)
    adapted = load_model(folder).adapt(support_of(CLIPS[0]))
    adapted.save(tmp_path / "mine.onnx")
    session = ort.InferenceSession(tmp_path / "mine.onnx")
    frames = clip(np.random.default_rng(1), 4)
    unknown, where = session.run(["unknown", "where"], {"frames": frames})
    saved = load_adapted(tmp_path / "mine.onnx").answers(frames)
    for answers in (adapted.answers(frames), saved):
        assert answers.unknown is not None and answers.where is not None
        np.testing.assert_allclose(answers.unknown, np.asarray(unknown), atol=1e-5)
        np.testing.assert_allclose(answers.where, np.asarray(where), atol=1e-6)
        np.testing.assert_array_equal(answers.probabilities, adapted.predict(frames))


@pytest.mark.parametrize("fine", [True, False], ids=["two maps", "one map"])
def test_the_same_in_another_colour_is_stranger(tmp_path: Path, fine: bool) -> None:
    """By the weight of colour, and where the backbone shows none not at all."""
    rng = np.random.default_rng(4)
    grey = clip(rng, 2)[..., :1] // 2
    tints = np.array([[100, 0, 0], [0, 0, 100]], np.uint8)
    red, blue = (np.repeat(grey, 3, 3) + tint for tint in tints)
    support = {"red": [red[:1]], "other": [clip(rng, 1)]}
    strange = []
    for colour in (0.0, 0.5, 1.0):
        known = CALIBRATION | {"colour": colour, "steepness": 1.0}
        folder = write_tiny(tmp_path / "tiny", calibration=known, fine=fine, windows=[4])
        unknown = load_model(folder).adapt(support).unknown(np.concatenate([red[1:], blue[1:]]))
        strange.append(np.log(unknown / (1 - unknown)))  # threshold - s
    (_, half, whole), steps = strange, np.diff(strange, axis=0)
    if fine:
        assert (steps[:, 1] > steps[:, 0] + 0.05).all()  # of blue more than of red
        np.testing.assert_allclose(steps[0], steps[1], atol=1e-4)  # in proportion to the weight
    else:
        np.testing.assert_allclose(half, whole, atol=1e-6)


@pytest.mark.parametrize(
    ("shots", "factor"), [([1, 1], 2.0), ([9, 3], 2 * 6**-0.5), ([50, 50], 2 * 15**-0.5)]
)
def test_the_sharpness_follows_frames_and_objects(
    tmp_path: Path, shots: list[int], factor: float
) -> None:
    """Up to 15 frames an object; an older file, without the powers, has one for all tasks."""
    rng = np.random.default_rng(0)
    frames, support = clip(rng, 3), {str(k): [clip(rng, n)] for k, n in enumerate(shots)}
    for known, scale in (({}, 1.0), ({"by_frames": -0.5, "by_objects": 1.0}, factor)):
        folder = write_tiny(tmp_path / "tiny", calibration=CALIBRATION | known)
        bare = ort.InferenceSession(load_model(folder).adapt(support).to_bytes())
        p, logits = map(np.asarray, bare.run(["probabilities", "logits"], {"frames": frames}))
        gap = CALIBRATION["sharpness"] * scale * (logits[:, 0] - logits[:, 1])
        np.testing.assert_allclose(p[:, 0], 1 / (1 + np.exp(-gap)), atol=1e-5)


def test_more_frames_than_are_compared_still_agree_with_what_they_show(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "tiny", calibration=CALIBRATION)
    adapted = load_model(folder).adapt(support_of(CLIPS[3]))
    scores = adapted.unknown(clip(np.random.default_rng(1), 3))
    assert np.isfinite(scores).all() and ((scores >= 0) & (scores <= 1)).all()


def test_a_folder_without_calibration_opens_and_says_what_is_missing(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "tiny", calibration=CALIBRATION)
    (folder / "calibration.json").unlink()
    adapted = load_model(folder).adapt(random_support(0, [2, 2]))
    frames = clip(np.random.default_rng(0), 2)
    assert adapted.answers(frames).unknown is None
    assert adapted.predict(frames).shape == (2, 2)
    with pytest.raises(InputError, match=r"no calibration\.json.*training\.calibrate"):
        adapted.unknown(frames)


@pytest.mark.parametrize(
    "change",
    [
        {"steepness": 0.0},
        {"sharpness": -1.0},
        {"base": float("nan")},
        {"own": "0.3"},
        {"other": 1},
        {"colour": -1.0},
        {"by_frames": 1e9},
        {"by_frames": float("inf")},
        {"by_objects": float("-inf")},
    ],
    ids=str,
)
def test_a_foreign_calibration_is_refused(tmp_path: Path, change: dict) -> None:
    with pytest.raises(InputError, match=r"calibration\.json that this program does not know"):
        load_model(write_tiny(tmp_path / "tiny", calibration=CALIBRATION | change))


def test_a_calibration_of_another_folder_is_refused(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "tiny", calibration=CALIBRATION)
    (folder / "calibration.json").write_text(json.dumps(CALIBRATION | {"base": 0.1}))
    with pytest.raises(InputError, match=r"calibration\.json is not the file its card names"):
        load_model(folder)


def test_an_older_file_opens_and_says_what_it_cannot(tmp_path: Path) -> None:
    """A file from before `unknown` and `where`: their outputs are not there."""
    folder = write_tiny(tmp_path / "tiny", calibration=CALIBRATION)
    model = onnx.load_from_string(load_model(folder).adapt(random_support(0, [2, 2])).to_bytes())
    kept = [value for value in model.graph.output if value.name in ("probabilities", "logits")]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    (tmp_path / "old.onnx").write_bytes(model.SerializeToString())
    adapted, frames = load_adapted(tmp_path / "old.onnx"), clip(np.random.default_rng(0), 2)
    assert adapted.answers(frames)[1:] == (None, None)
    with pytest.raises(InputError, match="cannot tell unknown things"):
        adapted.unknown(frames)
    with pytest.raises(InputError, match="does not say where"):
        adapted.where(frames)


@pytest.mark.parametrize("objects", [1, 50])
def test_one_frame_an_object(tmp_path: Path, objects: int) -> None:
    folder = write_tiny(tmp_path / "tiny", calibration=CALIBRATION)
    adapted = load_model(folder).adapt(random_support(0, [1] * objects))
    answers = adapted.answers(clip(np.random.default_rng(0), 3))
    assert answers.unknown is not None and answers.unknown.shape == (3,)
    assert np.isfinite(answers.unknown).all() and answers.probabilities.shape == (3, objects)
    assert adapted.unknown([]).shape == (0,) and adapted.where([]).shape == (0, 4)
