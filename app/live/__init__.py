"""What the page talks to beside Gradio: the WebSocket of camera frames and the upload of clips.

A page opens `/live` and says first which room is its own and which language it speaks: {"room":
token, "language": "en"}. From then on:

    binary: 4 bytes, a rising number, then a JPEG -> {"type": "answer", "seq": that number, ...}
    text: {"do": ..., "ref": number, ...} -> {"type": "ok" or "problem", "ref": that number, ...}

and what happens in the room is told at any time. Recording is keeping what streams by: `record`,
then `keep`; the answer to `record` has the name of the thing, which may be taught in other
capitals. `wrong` holds on to the last second, `it is` and `not mine` say what it was.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

from fastapi import APIRouter, Request, WebSocket
from fastapi.responses import JSONResponse

from app.decode.decoder import CLOSED
from app.handlers import Handlers
from app.live.connection import MAX_FRAME_BYTES, Connection, outcome, parse, refusal
from app.live.gate import GONE, MAX_UPLOAD_BYTES, SHORTER_CLIP, Gate, Origins, token_of
from app.live.receiving import COMING, MAX_UPLOADS, one_more, receive
from app.rooms import MAX_ROOMS, Message, Room, Rooms, folder_for, readable_name
from app.words.language import Said, languages
from app.words.language import problem as told
from model import InputError

__all__ = ["GONE", "MAX_FRAME_BYTES", "MAX_UPLOAD_BYTES", "Gate", "Origins", "live_routes"]

HELLO_SECONDS = 10.0
GOING_AWAY = 1001  # what a browser says when its tab is closed or reloaded, and only then
REFUSED = 1008
MAX_SOCKETS = 4  # of one room: its page, and those that are being cut off
MAX_SOCKETS_OF_ADDRESS = 120
CROWDED = Said("page-crowded")


def live_routes(rooms: Rooms, handlers: Handlers, origins: Origins) -> APIRouter:
    """The WebSocket `/live` and the upload `/clips`."""
    router = APIRouter()
    watchers = ThreadPoolExecutor(1, "watch")
    workers = ThreadPoolExecutor(4, "orders")
    # Threads that wait in line for a decoder; what is short never stands behind them.
    readers = ThreadPoolExecutor(MAX_ROOMS * (MAX_UPLOADS + 1), "files")
    receiving: Counter[str] = Counter()  # room -> its uploads on their way
    sockets: Counter[str] = Counter()  # address, or room -> its open sockets

    @router.websocket("/live")
    async def live(socket: WebSocket) -> None:
        address = socket.client.host if socket.client else ""
        if sockets[address] >= MAX_SOCKETS_OF_ADDRESS:
            await socket.close(REFUSED)
            return
        await socket.accept()
        if problem := origins.refusal(socket):  # a page is told why; a refusal it could not read
            await _end(socket, {"text": problem})
            return
        with one_more(sockets, address, MAX_SOCKETS_OF_ADDRESS, str(CROWDED)):
            if (room := await _hello(socket, rooms)) is None:
                return
            if sockets[room.token] >= MAX_SOCKETS:
                await _end(socket, CROWDED.told)
                return
            with one_more(sockets, room.token, MAX_SOCKETS, str(CROWDED)):
                code = await Connection(socket, room, handlers, watchers, workers, readers).run()
            if code == GOING_AWAY:
                rooms.close(room.token)

    @router.post("/clips")
    async def clips(request: Request) -> JSONResponse:
        room = rooms.get(token_of(request))
        if room is None:
            return refusal(GONE.told, 401)
        title = unquote(request.headers.get("x-file", ""))
        name = unquote(request.headers.get("x-thing", ""))
        try:
            with (
                one_more(receiving, room.token, MAX_UPLOADS, COMING),
                folder_for(room) as folder,
            ):
                path = folder / readable_name(title)
                await receive(request, path, MAX_UPLOAD_BYTES, SHORTER_CLIP)
                kept, problem = await outcome(readers, handlers.teach_file, room, name, path)
        except InputError as error:
            kept, problem = None, told(error)
        if problem and room.closed:  # and took the file along
            problem = CLOSED.told
        return refusal(problem) if problem else JSONResponse({"kept": kept})

    return router


async def _hello(socket: WebSocket, rooms: Rooms) -> Room | None:
    """The room that the page names in its first message, beside its language; without one the
    connection ends.
    """
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            message = await socket.receive()
    except TimeoutError:
        await socket.close(REFUSED)
        return None
    if message["type"] == "websocket.disconnect":
        return None
    hello = parse(message.get("text"))
    if (room := rooms.get(hello.get("room"))) is None:
        await _end(socket, GONE.told, anew=True)
    elif (language := hello.get("language")) in languages():
        room.language = str(language)
    return room


async def _end(socket: WebSocket, why: Message, anew: bool = False) -> None:
    """Say why there is no line to the app, for good. anew: a page in a new room would have one."""
    await socket.send_json({"type": "gone", "anew": anew, **why})
    await socket.close(REFUSED)
