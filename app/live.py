"""What the page talks to beside Gradio: the WebSocket of camera frames and the upload of clips.

A page opens `/live` and says first which room is its own. From then on:

    binary   4 bytes, a rising number, and a JPEG     -> {"type": "answer", "seq": that number, ...}
    text     {"do": ..., "ref": number, ...}, JSON    -> {"type": "ok" | "problem", "ref": that number, ...}

and what happens in the room is told at any time. Recording is keeping what streams by. Frames are answered newest
first; one that is overtaken is never answered. A page that sends too fast is read more slowly, so that a flood
stays in its own connection.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from app.handlers import Handlers, Watching, welcome
from app.rooms import Message, Room, Rooms
from model import InputError
from model.frames import ENDINGS

log = logging.getLogger(__name__)

MAX_FRAME_BYTES = 128 * 1024  # a 224-pixel JPEG has 10 to 20 kB
MAX_TEXT = 8 * 1024  # characters of a control message
MAX_MESSAGES = 80.0  # per second and page; a camera gives 30 frames
MAX_RECORDED = 300  # frames of one recording
MAX_UPLOAD_BYTES = 200 * 2**20
HELLO_SECONDS = 10.0
GOING_AWAY = 1001  # what a browser says when its tab is closed or reloaded, and only then
OVERLOADED, REFUSED = 1013, 1008

CLOSING_SECONDS = 5.0

OUR_FAULT = "That failed on our side; what you taught is safe. Please try again."
GONE = (
    "The app was restarted, and what was taught here went with it. Reload the page to begin again."
)
CLOSED = "Nothing was heard from this page for a while, so its things were deleted. Reload it to begin again."


@dataclass
class Recording:
    """Frames that are being kept for a thing."""

    name: str
    jpegs: list[bytes] = field(default_factory=list)


def live_routes(rooms: Rooms, handlers: Handlers) -> APIRouter:
    """The WebSocket `/live` and the upload `/clips`."""
    router = APIRouter()
    watchers = ThreadPoolExecutor(1, "watch")
    workers = ThreadPoolExecutor(4, "teach")
    uploads = asyncio.Semaphore(4)

    @router.websocket("/live")
    async def live(socket: WebSocket) -> None:
        origin = socket.headers.get("origin")
        if origin and urlsplit(origin).netloc != socket.headers.get("host"):
            await socket.close(REFUSED)
            return
        await socket.accept()
        if room := await _hello(socket, rooms):
            code = await Connection(socket, room, handlers, watchers, workers).run()
            if code == GOING_AWAY:
                rooms.close(room.token)

    @router.post("/clips")
    async def clips(request: Request) -> JSONResponse:
        room = rooms.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if room is None:
            return JSONResponse({"problem": GONE}, 401)
        title = unquote(request.headers.get("x-file", ""))
        name = unquote(request.headers.get("x-thing", ""))
        path = room.folder / (secrets.token_hex(8) + Path(title).suffix.lower()[:8])
        try:
            async with uploads:
                await _receive(request, path)
                kept, problem = await _outcome(workers, handlers.teach_file, room, name, path)
        except InputError as error:
            kept, problem = None, str(error)
        finally:
            path.unlink(missing_ok=True)
        if problem:
            return JSONResponse({"problem": f"{title}: {problem}" if title else problem}, 400)
        return JSONResponse({"kept": kept})

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
    room = rooms.get(_parse(message.get("text")).get("room"))
    if room is None:
        await socket.send_json({"type": "gone", "text": GONE})
        await socket.close(REFUSED)
    return room


class Connection:
    """One page on the line, from its hello to its end."""

    def __init__(
        self,
        socket: WebSocket,
        room: Room,
        handlers: Handlers,
        watchers: ThreadPoolExecutor,
        workers: ThreadPoolExecutor,
    ) -> None:
        self._socket, self._room, self._handlers = socket, room, handlers
        self._watchers, self._workers = watchers, workers
        self._out: asyncio.Queue[Message] = asyncio.Queue(256)
        self._jobs: asyncio.Queue[tuple[Message, Recording | None]] = asyncio.Queue(8)
        self._newest: tuple[int, bytes] | None = None
        self._arrived = asyncio.Event()
        self._recording: Recording | None = None

    async def run(self) -> int:
        """Serve until the page leaves; returns the code with which it did, 0 if it was cut off."""
        loop = asyncio.get_running_loop()
        own = self._room.page = self._listener(loop)
        work = (self._read, self._answer, self._do, self._send)
        tasks = [loop.create_task(part()) for part in work]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done() and (error := task.exception()):
                    log.error("a connection failed", exc_info=error)
            await asyncio.wait(tasks[:1], timeout=CLOSING_SECONDS)
            return tasks[0].result() if tasks[0].done() else 0
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._room.page is own:
                self._room.page = None

    def _listener(self, loop: asyncio.AbstractEventLoop) -> Callable[[Message], None]:
        def listen(message: Message) -> None:
            loop.call_soon_threadsafe(self._put, message)

        return listen

    def _put(self, message: Message) -> None:
        # A page that does not read is cut off; it is told everything again when it comes back.
        if self._out.full():
            self._out.get_nowait()
            message = {"type": "cut"}
        self._out.put_nowait(message)

    async def _read(self) -> int:
        allowance, last = MAX_MESSAGES, time.monotonic()
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return message.get("code", 0)
            now = time.monotonic()
            self._room.heard = now
            allowance = min(MAX_MESSAGES, allowance + MAX_MESSAGES * (now - last)) - 1
            last = now
            if allowance < 0:
                await asyncio.sleep(-allowance / MAX_MESSAGES)
            if (data := message.get("bytes")) is not None:
                await self._take_frame(data)
            else:
                await self._take_text(message.get("text"))

    async def _take_frame(self, data: bytes) -> None:
        seq, jpeg = int.from_bytes(data[:4]), data[4:]
        if not jpeg or len(jpeg) > MAX_FRAME_BYTES:
            text = f"A frame has {len(jpeg)} bytes; between 1 and {MAX_FRAME_BYTES} are taken."
            await self._out.put({"type": "answer", "seq": seq, "problem": text})
            return
        if self._recording and len(self._recording.jpegs) < MAX_RECORDED:
            self._recording.jpegs.append(jpeg)
        self._newest = (seq, jpeg)
        self._arrived.set()

    async def _take_text(self, text: str | None) -> None:
        order = _parse(text)
        match order.get("do"):
            case "here":
                pass
            case "record":
                await self._record(order)
            case "drop":
                self._recording = None
            case "keep":
                recording, self._recording = self._recording, None
                await self._jobs.put((order, recording))
            case _:
                await self._jobs.put((order, None))

    async def _record(self, order: Message) -> None:
        name = str(order.get("name", ""))
        try:
            self._room.taught.check(name)
        except InputError as error:
            await self._out.put({"type": "problem", "ref": _ref(order), "text": str(error)})
            return
        self._recording = Recording(name)
        await self._out.put({"type": "ok", "ref": _ref(order)})

    async def _answer(self) -> None:
        loop, watching = asyncio.get_running_loop(), Watching()
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            if self._newest is None:
                continue
            (seq, jpeg), self._newest = self._newest, None
            try:
                answer = await loop.run_in_executor(
                    self._watchers,
                    self._handlers.recognise,
                    self._room,
                    watching,
                    jpeg,
                    time.monotonic(),
                )
            except InputError as error:
                await self._out.put({"type": "answer", "seq": seq, "problem": str(error)})
                continue
            message: Message = {"type": "answer", "seq": seq}
            if answer:
                message["names"] = answer.names
                message["p"] = [round(float(p), 4) for p in answer.probabilities]
            await self._out.put(message)

    async def _do(self) -> None:
        while True:
            order, recording = await self._jobs.get()
            reply: Message = {"ref": _ref(order)}
            count, problem = await _outcome(self._workers, self._carry_out, order, recording)
            reply |= (
                {"type": "problem", "text": problem} if problem else {"type": "ok", "count": count}
            )
            await self._out.put(reply)

    def _carry_out(self, order: Message, recording: Recording | None) -> int | None:
        room, handlers = self._room, self._handlers
        thing, clip, name = (str(order.get(key, "")) for key in ("thing", "clip", "name"))
        match order.get("do"):
            case "keep":
                if recording is None:
                    raise InputError("Nothing is being recorded; press Record first.")
                return handlers.teach_recording(room, recording.name, recording.jpegs)
            case "samples":
                return handlers.teach_samples(room)
            case "rename":
                handlers.change(room, lambda taught: taught.rename(thing, name))
            case "remove":
                handlers.change(room, lambda taught: taught.remove(thing))
            case "remove clip":
                handlers.change(room, lambda taught: taught.remove_clip(thing, clip))
            case "undo":
                handlers.change(room, lambda taught: taught.undo())
            case _:
                raise InputError("The app did not understand its page; reload the page.")
        return None

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(WebSocketDisconnect):  # the reader hears of it too, and why
            for message in await loop.run_in_executor(self._workers, welcome, self._room):
                await self._socket.send_json(message)
            while (message := await self._out.get())["type"] not in ("cut", "gone"):
                await self._socket.send_json(message)
            if message["type"] == "gone":
                await self._socket.send_json({"type": "gone", "text": CLOSED})
            await self._socket.close(OVERLOADED)


async def _outcome(
    pool: ThreadPoolExecutor, verb: Callable[..., Any], *values: Any
) -> tuple[Any, str]:
    """What a verb returned, or the sentence that says why it did not."""
    work = asyncio.get_running_loop().run_in_executor(pool, verb, *values)
    await asyncio.wait([work])
    error = work.exception()
    if error is None:
        return work.result(), ""
    if isinstance(error, InputError):
        return None, str(error)
    log.error("%s failed", verb.__name__, exc_info=error)
    return None, OUR_FAULT


def _parse(text: str | None) -> Message:
    """A control message; {} for anything that is not a small JSON object."""
    try:
        order: Any = json.loads(text) if text and len(text) <= MAX_TEXT else None
    except (ValueError, RecursionError):
        order = None
    return order if isinstance(order, dict) else {}


def _ref(order: Message) -> int | None:
    ref = order.get("ref")
    return ref if isinstance(ref, int) else None


async def _receive(request: Request, path: Path) -> None:
    """Write an uploaded body to `path`, piece by piece; InputError when it is too large or of no use."""
    if path.suffix not in ENDINGS:
        raise InputError(f"This is not a clip or photo; use one of {' '.join(ENDINGS)}.")
    too_large = InputError(
        f"This file is larger than {MAX_UPLOAD_BYTES >> 20} MB; use a shorter clip."
    )
    if int(request.headers.get("content-length") or 0) > MAX_UPLOAD_BYTES:
        raise too_large
    size = 0
    try:
        with open(path, "wb") as file:
            async for piece in request.stream():
                size += len(piece)
                if size > MAX_UPLOAD_BYTES:
                    raise too_large
                file.write(piece)
    except OSError as error:
        raise InputError(
            f"This file could not be saved: {error.strerror}; what you taught is safe."
        ) from error
