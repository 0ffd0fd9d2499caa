"""kill -9 at any moment: nothing is left after the next start, nothing half-written is served."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from app.rooms import readable_name
from model import InputError, load_adapted
from tests.app.server import ROOT, Server, start
from tests.app.test_gate import call

KILLS = 12
SAMPLES = sorted(path for path in (ROOT / "assets" / "samples").iterdir() if path.is_dir())


def busy(server: Server, fetched: list[Path], folder: Path) -> None:
    """Teach, adapt, upload, name and export for as long as the server lives."""
    try:
        with httpx.Client(base_url=server.url, timeout=30) as client:
            (room,) = call(client, "open")
            own = {"authorization": f"Bearer {room}"}
            with connect(server.url.replace("http", "ws") + "/live") as line:
                line.send(json.dumps({"room": room}))
                for thing in SAMPLES[:3]:
                    clip = next((thing / "clean").glob("*.mp4")).read_bytes()
                    headers = {**own, "x-thing": thing.name, "x-file": "a.mp4"}
                    client.post("/clips", headers=headers, content=clip)
                while True:
                    video = next((SAMPLES[0] / "clutter").glob("*.mp4")).read_bytes()
                    files = {"files": ("a.mp4", video)}
                    (path,) = client.post("/gradio_api/upload", files=files, headers=own).json()
                    call(client, "recognise", room, {"path": path})
                    (model,) = call(client, "export", room)
                    answer = client.get(f"/gradio_api/file={model['path']}")
                    if answer.status_code == 200:
                        fetched.append(folder / f"{len(fetched)}.onnx")
                        fetched[-1].write_bytes(answer.content)
    except (httpx.HTTPError, WebSocketException, OSError, AssertionError, ValueError):
        return  # the server was killed under it


def descendants(pid: int) -> list[int]:
    """The process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(below for child in children for below in descendants(int(child)))]


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.timeout(600)  # the app starts thirteen times
def test_a_server_that_is_killed_at_any_moment_leaves_nothing(tmp_path: Path) -> None:
    chance, fetched = random.Random(0), []
    (tmp_path / "temporary").mkdir()
    (tmp_path / "fetched").mkdir()
    for _ in range(KILLS):
        server = start(tmp_path / "temporary")
        own = server.private
        assert own == [], "the server before left files, and the next one did not delete them"
        worker = threading.Thread(target=busy, args=(server, fetched, tmp_path / "fetched"))
        worker.start()
        time.sleep(chance.uniform(0, 6))
        processes = descendants(server.process.pid)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        worker.join(40)
        assert not worker.is_alive()
        end = time.monotonic() + 5
        while any(map(alive, processes)) and time.monotonic() < end:
            time.sleep(0.05)
        assert not [pid for pid in processes if alive(pid)], "a child outlived its server"
    server = start(tmp_path / "temporary")
    server.stop()
    left = [path for path in (tmp_path / "temporary").rglob("*") if path.is_file()]
    assert {path.name for path in left} <= {"lock", "server.log"}, left
    for model in fetched:
        assert len(load_adapted(model).names) >= 2


def test_the_helpers_of_this_test_know_a_living_process() -> None:
    assert alive(os.getpid()) and not alive(2**22 + 1)
    assert os.getpid() in descendants(os.getpid())
    with pytest.raises(InputError):
        load_adapted(readable_name("no model"))
