"""The server's end of the fork server: asks for children, and starts it when it is not there."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from threading import Lock

from model.errors import InputError

COMMAND = [sys.executable, "-m", "app.decode.fork_server"]


class Children:
    """Starts a child for a file; the fork server behind it is started at the first one."""

    def __init__(self, folder: Path) -> None:
        """folder: empty, where the children work."""
        self._folder = folder
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self, verb: str, path: Path, wall: float, cpu: int) -> socket.socket:
        """The line to a new child that does `verb` with a file; closing it kills the child.

        wall, cpu: seconds after which the child ends itself.
        """
        request = json.dumps({"verb": verb, "path": str(path.resolve()), "wall": wall, "cpu": cpu})
        ours, theirs = socket.socketpair()
        with self._lock, theirs:
            for _ in range(2):  # the fork server may have been killed, by the system say
                try:
                    control = self._control or self._start()
                    socket.send_fds(control, [request.encode()], [theirs.fileno()])
                    return ours
                except OSError:
                    self._stop()
        ours.close()
        raise InputError("The decoder cannot be started just now; try again in a minute.")

    def stop(self) -> None:
        """End the fork server and with it every child."""
        with self._lock:
            self._stop()

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [*COMMAND, str(theirs.fileno()), str(self._folder)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={
                    "PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in sys.path),
                    "OPENBLAS_NUM_THREADS": "1",  # a process that forks has one thread
                },
            )
        self._control = ours
        return ours

    def _stop(self) -> None:
        if self._control:
            self._control.close()
        if self._process:
            self._process.kill()
            self._process.wait()
        self._process = self._control = None
