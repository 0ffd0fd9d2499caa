"""What the page talks to beside Gradio: the WebSocket of camera frames and the upload of clips.

A page opens `/live` and says first which room is its own: {"room": token}. From then on:

    binary: 4 bytes, a rising number, then a JPEG -> {"type": "answer", "seq": that number, ...}
    text: {"do": ..., "ref": number, ...} -> {"type": "ok" or "problem", "ref": that number, ...}

and what happens in the room is told at any time. Recording is keeping what streams by.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, Request, WebSocket
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from app.decode.decoder import CLOSED
from app.handlers import Handlers
from app.live.connection import MAX_FRAME_BYTES, Connection, outcome, parse
from app.rooms import MAX_ROOMS, Room, Rooms, folder_for, readable_name
from model import InputError

__all__ = ["GONE", "MAX_FRAME_BYTES", "MAX_UPLOAD_BYTES", "live_routes"]

MAX_UPLOAD_BYTES = 200 * 2**20
MAX_UPLOADS = 2  # of one page at once
UPLOAD_SECONDS = 300.0
HELLO_SECONDS = 10.0
GOING_AWAY = 1001  # what a browser says when its tab is closed or reloaded, and only then
REFUSED = 1008

GONE = (
    "The app was restarted, and what was taught here went with it. Reload the page to begin again."
)


def live_routes(rooms: Rooms, handlers: Handlers) -> APIRouter:
    """The WebSocket `/live` and the upload `/clips`."""
    router = APIRouter()
    watchers = ThreadPoolExecutor(1, "watch")
    workers = ThreadPoolExecutor(4, "orders")
    # Threads that wait in line for a decoder; what is short never stands behind them.
    readers = ThreadPoolExecutor(MAX_ROOMS * (MAX_UPLOADS + 1), "files")
    receiving: Counter[str] = Counter()  # room -> its uploads on their way

    @router.websocket("/live")
    async def live(socket: WebSocket) -> None:
        origin = socket.headers.get("origin")
        if origin and urlsplit(origin).netloc != socket.headers.get("host"):
            await socket.close(REFUSED)
            return
        await socket.accept()
        if room := await _hello(socket, rooms):
            code = await Connection(socket, room, handlers, watchers, workers, readers).run()
            if code == GOING_AWAY:
                rooms.close(room.token)

    @router.post("/clips")
    async def clips(request: Request) -> JSONResponse:
        room = rooms.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if room is None:
            return JSONResponse({"problem": GONE}, 401)
        title = unquote(request.headers.get("x-file", ""))
        name = unquote(request.headers.get("x-thing", ""))
        try:
            with _one_more(receiving, room.token), folder_for(room) as folder:
                path = folder / readable_name(title)
                await _receive(request, path)
                kept, problem = await outcome(readers, handlers.teach_file, room, name, path)
        except InputError as error:
            kept, problem = None, str(error)
        if problem and room.closed:  # and took the file along
            problem = CLOSED
        return JSONResponse({"problem": problem}, 400) if problem else JSONResponse({"kept": kept})

    return router


async def _hello(socket: WebSocket, rooms: Rooms) -> Room | None:
    """The room that the page names in its first message; without one the connection ends."""
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            message = await socket.receive()
    except TimeoutError:
        await socket.close(REFUSED)
        return None
    if message["type"] == "websocket.disconnect":
        return None
    room = rooms.get(parse(message.get("text")).get("room"))
    if room is None:
        await socket.send_json({"type": "gone", "text": GONE})
        await socket.close(REFUSED)
    return room


@contextmanager
def _one_more(receiving: Counter[str], token: str) -> Iterator[None]:
    """Count an upload of a room while it lasts; InputError when there are enough of them."""
    if receiving[token] >= MAX_UPLOADS:
        raise InputError(f"{MAX_UPLOADS} files are on their way already; wait for one of them.")
    receiving[token] += 1
    try:
        yield
    finally:
        receiving[token] -= 1
        if not receiving[token]:
            del receiving[token]


async def _receive(request: Request, path: Path) -> None:
    """Write an uploaded body to `path`, piece by piece; InputError when it cannot be used."""
    too_large = InputError(
        f"This file is larger than {MAX_UPLOAD_BYTES >> 20} MB; use a shorter clip."
    )
    if int(request.headers.get("content-length") or 0) > MAX_UPLOAD_BYTES:
        raise too_large
    size = 0
    try:
        with open(path, "wb") as file:
            async with asyncio.timeout(UPLOAD_SECONDS):
                async for piece in request.stream():
                    size += len(piece)
                    if size > MAX_UPLOAD_BYTES:
                        raise too_large
                    file.write(piece)
    except TimeoutError as error:  # an OSError, too
        raise InputError(
            f"The upload took more than {UPLOAD_SECONDS:.0f} s; use a shorter clip."
        ) from error
    except ClientDisconnect as error:
        raise InputError("The upload broke off; choose the file again.") from error
    except OSError as error:
        raise InputError(
            f"This file could not be saved: {error.strerror}; what you taught is safe."
        ) from error
