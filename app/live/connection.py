"""One page on the line: frames and orders in, answers and news out.

Frames are answered newest first; one that is overtaken is never answered. A page that sends too
fast is read more slowly, so that a flood stays in its own connection; one that does not read what
it is told is cut off, and hears everything again when it comes back.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from app.handlers import Handlers, Watching, welcome
from app.rooms import Message, Room
from app.words.language import Said
from app.words.language import problem as told
from model import InputError

log = logging.getLogger(__name__)

MAX_FRAME_BYTES = 128 * 1024  # a 224-pixel JPEG has 10 to 20 kB
MAX_TEXT = 48 * 1024  # characters of a control message; one may name 2,000 photos
MAX_MESSAGES = 80.0  # per second and page; a camera gives 30 frames
MAX_RECORDED = 300  # frames of one recording
MOMENT_SECONDS = 1.0  # of the stream: what *Wrong* is about
CLOSING_SECONDS = 5.0
OVERLOADED = 1013

OUR_FAULT = Said("failed-here")
CLOSED = Said("page-silent")


@dataclass
class Recording:
    """Frames that are being kept for a thing."""

    name: str
    jpegs: list[bytes] = field(default_factory=list)


class Connection:
    """One page on the line, from its hello to its end."""

    def __init__(
        self,
        socket: WebSocket,
        room: Room,
        handlers: Handlers,
        watchers: ThreadPoolExecutor,
        workers: ThreadPoolExecutor,
        readers: ThreadPoolExecutor,
    ) -> None:
        self._socket, self._room, self._handlers = socket, room, handlers
        self._watchers, self._workers, self._readers = watchers, workers, readers
        self._out: asyncio.Queue[Message] = asyncio.Queue(256)
        self._jobs: asyncio.Queue[tuple[Message, Recording | None]] = asyncio.Queue(8)
        self._newest: tuple[int, bytes] | None = None
        self._arrived = asyncio.Event()
        self._recording: Recording | None = None
        self._recent: deque[tuple[float, bytes]] = deque()  # frames of the present moment
        self._moment: list[bytes] = []  # the one that is being asked about

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
            return (tasks[0].result() or 0) if tasks[0].done() else 0
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
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
        now = time.monotonic()
        self._recent.append((now, jpeg))
        while self._recent[0][0] < now - MOMENT_SECONDS:
            self._recent.popleft()
        self._newest = (seq, jpeg)
        self._arrived.set()

    async def _take_text(self, text: str | None) -> None:
        order = parse(text)
        match order.get("do"):
            case "here":
                pass
            case "record":
                await self._record(order)
            case "keep":
                recording, self._recording = self._recording, None
                await self._jobs.put((order, recording))
            case "wrong":
                begin = time.monotonic() - MOMENT_SECONDS
                self._moment = [jpeg for at, jpeg in self._recent if at >= begin]
                await self._out.put({"type": "ok", "ref": _ref(order)})
            case "it is" | "not mine":
                moment, self._moment = Recording("", self._moment), []
                await self._jobs.put((order, moment))
            case _:
                await self._jobs.put((order, None))

    async def _record(self, order: Message) -> None:
        taught = self._room.taught
        try:
            name = taught.check(str(order.get("name", "")))
        except InputError as error:
            await self._out.put({"type": "problem", "ref": _ref(order), **told(error)})
            return
        thing = taught.named(name)
        self._recording = Recording(thing.name if thing else name)
        await self._out.put({"type": "ok", "ref": _ref(order), "name": self._recording.name})

    async def _answer(self) -> None:
        loop, watching = asyncio.get_running_loop(), Watching()
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            if self._newest is None:  # it went with the look before
                continue
            message = await loop.run_in_executor(self._watchers, self._look, watching)
            await self._out.put(message)

    def _look(self, watching: Watching) -> Message:
        """The answer to the frame that is the newest now, when it is our turn."""
        assert self._newest is not None
        (seq, jpeg), self._newest = self._newest, None
        message: Message = {"type": "answer", "seq": seq}
        try:
            answer = self._handlers.recognise(self._room, watching, jpeg, time.monotonic())
        except InputError as error:
            return message | {"problem": str(error)}
        if answer:
            sight = answer.sight
            message["names"], message["named"] = answer.names, sight.named
            message["p"] = [round(float(p), 4) for p in sight.probabilities]
            if sight.where:
                message["where"] = [round(share, 3) for share in sight.where]
        return message

    async def _do(self) -> None:
        while True:
            order, recording = await self._jobs.get()
            reply: Message = {"ref": _ref(order)}
            pool = self._readers if order.get("do") == "samples" else self._workers
            done, problem = await outcome(pool, self._carry_out, order, recording)
            reply |= {"type": "problem", **problem} if problem else {"type": "ok", **done}
            await self._out.put(reply)

    def _carry_out(self, order: Message, recording: Recording | None) -> Message:
        """Do as the page says; returns what it is told beside that it was done."""
        room, handlers = self._room, self._handlers
        thing, clip, name = (str(order.get(key, "")) for key in ("thing", "clip", "name"))
        match order.get("do"):
            case "keep":
                if recording is None:
                    raise InputError("Nothing is being recorded; press Record first.")
                count = handlers.teach_recording(room, recording.name, recording.jpegs)
                return {"count": count, "sent": len(recording.jpegs)}
            case "it is" if recording:
                return {"clip": handlers.correct(room, thing, recording.jpegs)}
            case "not mine" if recording:
                return {"clip": handlers.correct(room, None, recording.jpegs)}
            case "forget":
                handlers.change(room, lambda taught: taught.forget(clip))
            case "samples":
                return {"count": handlers.teach_samples(room)}
            case "rename":
                handlers.change(room, lambda taught: taught.rename(thing, name))
            case "remove":
                handlers.change(room, lambda taught: taught.remove(thing))
            case "remove clip":
                handlers.change(room, lambda taught: taught.remove_clips(thing, _clips(order)))
            case "remove frame":
                handlers.remove_frame(room, thing, clip, _number(order.get("frame")))
            case "forget everything":
                handlers.forget_everything(room)
            case "undo":
                handlers.change(room, lambda taught: taught.undo())
            case _:
                raise InputError("The app did not understand its page; reload the page.")
        return {}

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(WebSocketDisconnect):  # the reader hears of it too, and why
            for message in await loop.run_in_executor(self._workers, welcome, self._room):
                await self._socket.send_json(message)
            while (message := await self._out.get())["type"] not in ("cut", "gone"):
                await self._socket.send_json(message)
            if message["type"] == "gone":
                await self._socket.send_json({"type": "gone", "anew": True, **CLOSED.told})
            await self._socket.close(OVERLOADED)


async def outcome(
    pool: ThreadPoolExecutor, verb: Callable[..., Any], *values: Any
) -> tuple[Any, Message]:
    """What a verb returned, or the problem why it did not, as `told` has it."""
    work = asyncio.get_running_loop().run_in_executor(pool, verb, *values)
    await asyncio.wait([work])
    error = work.exception()
    if error is None:
        return work.result(), {}
    if isinstance(error, InputError):
        return None, told(error)
    log.error("%s failed", verb.__name__, exc_info=error)
    return None, OUR_FAULT.told


def refusal(problem: Message, status: int = 400, **more: object) -> JSONResponse:
    """A problem as the answer to a request, and what else it tells."""
    told = {"problem" if key == "text" else key: value for key, value in problem.items()}
    return JSONResponse(told | more, status)


def parse(text: str | None) -> Message:
    """A control message; {} for anything that is not a small JSON object."""
    try:
        order: Any = json.loads(text) if text and len(text) <= MAX_TEXT else None
    except (ValueError, RecursionError):
        order = None
    return order if isinstance(order, dict) else {}


def _clips(order: Message) -> list[str]:
    clips = order.get("clips", [order.get("clip")])
    return [str(clip) for clip in clips] if isinstance(clips, list) else []


def _number(value: object) -> int:
    return value if isinstance(value, int) else -1


def _ref(order: Message) -> int | None:
    ref = order.get("ref")
    return ref if isinstance(ref, int) else None
