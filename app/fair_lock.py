"""Whose turn it is to run the model: one inference at a time, first come, first served.

Two cores do not become faster by running three models at once. Long work (adapting, a video) takes
a turn per batch, so that the live camera of somebody else waits for one batch and not for all of
them.
"""

from __future__ import annotations

from collections import deque
from threading import Condition


class FairLock:
    """A fair lock: `with lock:` waits in line; `yield_turn` lets everybody who waits go first."""

    def __init__(self) -> None:
        self._line: deque[object] = deque()
        self._changed = Condition()

    def __enter__(self) -> FairLock:
        ticket = object()
        with self._changed:
            self._line.append(ticket)
            self._changed.wait_for(lambda: self._line[0] is ticket)
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._line.popleft()
            self._changed.notify_all()

    def yield_turn(self) -> None:
        """Go to the end of the line and wait there; only for the one whose turn it is."""
        self.__exit__()
        self.__enter__()
