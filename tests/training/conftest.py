"""What the tests of training share."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Tiny tensors are computed faster by one thread than by several that wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve 'classes' of two photos."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for k in range(12):
        (folder / f"class {k:02d}").mkdir()
        base = cv2.resize(rng.integers(0, 256, (6, 6, 3), np.uint8), (240, 240))
        for i in range(2):
            cv2.imwrite(str(folder / f"class {k:02d}" / f"{i}.jpg"), np.roll(base, 30 * i, 1))
    return folder


@pytest.fixture(scope="session")
def views(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Views of 44 discs in 22 groups; the red of a disc is its group, times 10."""
    rgba = np.zeros((44, 2, 32, 32, 4), np.uint8)
    for k in range(44):
        cv2.circle(rgba[k, 0], (16, 16), 12, (10 * (k // 2) + 10, 90, 120, 255), -1)
        rgba[k, 1] = rgba[k, 0]
    path = tmp_path_factory.mktemp("views") / "views.npy"
    np.save(path, rgba)
    names = [f"disc {k:02d}" for k in range(44)]
    about = {"names": names, "labels": names, "groups": [f"group {k // 2:02d}" for k in range(44)]}
    path.with_suffix(".json").write_text(json.dumps(about | {"sizes": [0.1] * 44}))
    return path
