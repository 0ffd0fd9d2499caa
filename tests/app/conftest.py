"""What the browser tests share: one server, real clips, a film for the camera."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.server import ROOT, Server, start

SAMPLES = ROOT / "assets" / "samples"


@pytest.fixture(scope="session")
def clips() -> Path:
    """A folder <object>/{clean,clutter}/*.mp4: the samples we ship."""
    return SAMPLES


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app with the personaliser that is shipped."""
    server = start(tmp_path_factory.mktemp("app"))
    yield server
    server.stop()
