"""The process that children are forked from: a fresh one for each file, with nobody's pixels in it.

It has the libraries imported, a clean environment and no network, and never opens a file that
people gave: so a child costs a fork (5 ms, importing takes 600), and starts with memory in which no
file was ever decoded. It is started by `app.decode.children`, with a socket as its only line to the
server, and ends when the server does; its children end with it.

One request is one packet: JSON {"verb", "path", "wall", "cpu"} and, as a descriptor, the socket on
which the child answers. When the server closes its end of that socket, the child is killed.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable

from app.decode import sandbox

REQUEST_BYTES = 2**16
REAP_MS = 100  # between two looks at who has ended

Request = dict[str, str | float]
Answer = Callable[[socket.socket, str, str], None]  # on this line, do this verb with this file


class ForkServer:
    """The children that run, each with the socket it answers on."""

    def __init__(self, control: socket.socket, answer: Answer) -> None:
        self._control, self._answer = control, answer
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._lines: dict[int, tuple[int, socket.socket]] = {}  # descriptor -> pid, its socket

    def run(self) -> None:
        """Fork, kill and reap until the server has gone."""
        while True:
            for descriptor, _ in self._poll.poll(REAP_MS if self._lines else None):
                if descriptor == self._control.fileno():
                    request, descriptors, *_ = socket.recv_fds(self._control, REQUEST_BYTES, 1)
                    if not request:
                        return  # and all children with us
                    self._fork(json.loads(request), socket.socket(fileno=descriptors[0]))
                elif descriptor in self._lines:  # the server hung up
                    os.kill(self._lines[descriptor][0], signal.SIGKILL)
                    os.waitpid(self._lines[descriptor][0], 0)
                    self._forget(descriptor)
            for descriptor, (pid, _) in list(self._lines.items()):
                if os.waitpid(pid, os.WNOHANG)[0]:
                    self._forget(descriptor)

    def _fork(self, request: Request, line: socket.socket) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                _be_a_child(parent, request, line, self._answer)
            finally:  # whatever happened: a child never goes on as a second fork server
                os._exit(0)
        self._lines[line.fileno()] = pid, line
        self._poll.register(line, 0)  # its end only

    def _forget(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        self._lines.pop(descriptor)[1].close()


def _be_a_child(parent: int, request: Request, line: socket.socket, answer: Answer) -> None:
    sandbox.confine(parent, float(request["wall"]), int(request["cpu"]))
    os.dup2(1, 2)  # what libraries print about a file is said by our errors
    os.dup2(line.fileno(), 3)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))  # the lines of other children
    line.detach()
    with socket.socket(fileno=3) as own:
        answer(own, str(request["verb"]), str(request["path"]))


def main() -> None:
    """`python -m app.decode.fork_server DESCRIPTOR FOLDER`; folder: empty, where it works."""
    control = socket.socket(fileno=int(sys.argv[1]))
    os.chdir(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the server, and so us
    sandbox.leave_the_network()
    from app.decode import work  # now: libraries may start threads, and the kernel wants one only

    ForkServer(control, work.answer).run()


if __name__ == "__main__":
    main()
