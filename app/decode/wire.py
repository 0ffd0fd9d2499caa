"""What crosses between the server and a child that decodes: small JSON, then raw bytes.

    4 bytes: length of the JSON; 4 bytes: length of the rest; the JSON, an object; the rest

Never a pickle: whoever takes a child over gets to say plain values and pixels, and no more.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable
from typing import Any

HEAD = struct.Struct("!II")  # bytes of the JSON, bytes after it
MAX_FACTS_BYTES = 4096
POLL_SECONDS = 0.2  # between two looks at whether the answer is still wanted

Facts = dict[str, Any]


class Broken(Exception):
    """The other side has gone, or says what no honest side says."""


def send(line: socket.socket, facts: Facts, body: bytes | memoryview = b"") -> None:
    """Write one message; waits while the other side does not read. Raises Broken."""
    coded = json.dumps(facts).encode()
    try:
        line.sendall(HEAD.pack(len(coded), len(body)) + coded)
        line.sendall(body)
    except OSError as error:
        raise Broken(error.strerror or "no line") from error


def receive(
    line: socket.socket, most: int, look: Callable[[], None] = lambda: None
) -> tuple[Facts, bytearray]:
    """The next message, of at most `most` bytes after its JSON; raises Broken.

    look: called every POLL_SECONDS while nothing comes; may raise to stop waiting.
    """
    line.settimeout(POLL_SECONDS)
    facts_bytes, body_bytes = HEAD.unpack(_read(line, HEAD.size, look))
    if facts_bytes > MAX_FACTS_BYTES or body_bytes > most:
        raise Broken(f"a message of {facts_bytes} + {body_bytes} bytes")
    try:
        facts = json.loads(_read(line, facts_bytes, look))
    except (ValueError, RecursionError) as error:
        raise Broken("no JSON") from error
    if not isinstance(facts, dict):
        raise Broken("no object")
    return facts, _read(line, body_bytes, look)


def _read(line: socket.socket, count: int, look: Callable[[], None]) -> bytearray:
    data = bytearray(count)
    view, at = memoryview(data), 0
    while at < count:
        try:
            got = line.recv_into(view[at:])
        except TimeoutError:
            look()
            continue
        except OSError as error:
            raise Broken(error.strerror or "no line") from error
        if not got:
            raise Broken("the line ended")
        at += got
        look()
    return data
