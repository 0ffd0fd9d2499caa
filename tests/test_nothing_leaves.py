"""Nothing leaves the machine: command line, Python and app, watched down to their system calls."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.app.server import ROOT, free_port

SAMPLES = ROOT / "assets" / "samples"
PYTHON = """
import sys
from model import load_adapted, load_model
first, second, out = sys.argv[1:]
adapted = load_model().adapt({"a": [first], "b": [second]})
adapted.save(out)
from model.frames import read_clip
print(load_adapted(out).predict(read_clip(first)).shape)
"""
APP = """
import json, sys, urllib.request
from gradio_client import Client, handle_file
url, first, second, out = sys.argv[1:]
app = Client(url, verbose=False, analytics_enabled=False)
room = app.predict(api_name="/open")
app.headers["authorization"] = "Bearer " + room
for name, clip in (("a", first), ("b", second)):
    app.predict(room, name, handle_file(clip), api_name="/teach")
print(app.predict(room, handle_file(second), api_name="/recognise")["names"])
open(out, "wb").write(open(app.predict(room, api_name="/export"), "rb").read())
"""
needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace watches system calls")


class Watch:
    """An empty home, a folder for temporary files, and what a process did with the network."""

    def __init__(self, folder: Path) -> None:
        self.home, self.temporary, self.trace = (folder / n for n in ("home", "tmp", "trace"))
        self.home.mkdir()
        self.temporary.mkdir()

    def command(self, *arguments: str) -> list[str]:
        calls = "trace=connect,sendto,sendmsg,sendmmsg,bind"
        return ["strace", "-f", "-qq", "-s", "200", "-e", calls, "-o", str(self.trace), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG")}
        # Gradio imports matplotlib where it finds it: not where the app alone is installed, but
        # here, and it keeps a list of fonts.
        fonts = {"MPLCONFIGDIR": str(self.trace.parent / "fonts")}
        return kept | fonts | {"HOME": str(self.home), "TMPDIR": str(self.temporary)}

    def addresses(self) -> set[str]:
        """Every place that was called but this machine's own."""
        text = self.trace.read_text(errors="replace")
        found = set(re.findall(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"', text))
        places = {one or other for one, other in found}
        return {
            p for p in places if not p.startswith(("127.", "0.0.0.0")) and p not in ("::1", "::")
        }

    def left(self) -> list[Path]:
        return [p for place in (self.home, self.temporary) for p in place.rglob("*") if p.is_file()]


def clips() -> list[str]:
    things = sorted(path for path in SAMPLES.iterdir() if path.is_dir())
    return [str(next((thing / "clean").glob("*.mp4"))) for thing in things[:2]]


def objects(folder: Path) -> Path:
    for name, clip in zip(("a", "b"), clips(), strict=True):
        (folder / name).mkdir(parents=True)
        shutil.copy(clip, folder / name)
    return folder


@needs_strace
@pytest.mark.slow
def test_the_command_line(tmp_path: Path) -> None:
    watch, out = Watch(tmp_path), tmp_path / "out"
    out.mkdir()
    things = objects(tmp_path / "objects")
    before = {path for path in tmp_path.rglob("*")}
    run = [sys.executable, "-m", "app", "recognise", "--objects", str(things)]
    run += ["--video", clips()[0], "--out", str(out / "a.csv"), "--export", str(out / "a.onnx")]
    done = subprocess.run(
        watch.command(*run), cwd=ROOT, env=watch.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert watch.addresses() == set() and watch.left() == []
    new = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert new == {out / "a.csv", out / "a.onnx", watch.trace}


@needs_strace
@pytest.mark.slow
def test_python(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    run = watch.command(sys.executable, "-c", PYTHON, *clips(), str(tmp_path / "a.onnx"))
    done = subprocess.run(run, cwd=ROOT, env=watch.environment, capture_output=True, text=True)
    assert done.returncode == 0 and ", 2)" in done.stdout, done.stderr
    assert watch.addresses() == set() and watch.left() == []


@needs_strace
@pytest.mark.slow
def test_the_app(tmp_path: Path) -> None:
    watch, port = Watch(tmp_path), free_port()
    url = f"http://127.0.0.1:{port}"
    run = watch.command(sys.executable, "-m", "app", "--port", str(port))
    with open(tmp_path / "log", "wb") as log:
        server = subprocess.Popen(
            run, cwd=ROOT, env=watch.environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        end = time.monotonic() + 90
        while True:
            try:
                with urllib.request.urlopen(url + "/healthz") as answer:
                    assert json.load(answer) == {"status": "ok"}
                break
            except OSError:
                assert time.monotonic() < end and server.poll() is None
                time.sleep(0.2)
        person = [sys.executable, "-c", APP, url, *clips(), str(tmp_path / "a.onnx")]
        done = subprocess.run(person, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0 and "['a', 'b']" in done.stdout, done.stderr
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
    assert watch.addresses() == set()
    assert {path.name for path in watch.left()} <= {"lock"}, "what the app kept goes with it"
