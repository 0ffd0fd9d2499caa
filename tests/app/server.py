"""Starts the app as a person would, in a process and a temporary folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0


@dataclass
class Server:
    """The running app; its private files lie under `folder`."""

    url: str
    folder: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def private(self) -> list[Path]:
        """Every file of a person, uploads, clips and results."""
        parts = ("private", "shown")
        return [
            path
            for path in self.folder.glob("teach-*/*/*/**/*")
            if path.is_file() and path.relative_to(self.folder).parts[2] in parts
        ]

    @property
    def left(self) -> list[Path]:
        """What was taught: clips and models."""
        return [file for file in self.private if file.suffix in (".npy", ".onnx")]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait(timeout=20)


def start(folder: Path, *options: str, port: int = 0) -> Server:
    """Start `python -m app` and wait until it answers."""
    return launch(folder, [sys.executable, "-m", "app", *options], port)


def launch(folder: Path, command: list[str], port: int = 0, path: str = "") -> Server:
    """Run a command that serves the app when `--port` is added, and wait until it answers.

    path: a folder of modules that come before all others.
    """
    port = port or free_port()
    log = folder / "server.log"
    with open(log, "ab") as out:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=ROOT,
            stdout=out,
            stderr=out,
            env=os.environ | {"TMPDIR": str(folder), "PYTHONPATH": path},
        )
    scheme = "https" if "--https" in command else "http"
    unknown = ssl._create_unverified_context()  # the certificate is as new as the server
    url, end = f"{scheme}://127.0.0.1:{port}", time.monotonic() + START_SECONDS
    try:
        while time.monotonic() < end and process.poll() is None:
            try:
                with urllib.request.urlopen(url + "/healthz", context=unknown):
                    return Server(url, folder, log, process)
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"the app did not start: {log.read_text()}")
    except BaseException:  # the test's own time may be over
        process.kill()
        process.wait()
        raise


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
