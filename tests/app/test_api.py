"""The API for other programs, by Gradio's own client: the example of docs/using.md, run as it
stands there.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file

from model import load_adapted
from tests.app.server import ROOT, Server, launch
from tests.tiny import write_tiny

SAMPLES = ROOT / "assets" / "samples"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("api")
    command = [sys.executable, "-m", "app", "--checkpoint", str(write_tiny(folder / "tiny"))]
    server = launch(folder, command)
    yield server
    server.stop()


def example() -> str:
    """The lines of Python that docs/using.md gives."""
    text = (ROOT / "docs" / "using.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    return code


def test_the_example_runs(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second, *_ = sorted(p for p in SAMPLES.iterdir() if p.is_dir())
    for name, folder in (("keys.mp4", first), ("mug.mp4", second)):
        (tmp_path / name).write_bytes(next((folder / "clean").glob("*.mp4")).read_bytes())
    (tmp_path / "kitchen.mp4").write_bytes(next((first / "clutter").glob("*.mp4")).read_bytes())
    code = example().replace("http://127.0.0.1:7860", server.url)
    places: dict[str, Any] = {}
    exec(compile(code, "using.md", "exec"), places)
    seen = places["seen"]
    assert seen["names"] == ["keys", "mug"]
    assert len(seen["times"]) == len(seen["probabilities"]) > 10
    assert all(abs(sum(row) - 1) < 0.01 for row in seen["probabilities"])
    assert load_adapted(places["model"]).names == ("keys", "mug")


def test_what_cannot_be_done_is_one_sentence(server: Server, tmp_path: Path) -> None:
    app = Client(server.url, verbose=False, analytics_enabled=False)
    room = app.predict(api_name="/open")
    app.headers["authorization"] = f"Bearer {room}"
    text = tmp_path / "a.mp4"
    text.write_text("no video")
    for verb, values, sentence in (
        ("/teach", (room, "mug", handle_file(text)), "neither a video nor a photo"),
        ("/teach", (room, "", handle_file(text)), "An object needs a name"),
        ("/recognise", (room, handle_file(text)), "neither a video nor a photo"),
        ("/export", (room,), "Teach at least 2 things first"),
        ("/export", ("guess",), "The app was restarted"),
    ):
        with pytest.raises(Exception, match=sentence) as error:
            app.predict(*values, api_name=verb)
        assert "Traceback" not in str(error.value) and "/" not in str(error.value)


def test_without_a_room_nothing_is_uploaded(server: Server, tmp_path: Path) -> None:
    app = Client(server.url, verbose=False, analytics_enabled=False)
    (tmp_path / "a.mp4").write_bytes(b"x" * 1000)
    before = server.private
    with pytest.raises(Exception, match=r"401|Unauthorized|room"):
        app.predict("guess", "mug", handle_file(tmp_path / "a.mp4"), api_name="/teach")
    assert server.private == before
