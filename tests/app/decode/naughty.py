"""A fork server whose children do what the name of their file says.

    python -m tests.app.decode.naughty DESCRIPTOR FOLDER

Everything else is as it is: the sandbox, the forking, the line to the server.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import time
from pathlib import Path

import numpy as np

from app.decode import fork_server, work
from app.decode.wire import HEAD, send

seen = bytearray()  # what a child leaves behind in memory, if it lives on
answer_well = work.answer


def misbehave(line: socket.socket, verb: str, path: str) -> None:
    match Path(path).stem:
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "hang":
            while True:
                time.sleep(1)
        case "eat":
            work.read_clip = lambda path, budget: np.ones(10 * 2**30, np.uint8)
            answer_well(line, verb, path)
        case "stumble":
            work.read_clip = lambda path, budget: [][1]
            answer_well(line, verb, path)
        case "unread":
            work.read_clip = _unreadable
            answer_well(line, verb, path)
        case "half":
            line.sendall(HEAD.pack(20, 3 * 224 * 224) + b'{"frames": 1')
        case "long":
            line.sendall(HEAD.pack(2, 2**31) + b"{}")
        case "facts":
            facts = json.loads(Path(path).read_text())
            send(line, facts, bytes(facts.get("body", 0)))
        case "self":
            send(line, {"problem": json.dumps(_about_myself(path))})
        case _:
            answer_well(line, verb, path)


def _unreadable(path: str, budget: int) -> np.ndarray:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def _about_myself(path: str) -> dict[str, object]:
    try:
        (Path(path).parent / "written").write_bytes(b"x")
        wrote = True
    except OSError:
        wrote = False
    try:
        socket.create_connection(("127.0.0.1", int(Path(path).read_text())), 1).close()
        reached = True
    except OSError:
        reached = False
    seen.extend(b"x")
    return {
        "environment": sorted(os.environ),
        "folder": os.listdir(),
        "wrote": wrote,
        "reached": reached,
        "seen": len(seen),
        "open": len(os.listdir("/proc/self/fd")),
        "pid": os.getpid(),
    }


work.answer = misbehave

if __name__ == "__main__":
    fork_server.main()
