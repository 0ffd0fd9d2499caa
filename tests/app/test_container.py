"""The app as a container runs it: an ordinary user without a home, nothing to write but one folder.

What the Dockerfile and README's front matter name is what is started here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from tests.app.server import ROOT, free_port

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
NOBODY = 65534
# A file system that can only be read, but for the folder that is given.
READ_ONLY = """
set -e
mount --bind / "$2"
mount -o remount,bind,ro "$2"
mount --bind "$1" "$2$1"
cd "$2$3"
shift 3
exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
"""


def instruction(name: str) -> str:
    (found,) = re.findall(rf"^{name} (.*)$", DOCKERFILE, re.M)
    return found


def answers(process: subprocess.Popen[bytes], port: int) -> bool:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
                return json.load(answer) == {"status": "ok"}
        except OSError:
            time.sleep(0.1)
    return False


def open_to_everybody(folder: Path) -> None:
    """Let other users into pytest's own folders on the way to `folder`."""
    for place in (folder, *folder.parents):
        if place.is_relative_to(tempfile.gettempdir()) and str(place) != tempfile.gettempdir():
            place.chmod(place.stat().st_mode | 0o055)


def environment(folder: Path, port: int) -> dict[str, str]:
    """What the Dockerfile sets, with our port and our folder for its /tmp, and no home."""
    set_there = dict(pair.split("=", 1) for pair in instruction("ENV").split())
    assert set_there["HOST"] == "0.0.0.0" and set_there["PORT"] == "7860"
    changed = {"HOST": "127.0.0.1", "PORT": str(port), "HOME": str(folder), "TMPDIR": str(folder)}
    return {"PATH": os.environ["PATH"], **set_there, **changed}


def test_the_dockerfile_copies_what_is_there_and_runs_as_nobody_special() -> None:
    for source, _ in re.findall(r"^COPY (\S+) (\S+)$", DOCKERFILE, re.M):
        assert (ROOT / source).exists(), source
    assert instruction("USER") == "app"
    assert json.loads(instruction("CMD")) == ["python", "-m", "app"]
    check = re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", DOCKERFILE, re.M)
    assert check and "/healthz" in json.loads(check[1])[-1]
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert ignored.index("!model") < ignored.index("model/nn")


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="needs root")
def test_a_plain_user_without_a_home_on_a_read_only_disk(tmp_path: Path) -> None:
    folder, view, port = tmp_path / "own", tmp_path / "view", free_port()
    for place in (folder, view):
        place.mkdir(mode=0o755)
    os.chown(folder, NOBODY, NOBODY)
    open_to_everybody(tmp_path)
    open_to_everybody(Path(sys.prefix))  # an environment that a test made lies beside this folder
    command = [sys.executable, *json.loads(instruction("CMD"))[1:]]
    script = ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh", str(folder), str(view), str(ROOT)]
    probe = subprocess.run([*script, "touch", "touched"], capture_output=True, text=True)
    if "Read-only" not in probe.stderr:
        pytest.skip(f"this machine gives no read-only view: {probe.stderr.strip()}")
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            [*script, *command], stdout=log, stderr=log, env=environment(folder, port)
        )
    try:
        assert answers(process, port), (tmp_path / "log").read_text()
        check = re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", DOCKERFILE, re.M)
        assert check
        health = [sys.executable, *json.loads(check[1])[1:]]
        assert subprocess.run(health, env=environment(folder, port)).returncode == 0
    finally:
        process.terminate()
        process.wait(20)
    assert not [path for path in folder.rglob("*") if path.is_file() and path.name != "lock"]


def test_what_a_gradio_host_reads_starts_the_app(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    front = dict(re.findall(r"^(\w+): *\"?([^\"\n]*)\"?$", readme.split("---")[1], re.M))
    assert front["sdk"] == "gradio" and front["python_version"] == "3.11"
    (wanted,) = re.findall(r"^gradio>=([\d.]+)", (ROOT / "app/requirements.txt").read_text(), re.M)
    assert front["sdk_version"].startswith(wanted)
    port = free_port()
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, front["app_file"]],
            cwd=ROOT,
            stdout=log,
            stderr=log,
            env={**os.environ, "PORT": str(port), "TMPDIR": str(tmp_path)},
        )
    try:
        assert answers(process, port), (tmp_path / "log").read_text()
    finally:
        process.terminate()
        process.wait(20)
