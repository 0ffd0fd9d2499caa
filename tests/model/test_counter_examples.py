"""Counter-examples: against a loop in float64, and what they must and must not change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from model import InputError, Memory, load_model
from tests.model.test_personaliser import clip
from tests.model.test_unknown import CLIPS, by_hand, support_of
from tests.tiny import CALIBRATION, write_tiny

RNG = np.random.default_rng(5)
FOREIGN, FRAMES = clip(RNG, 3), clip(RNG, 4)


@pytest.mark.parametrize("windows", [[], [4, 3]])
@pytest.mark.parametrize("features", ["raw", "unit"])
def test_the_file_computes_them(tmp_path: Path, features: str, windows: list[int]) -> None:
    folder = write_tiny(
        tmp_path / "tiny", film=0.2, calibration=CALIBRATION, features=features, windows=windows
    )
    personaliser, objects = load_model(folder), support_of(CLIPS[0])
    adapted = personaliser.fit(personaliser.see(objects, counter_examples=[FOREIGN]))
    both = np.concatenate([FOREIGN, FRAMES])
    expected = by_hand(folder, objects, both, windows, FOREIGN)
    np.testing.assert_allclose(adapted.unknown(both), expected, atol=1e-4)
    bare = ort.InferenceSession(adapted.to_bytes()).run(["unknown"], {"frames": both})[0]
    np.testing.assert_allclose(np.asarray(bare), expected, atol=1e-4)


def test_the_very_frame_is_unknown_and_names_and_the_rest_only_lose(tmp_path: Path) -> None:
    """A whole frame that was called none of the things is none from then on; nothing becomes less
    unknown by it, and probabilities and places stay as they are.
    """
    folder = write_tiny(tmp_path / "tiny", calibration=CALIBRATION | {"base": -9.0}, windows=[])
    personaliser = load_model(folder)
    objects = support_of(CLIPS[0])
    before = personaliser.adapt(objects)
    after = personaliser.fit(personaliser.see(objects, counter_examples=[FOREIGN]))
    assert (before.unknown(FOREIGN) < 0.5).all() and (after.unknown(FOREIGN) >= 0.5).all()
    assert (after.unknown(FRAMES) >= before.unknown(FRAMES) - 1e-6).all()
    np.testing.assert_array_equal(before.predict(FRAMES), after.predict(FRAMES))
    np.testing.assert_array_equal(before.where(FRAMES), after.where(FRAMES))


def test_without_calibration_they_change_nothing(tmp_path: Path) -> None:
    personaliser = load_model(write_tiny(tmp_path / "tiny"))
    objects = support_of(CLIPS[0])
    adapted = personaliser.fit(personaliser.see(objects, counter_examples=[FOREIGN]))
    assert adapted.to_bytes() == personaliser.adapt(objects).to_bytes()


def test_any_size_will_do_and_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    personaliser = load_model(write_tiny(tmp_path / "tiny", calibration=CALIBRATION))
    objects, large = support_of(CLIPS[0]), clip(RNG, 1, 480, 640)[0]
    adapted = personaliser.fit(personaliser.see(objects, counter_examples=[large]))
    assert adapted.unknown([large]).shape == (1,)
    with pytest.raises(InputError, match="counter-example: frames must be uint8"):
        personaliser.see(objects, counter_examples=[np.zeros((3, 3))])


def test_they_are_looked_at_once(tmp_path: Path) -> None:
    personaliser, memory = load_model(write_tiny(tmp_path / "t", calibration=CALIBRATION)), Memory()
    objects, told = support_of(CLIPS[0]), []
    for _ in range(2):
        told.clear()
        personaliser.see(objects, lambda *n: told.append(n), memory, [FOREIGN])
    assert told == [(0, 13)], "nothing was looked at again"
