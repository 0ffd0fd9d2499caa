"""What a process that decodes may not do. Ours to call before it sees a byte of a file.

Guaranteed on every system that has `setrlimit`: bounded memory and processor time, no byte written
to a file, few open files, no core dump, and an end at a wall-clock deadline, in native code too.
Guaranteed on Linux: it does not outlive its parent. As far as the kernel allows it (containers may
forbid it): no network, not even this machine's own.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

MEMORY_BYTES = 6 * 2**30  # of address space, threads' stacks and the libraries included
OPEN_FILES = 64
NICE = 5  # whoever watches live goes before decoding

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


def leave_the_network() -> bool:
    """Move this process, which must have one thread, to a network without any address."""
    if sys.platform != "linux":
        return False
    unshare = ctypes.CDLL(None).unshare
    return unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0 or unshare(_CLONE_NEWNET) == 0


def confine(parent: int, wall_seconds: float, cpu_seconds: int) -> None:
    """Set the limits of this process for good. parent: the process it must not outlive."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before it could be tied to us
        os._exit(1)
    # The terminal's Ctrl-C is the server's to hear; a deadline ends this process, whatever it does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, wall_seconds)
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    os.nice(NICE)
