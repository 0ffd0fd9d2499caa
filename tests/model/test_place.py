"""Where a thing is: over the thing, in shares of the whole frame, whatever the frame's shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from model import load_adapted, load_model
from tests.model.test_personaliser import clip, random_support
from tests.tiny import write_tiny


@pytest.mark.parametrize("fine", [True, False], ids=["two maps", "one map"])
def test_where_is_where_the_thing_is(tmp_path: Path, fine: bool) -> None:
    """A texture in one corner of a grey frame: the box lies over that corner."""
    folder = write_tiny(tmp_path / "tiny", fine=fine, windows=[2, 3])
    rng = np.random.default_rng(0)
    adapted = load_model(folder).adapt({"a": [clip(rng, 8)], "b": [clip(rng, 8)]})
    for top, left in ((0, 0), (0, 448), (320, 0), (320, 448)):
        frame = np.full((480, 640, 3), 127, np.uint8)
        frame[top : top + 160, left : left + 192] = clip(rng, 1, 160, 192)[0]
        x0, y0, x1, y1 = adapted.where([frame])[0]
        # 480 of 640 columns are seen: from 1/8 to 7/8 of the width
        assert 0.125 - 1e-6 <= x0 < x1 <= 0.875 + 1e-6 and 0 <= y0 < y1 <= 1 + 1e-6
        assert ((x0 + x1) / 2 < 0.5) == (left == 0) and ((y0 + y1) / 2 < 0.5) == (top == 0)


def test_the_fine_map_has_its_say(tmp_path: Path) -> None:
    """Without what it knows of the objects the same frames are pointed at elsewhere."""
    adapted = load_model(write_tiny(tmp_path / "tiny")).adapt(random_support(0, [2, 3]))
    file = onnx.load_from_string(adapted.to_bytes())
    (middles,) = (t for t in file.graph.initializer if t.name == "h_middles")
    nothing = np.zeros(list(middles.dims), np.float32)
    middles.CopyFrom(numpy_helper.from_array(nothing, middles.name))
    (tmp_path / "coarse.onnx").write_bytes(file.SerializeToString())
    frames = clip(np.random.default_rng(2), 4)
    apart = np.abs(load_adapted(tmp_path / "coarse.onnx").where(frames) - adapted.where(frames))
    assert (apart.max(1) > 0.01).all()


def test_where_of_a_whole_frame_is_its_square(tmp_path: Path) -> None:
    adapted = load_model(write_tiny(tmp_path / "tiny", windows=[])).adapt(random_support(0, [2, 2]))
    frame = clip(np.random.default_rng(0), 1, 101, 200)[0]
    np.testing.assert_allclose(adapted.where([frame])[0], [49 / 200, 0, 150 / 200, 1], atol=1e-6)


def test_where_is_always_a_box_inside_the_square(tmp_path: Path) -> None:
    """Blank frames and noise too: finite, ordered, inside, and centred on what it points at."""
    adapted = load_model(write_tiny(tmp_path / "tiny")).adapt(random_support(0, [2, 3]))
    rng = np.random.default_rng(0)
    blank = [np.full((224, 224, 3), grey, np.uint8) for grey in (0, 127, 255)]
    for x0, y0, x1, y1 in adapted.where([*blank, *clip(rng, 4)]):
        assert 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1
