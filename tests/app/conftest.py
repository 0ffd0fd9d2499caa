"""What the browser tests share: one server, real clips, a film for the camera."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.server import ROOT, Server, start

SAMPLES = ROOT / "assets" / "samples"
REAL_CLIPS = ROOT.parent / "shared" / "data" / "real_clips"


@pytest.fixture(scope="session")
def clips() -> Path:
    """A folder <object>/{clean,clutter}/*.mp4 of real things: those we ship, or larger ones."""
    for folder in (SAMPLES, REAL_CLIPS):
        if len(list(folder.glob("*/clutter/*.mp4"))) >= 2:
            return folder
    pytest.skip("there are no clips here")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app with the personaliser that is shipped."""
    server = start(tmp_path_factory.mktemp("app"))
    yield server
    server.stop()
