"""What the tests of the app share: rooms with fakes; for a browser one server and real clips."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.live import Origins, live_routes
from app.profile.file import read_profile
from app.profile.opening import Profiles
from app.rooms import Room
from app.session import TaughtObjects
from tests.app.fakes import GREEN, House, frames, house
from tests.app.server import ROOT, Server, start
from tests.tiny import write_tiny

if TYPE_CHECKING:  # these tests also run where no browser is installed
    from playwright.sync_api import Browser

SAMPLES = ROOT / "assets" / "samples"
LAST = 4000  # letters of a server's log that are shown


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside what failed stands what the servers said that are fixtures of it."""
    report = yield
    if report.failed:
        for server in item.funcargs.values():
            if isinstance(server, Server) and server.log.is_file():
                said = server.log.read_text(encoding="utf-8", errors="replace")
                report.sections.append(("log of the server", said[-LAST:]))
    return report


@pytest.fixture
def home(tmp_path: Path) -> House:
    """Rooms and handlers, with fakes in place of decoding and of the model."""
    return house(tmp_path)


@pytest.fixture
def room(home: House) -> Room:
    return home.rooms.open()


@pytest.fixture
def client(home: House) -> Iterator[TestClient]:
    server = FastAPI()
    server.include_router(live_routes(home.rooms, home.handlers, Origins()))
    with TestClient(server) as client:
        yield client


@pytest.fixture
def profiles(home: House) -> Profiles:
    return Profiles(home.handlers, lambda room, path: read_profile(path))


@pytest.fixture
def two(home: House, room: Room) -> TaughtObjects:
    """A mug and keys, and a moment that is neither; what `room` is taught."""
    chance = np.random.default_rng(0)
    for name, count in (("mug", 3), ("keys", 2), ("mug", 1)):
        clip = room.keep(chance.integers(0, 256, (count, 224, 224, 3), np.uint8))
        home.handlers.change(room, lambda taught, n=name, c=clip: taught.add(n, c), [clip])
    clip = room.keep(frames(GREEN, 2))
    home.handlers.change(room, lambda taught: taught.reject(clip), [clip])
    return room.taught


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


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app with a tiny model, for what has nothing to do with seeing."""
    folder = tmp_path_factory.mktemp("quick")
    server = start(folder, "--checkpoint", str(write_tiny(folder / "tiny")))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Its camera shows one bottle; tests that look at more things have a browser of their own."""
    from playwright.sync_api import sync_playwright

    from tests.app import people

    shown = [(people.clips(clips, "water bottle", "clean")[0], 2.0)]
    picture = people.film(tmp_path_factory.mktemp("film") / "camera.mjpeg", shown)
    flags = people.camera(picture)
    with sync_playwright() as playwright, people.chromium(playwright, *flags) as browser:
        yield browser
