"""Sentences on the page, escaped, and the room that a listener works in."""

from __future__ import annotations

import html

from app.live import GONE
from app.rooms import Room, Rooms
from model import InputError


def say(text: str, kind: str = "say") -> str:
    """A sentence where the person looks, spoken by screen readers when it changes."""
    return f'<p class="{kind}" role="status">{html.escape(text)}</p>'


def room_of(rooms: Rooms, token: str) -> Room:
    """The room of a page; InputError when the server does not know it (any more)."""
    room = rooms.get(token)
    if room is None:
        raise InputError(GONE)
    return room
