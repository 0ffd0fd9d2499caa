"""Views of objects on transparent ground, as `python -m training.synthetic views` writes them.

The file is a plain .npy that is mapped into memory, with a .json of the same name beside it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.errors import InputError


@dataclass(frozen=True)
class Views:
    """K objects seen from V sides.

    rgba: (K, V, S, S, 4) uint8, sRGB values already multiplied by alpha: paste with
    rgba[..., :3] + (1 - rgba[..., 3:] / 255) * background; area-averaging it is right as it stands.
    """

    rgba: np.ndarray
    names: tuple[str, ...]
    labels: tuple[str, ...]
    groups: tuple[str, ...]  # equal: the same thing to the eye
    sizes: np.ndarray  # (K,) float32, longest side in metres


def load_views(path: Path) -> Views:
    """Views written by `write_views`, mapped into memory."""
    listing = path.with_suffix(".json")
    if not path.is_file() or not listing.is_file():
        raise InputError(f"There are no views at {path}; write them with training.synthetic views.")
    try:
        about = json.loads(listing.read_text(encoding="utf-8"))
        rgba = np.load(path, mmap_mode="r")
        names, labels, groups = (tuple(about[key]) for key in ("names", "labels", "groups"))
        views = Views(rgba, names, labels, groups, np.array(about["sizes"], np.float32))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"The views at {path} are damaged; render them again.") from error
    if rgba.ndim != 5 or rgba.shape[4] != 4 or rgba.dtype != np.uint8:
        raise InputError(f"{path} holds no views, (K, V, S, S, 4) uint8; render them again.")
    if {len(names), len(labels), len(groups), len(views.sizes)} != {len(rgba)}:
        raise InputError(f"{listing} is not about {path}; render the views again.")
    return views
