"""A personaliser folder small enough to write in a test: random weights, real ONNX, no torch."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.parser import parse_model

HEADER = '<ir_version: 10, opset_import: ["" : 18]>'
PIXELS = """
    float_frames = Cast <to = 1> (frames)
    half = Constant <value_float = 127.5> ()
    one = Constant <value_float = 1.0> ()
    unit = Div (float_frames, half)
    centred = Sub (unit, one)
    pixels = Transpose <perm = [0, 3, 1, 2]> (centred)
"""
SET_ENCODER = (
    HEADER
    + "set_encoder (uint8[B,224,224,3] frames) => (float[B,4] embedding) {"
    + PIXELS
    + """
    means = GlobalAveragePool (pixels)
    flat = Flatten <axis = 1> (means)
    embedding = MatMul (flat, project)
}"""
)
FILM_GENERATOR = (
    HEADER
    + """film_generator (float[1,4] embedding) => (float[1,64] film) {
    change = MatMul (embedding, weights)
    film = Add (change, identity)
}"""
)
BACKBONE = (
    HEADER
    + "backbone (uint8[B,224,224,3] frames) => (float[B,24,7,7] map, float[B,24] features, "
    + "float[B,8,14,14] fine, float[B,3,14,14] colours, float[B,80] support) {"
    + PIXELS
    + """
    y1 = Conv <strides = [16, 16], kernel_shape = [16, 16]> (pixels, stem_weight, stem_bias)
    a1 = Relu (y1)
    fine = Identity (a1)
    y2 = Conv <strides = [2, 2], kernel_shape = [2, 2]> (a1, last_weight, last_bias)
    map = Relu (y2)
    space = Constant <value_ints = [2, 3]> ()
    features = ReduceMean <keepdims = 0> (map, space)
    starts = Constant <value_ints = [5, 5]> ()
    ends = Constant <value_ints = [9, 9]> ()
    square = Slice (fine, starts, ends, space)
    in_middle = ReduceMean <keepdims = 0> (square, space)
    in_all = ReduceMean <keepdims = 0> (fine, space)
    middle = Sub (in_middle, in_all)
    colours = AveragePool <strides = [16, 16], kernel_shape = [16, 16]> (pixels)
    colour_square = Slice (colours, starts, ends, space)
    colour_row = Flatten (colour_square)
    support = Concat <axis = 1> (features, middle, colour_row)
}"""
)
SITES = [
    {"name": "stem", "channels": 8, "weight": "stem_weight", "bias": "stem_bias"},
    {"name": "last", "channels": 24, "weight": "last_weight", "bias": "last_bias"},
]
HEAD = {"features": "unit", "temperature": 0.1, "windows": [4], "window_floor": 0.35}


CALIBRATION = {"sharpness": 0.5, "own": 0.3, "others": 0.2, "typical": 0.8, "base": 0.3,
               "from_own": 0.2, "from_others": -0.1,
               "steepness": 20.0}  # fmt: skip


def write_tiny(
    folder: Path,
    film: float = 0.0,
    calibration: dict[str, float] | None = None,
    clutter: np.ndarray | None = None,
    fine: bool = True,
    **head: object,
) -> Path:
    """Write the folder; `film`: how much a task changes the backbone, `head`: other settings;
    `clutter`: F (R, 24); `fine`: whether the backbone shows its finer map, which older ones do not.
    """
    rng = np.random.default_rng(0)
    identity = np.concatenate([np.ones(32), np.zeros(32)])[None]
    parts = {
        "set_encoder.onnx": (SET_ENCODER, {"project": rng.normal(size=(3, 4))}),
        "film_generator.onnx": (
            FILM_GENERATOR,
            {"weights": film * rng.normal(size=(4, 64)), "identity": identity},
        ),
        "backbone.onnx": (
            BACKBONE,
            {
                "stem_weight": rng.normal(size=(8, 3, 16, 16)) / 16,
                "stem_bias": rng.normal(size=8) / 4,
                "last_weight": rng.normal(size=(24, 8, 2, 2)) / 4,
                "last_bias": rng.normal(size=24) / 4,
            },
        ),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, (text, tensors) in parts.items():
        model = parse_model(text)
        for tensor, value in tensors.items():
            array = numpy_helper.from_array(value.astype(np.float32), tensor)
            model.graph.initializer.append(array)
        if name == "backbone.onnx" and not fine:
            del model.graph.output[2:]
        onnx.checker.check_model(model)
        (folder / name).write_bytes(model.SerializeToString())
    card: dict[str, Any] = {
        "format": 2,
        "name": "tiny",
        "method": "Simple CNAPs",
        "trained": False,
        "side": 224,
        "features": 24,
        "embedding": 4,
        "sites": SITES,
        "head": HEAD | head,
        "provenance": {},
        "sha256": {p: hashlib.sha256((folder / p).read_bytes()).hexdigest() for p in parts},
    }
    if clutter is not None:
        (folder / "clutter.f32").write_bytes(clutter.tobytes())
        card["format"] = 4
        card["sha256"]["clutter.f32"] = hashlib.sha256(clutter.tobytes()).hexdigest()
    if calibration:
        text = json.dumps(calibration).encode()
        (folder / "calibration.json").write_bytes(text)
        card["sha256"]["calibration.json"] = hashlib.sha256(text).hexdigest()
    (folder / "card.json").write_text(json.dumps(card))
    return folder
