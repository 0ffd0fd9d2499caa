"""The exported file is conservative: the oldest onnxruntime that installs here opens it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from model import load_model

OLDEST = "1.15.1"
ASK = """
import json, sys
import numpy as np
import onnxruntime as ort
frames = np.load(sys.argv[2])
session = ort.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
answers = session.run(["probabilities", "unknown", "where"], {"frames": frames})
print(json.dumps([ort.__version__, [answer.tolist() for answer in answers]]))
"""


@pytest.mark.slow
def test_the_oldest_onnxruntime_gives_the_same_answers(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    objects = {name: [rng.integers(0, 256, (5, 224, 224, 3), np.uint8)] for name in ("a", "b")}
    frames = rng.integers(0, 256, (3, 240, 320, 3), np.uint8)
    adapted = load_model().adapt(objects)
    adapted.save(tmp_path / "mine.onnx")
    np.save(tmp_path / "frames.npy", frames)
    model = onnx.load(tmp_path / "mine.onnx")
    assert (model.ir_version, model.opset_import[0].version) == (8, 18)
    place = tmp_path / "old"
    wanted = [
        f"onnxruntime=={OLDEST}",
        "numpy<2",
        "coloredlogs",
        "flatbuffers",
        "protobuf",
        "sympy",
    ]
    install = [sys.executable, "-m", "pip", "install", "-q", "--target", str(place), *wanted]
    done = subprocess.run(install, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"onnxruntime {OLDEST} cannot be installed here: {done.stderr[-200:]}")
    asked = subprocess.run(
        [sys.executable, "-c", ASK, "mine.onnx", "frames.npy"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(place)},
    )
    assert asked.returncode == 0, asked.stderr
    version, answers = json.loads(asked.stdout)
    assert version == OLDEST
    for old, ours in zip(answers, adapted.answers(frames), strict=True):
        assert ours is not None
        np.testing.assert_allclose(np.array(old), ours, atol=1e-5)
