"""A teachable object recogniser: load a personaliser, adapt it to objects, name them.

    from model import load_model
    adapted = load_model().adapt({"keys": ["keys.mp4"], "mug": ["mug1.mp4", "mug2.jpg"]})
    adapted.predict(frames)  # (B, K) probabilities, columns in the order of adapted.names

Runs on numpy and onnxruntime; PyTorch lives in `model.nn`, which nothing here imports.
"""

import os

# Read while onnxruntime and Gradio are imported, which everything here does after this line: they
# would look up their makers' hosts, and onnxruntime would leave a device id in the home folder.
os.environ.update(ORT_DISABLE_TELEMETRY="1", GRADIO_ANALYTICS_ENABLED="False")

from model.adapted import Adapted, load_adapted
from model.confidence.report import Report
from model.errors import InputError
from model.memory import Memory
from model.personaliser import Personaliser, Seen, load_model
from model.support import SupportSet

__all__ = [
    "Adapted",
    "InputError",
    "Memory",
    "Personaliser",
    "Report",
    "Seen",
    "SupportSet",
    "load_adapted",
    "load_model",
]
