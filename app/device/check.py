"""Is everything here as it was made, and does the model answer as it did? Exit code 0: yes.

pip install numpy onnxruntime
python check.py
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

HERE = Path(__file__).resolve().parent
TOLERANCE = 1e-3  # between two processors, or two versions of onnxruntime


def problem(folder: Path) -> str:
    """What is wrong with a bundle in one sentence; "" for nothing."""
    made = json.loads((folder / "things.json").read_text(encoding="utf-8"))
    for name, digest in made["sha256"].items():
        file = folder / name
        if not file.is_file():
            return f"{name} is missing; unpack the bundle again."
        if hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            return f"{name} was changed since the bundle was made; unpack it again."
    model = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    frames = np.load(folder / "golden.npy")
    found = model.run(list(made["expected"]), {"frames": frames})
    for (output, wanted), values in zip(made["expected"].items(), found, strict=True):
        apart = float(np.abs(np.asarray(values) - np.array(wanted)).max())
        if not apart <= TOLERANCE:  # NaN is not, either
            return f"{output} of the golden frames are {apart:.1g} away from what they were."
    print(f"As it was made: {len(frames)} golden frames, {', '.join(made['names'])}.")
    return ""


if __name__ == "__main__":
    sys.exit(problem(HERE) or 0)
