"""Both ways to read media, for tests that ask both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from model.frames import read_clip
from tests.model.reading import listed


@pytest.fixture(params=[read_clip, listed], ids=["read_clip", "stream"])
def read(request: pytest.FixtureRequest) -> Callable[[Path], object]:
    """Both ways in must answer alike."""
    return request.param
