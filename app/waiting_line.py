"""Who may use one of a few places next: a line for each room, served in turn.

A room has one place at a time, so that whoever brings many files, or slow ones, makes only their
own files wait; and while others wait, nobody is served twice before them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Ticket:
    """One wish for a place."""

    def __init__(self, line: WaitingLine, room: str) -> None:
        self._line, self.room = line, room
        self.called = False

    def wait(self, seconds: float) -> bool:
        """Whether it has its place, after at most so many seconds."""
        with self._line.changed:
            return self._line.changed.wait_for(lambda: self.called, seconds)

    @property
    def ahead(self) -> int:
        """How many wishes of other rooms come first, those being served included."""
        return self._line.ahead(self)


class WaitingLine:
    """A number of places, given out in turn between rooms."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._busy: set[str] = set()  # rooms that have a place
        self._waiting: dict[str, deque[Ticket]] = {}  # in the order in which rooms are served
        self.changed = Condition()

    @contextmanager
    def ticket(self, room: str) -> Iterator[Ticket]:
        """A wish for a place; with the end of the block it is given back or given up."""
        ticket = Ticket(self, room)
        with self.changed:
            self._waiting.setdefault(room, deque()).append(ticket)
            self._call()
        try:
            yield ticket
        finally:
            with self.changed:
                if ticket.called:
                    self._free += 1
                    self._busy.discard(room)
                    if room in self._waiting:  # from now on behind all others
                        self._waiting[room] = self._waiting.pop(room)
                else:
                    self._leave(ticket)
                self._call()

    def ahead(self, ticket: Ticket) -> int:
        """As `Ticket.ahead`."""
        with self.changed:
            if ticket.called:
                return 0
            # As they will stand: a room that is being served goes behind all others.
            rooms = sorted(self._waiting, key=lambda room: room in self._busy)
            own = self._waiting[ticket.room].index(ticket)
            rounds = {  # in which a room is served before this ticket is
                room: own + (rooms.index(room) < rooms.index(ticket.room))
                for room in rooms
                if room != ticket.room
            }
            waiting = sum(min(len(self._waiting[room]), rounds[room]) for room in rounds)
            return waiting + len(self._busy - {ticket.room})

    def _call(self) -> None:
        for room in list(self._waiting):
            if self._free and room not in self._busy:
                ticket = self._waiting[room][0]
                self._leave(ticket)
                ticket.called = True
                self._free -= 1
                self._busy.add(room)
        self.changed.notify_all()

    def _leave(self, ticket: Ticket) -> None:
        own = self._waiting[ticket.room]
        own.remove(ticket)
        if not own:
            del self._waiting[ticket.room]
