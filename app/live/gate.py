"""What may come in: from which pages, how much of it, and uploads for whoever has a room.

Pure ASGI, before every route, Gradio's included: its own upload takes files from anybody.
"""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.live.connection import refusal
from app.profile.file import MAX_FILE_BYTES
from app.rooms import Room, Rooms
from app.words.language import Said

log = logging.getLogger(__name__)

MAX_UPLOAD_BYTES = 200 * 2**20
MAX_ROOM_BYTES = 600 * 2**20  # on their way, of one room
MIN_FREE_BYTES = 2**30  # that an upload leaves on the disk
MAX_BODY_BYTES = 2**20  # of anything that is no upload
OVERHEAD_BYTES = 2**16  # of a form around its file
CLIPS, PROFILE, GRADIO_UPLOAD = "/clips", "/profile", "/gradio_api/upload"  # how paths end

SHORTER_CLIP = "use a shorter clip"
FEWER_THINGS = "save one with fewer things"
NO_ROOM = "Open the page first: uploads are for whoever has a room here."
GONE = Said("app-restarted")


@dataclass(frozen=True)
class Origins:
    """The pages that may use the app: its own, and those that it was started with."""

    allowed: tuple[str, ...] = ()  # "https://things.example.org"

    def refusal(self, connection: HTTPConnection) -> str:
        """Why the page that this comes from may not use the app; empty if it may."""
        origin = connection.headers.get("origin")
        if not origin or origin.rstrip("/") in self.allowed:
            return ""
        if _netloc(origin) == connection.headers.get("host", "").lower():
            return ""
        log.warning(
            "refused a page at %.200s: the app is called %.200s here; "
            "start it with --allowed-origin %.200s if that page is yours",
            origin,
            connection.headers.get("host"),
            origin,
        )
        return (
            f"The app does not know this address, {origin}. If it is yours, start the app with "
            f"--allowed-origin {origin}"
        )


class Gate:
    """ASGI middleware: refuses foreign pages, bodies that are too large, uploads without a room."""

    def __init__(self, app: ASGIApp, rooms: Rooms, origins: Origins) -> None:
        self._app, self._rooms, self._origins = app, rooms, origins
        self._coming: Counter[str] = Counter()  # room -> bytes of its uploads on their way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return await self._app(scope, receive, send)
        connection = HTTPConnection(scope)
        if problem := self._origins.refusal(connection):
            return await _refuse(403, problem, scope, receive, send)
        upload = scope["path"].endswith((CLIPS, PROFILE, GRADIO_UPLOAD))
        profile = scope["path"].endswith(PROFILE)
        largest = MAX_FILE_BYTES if profile else MAX_UPLOAD_BYTES
        limit = largest + OVERHEAD_BYTES if upload else MAX_BODY_BYTES
        claimed = _length(connection)
        if claimed is None:  # it may become as long as any
            claimed = limit
        elif claimed > limit:
            smaller = FEWER_THINGS if profile else SHORTER_CLIP
            problem = f"This file is larger than {limit >> 20} MB; {smaller}."
            return await _refuse(413, problem, scope, receive, send)
        if not upload:
            return await self._app(scope, _at_most(receive, limit), send)
        token = token_of(connection)
        room = self._rooms.get(token)
        if room is None:
            return await _refuse(401, GONE if token else NO_ROOM, scope, receive, send)
        if problem := self._no_place(room, claimed):
            return await _refuse(507, problem, scope, receive, send)
        self._coming[room.token] += claimed
        try:
            await self._app(scope, _at_most(receive, limit), send)
        finally:
            self._coming[room.token] -= claimed
            if not self._coming[room.token]:
                del self._coming[room.token]

    def _no_place(self, room: Room, size: int) -> str:
        if self._coming[room.token] + size > MAX_ROOM_BYTES:
            return f"{MAX_ROOM_BYTES >> 20} MB of yours are on their way; wait for them."
        if shutil.disk_usage(self._rooms.shown).free - size < MIN_FREE_BYTES:
            return "There is no place on the disk for this file; try again later."
        return ""


def token_of(connection: HTTPConnection) -> str:
    """The room that a request names, in its authorization; never in a cookie or an address."""
    return connection.headers.get("authorization", "").removeprefix("Bearer ")


def _netloc(origin: str) -> str | None:
    """Host and port of an origin; None if it has none."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:  # "http://["
        return None


def _length(connection: HTTPConnection) -> int | None:
    """The length that a request claims; None if it does not say."""
    claimed = connection.headers.get("content-length", "")
    return int(claimed) if claimed.isascii() and claimed.isdigit() else None


def _at_most(receive: Receive, limit: int) -> Receive:
    """The same messages; the client counts as gone once its body has more than `limit` bytes."""
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return message if seen <= limit else {"type": "http.disconnect"}

    return limited


async def _refuse(
    status: int, problem: Said | str, scope: Scope, receive: Receive, send: Send
) -> None:
    told = problem.told if isinstance(problem, Said) else {"text": problem}
    # `detail` is where Gradio's page and client look for it.
    await refusal(told, status, detail=str(problem))(scope, receive, send)
