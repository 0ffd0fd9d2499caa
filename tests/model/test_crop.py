"""The square inside the exported file against OpenCV's, which the app uses."""

import numpy as np
import onnx
import pytest
from onnx.parser import parse_model

from model.frames import SIDE, square
from model.graph.crop import CROP
from model.graph.join import HEADER
from model.runtime import open_session, run

SIZES = [
    (224, 224),
    (480, 640),
    (641, 359),
    (225, 226),
    (448, 448),
    (720, 1280),
    (97, 301),
    (1, 1),
    (2, 5),
]


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_the_file_sees_what_the_app_sees(size: tuple[int, int]) -> None:
    model = parse_model(HEADER + CROP.format(side=SIDE))
    onnx.checker.check_model(model, full_check=True)
    frames = np.random.default_rng(0).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    got = run(open_session(model.SerializeToString(), 1), "square", frames)
    for ours, frame in zip(got, frames, strict=True):
        difference = np.abs(ours.astype(int) - square(frame))
        assert difference.max() <= 1  # grey level: where a mean falls between two of them
        assert size < (SIDE, SIDE) or difference.mean() < 1e-3
