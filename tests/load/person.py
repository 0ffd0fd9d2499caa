"""A person at the app, without a browser: as the page does it, over the same sockets and routes."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import cv2
import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection, connect

RATE = 30  # frames a second of the camera
IN_FLIGHT = 2  # frames that are not answered yet, at most: page/line.js
STALE_SECONDS = 3.0
PATIENCE_SECONDS = 60.0


@dataclass
class Person:
    """One page: two things with names of their own, a camera, some small changes on the way."""

    url: str
    number: int
    errors: list[str] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)  # seconds from picture to answer
    foreign: set[str] = field(default_factory=set)  # names of others that were seen
    learned: int = 0  # models that were made

    def __post_init__(self) -> None:
        self._chance = random.Random(self.number)
        colours = np.random.default_rng(self.number).integers(0, 256, (2, 3), np.uint8)
        self._views = {
            f"{thing} of {self.number}": [_view(colour, step) for step in range(8)]
            for thing, colour in zip(("mug", "keys"), colours, strict=True)
        }
        self._ids: dict[str, str] = {}  # name -> the app's id of a thing
        self._on_the_way: dict[int, float] = {}
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._seq = self._ref = 0

    async def live(self, ready: asyncio.Event | asyncio.Barrier, until: asyncio.Event) -> None:
        """Teach, say that it is done, and watch until it is over."""
        async with httpx.AsyncClient(base_url=self.url, timeout=PATIENCE_SECONDS) as client:
            self.token = await self._enter(client)
            async with connect(self.url.replace("http", "ws") + "/live") as line:
                await line.send(json.dumps({"room": self.token}))
                hearing = asyncio.create_task(self._hear(line))
                try:
                    for name in list(self._views):
                        await self._teach(line, name)
                    while not self.learned:
                        await asyncio.sleep(0.05)
                    await (ready.wait() if isinstance(ready, asyncio.Barrier) else _set(ready))
                    self.delays.clear()
                    changing = asyncio.create_task(self._change(line, client))
                    while not until.is_set():
                        await self._show(line)
                        await asyncio.sleep(1 / RATE)
                    changing.cancel()
                except Exception as error:  # whatever went wrong is the result
                    self.errors.append(f"person {self.number}: {type(error).__name__}: {error}")
                finally:
                    hearing.cancel()

    async def _enter(self, client: httpx.AsyncClient) -> str:
        event = (await client.post("/gradio_api/call/open", json={"data": []})).json()["event_id"]
        answer = (await client.get(f"/gradio_api/call/open/{event}")).text
        return json.loads(answer.split("data: ", 1)[1].splitlines()[0])[0]

    async def _teach(self, line: ClientConnection, name: str) -> None:
        await self._ask(line, {"do": "record", "name": name})
        for view in self._views[name] * 2:
            await self._frame(line, view)
            await asyncio.sleep(1 / RATE)
        await self._ask(line, {"do": "keep"})

    async def _show(self, line: ClientConnection) -> None:
        now = time.perf_counter()
        for seq, taken in list(self._on_the_way.items()):
            if now - taken > STALE_SECONDS:
                del self._on_the_way[seq]
                self.errors.append(f"person {self.number}: no answer in {STALE_SECONDS:.0f} s")
        if len(self._on_the_way) < IN_FLIGHT:
            await self._frame(line, self._chance.choice(list(self._views.values()))[0])

    async def _frame(self, line: ClientConnection, jpeg: bytes) -> None:
        self._seq += 1
        if self.learned:
            self._on_the_way[self._seq] = time.perf_counter()
        await line.send(self._seq.to_bytes(4) + jpeg)

    async def _change(self, line: ClientConnection, client: httpx.AsyncClient) -> None:
        """Now and then a rename and back, now and then a photo more and undone."""
        while True:
            await asyncio.sleep(self._chance.uniform(8, 16))
            name = self._chance.choice(list(self._ids))
            if self._chance.random() < 0.7:
                other = f"other {name.removeprefix('other ')}"
                await self._ask(line, {"do": "rename", "thing": self._ids[name], "name": other})
                await self._ask(line, {"do": "rename", "thing": self._ids[other], "name": name})
                continue
            headers = {
                "authorization": f"Bearer {self.token}",
                "x-thing": quote(name),
                "x-file": "photo.jpg",
            }
            jpeg = self._chance.choice(next(iter(self._views.values())))
            answer = await client.post("/clips", headers=headers, content=jpeg)
            if answer.status_code != 200:
                self.errors.append(f"person {self.number}: {answer.text}")
            clip = {"do": "remove clip", "thing": self._ids[name], "clip": self._clips[name][-1]}
            await self._ask(line, clip)

    async def _ask(self, line: ClientConnection, order: dict[str, Any]) -> None:
        self._ref += 1
        answer = self._answers[self._ref] = asyncio.get_running_loop().create_future()
        await line.send(json.dumps({**order, "ref": self._ref}))
        told = await asyncio.wait_for(answer, PATIENCE_SECONDS)
        if told["type"] != "ok":
            self.errors.append(f"person {self.number}: {told}")

    async def _hear(self, line: ClientConnection) -> None:
        async for text in line:
            message = json.loads(text)
            if (answer := self._answers.pop(message.get("ref"), None)) and not answer.done():
                answer.set_result(message)
            match message["type"]:
                case "answer":
                    self._seen(message)
                case "state":
                    self._ids = {thing["name"]: thing["id"] for thing in message["things"]}
                    self._clips = {
                        thing["name"]: [clip["id"] for clip in thing["clips"]]
                        for thing in message["things"]
                    }
                case "learned":
                    self.learned += 1
                case "gone" | "unlearned":
                    self.errors.append(f"person {self.number}: {message}")

    def _seen(self, message: dict[str, Any]) -> None:
        if "problem" in message:
            self.errors.append(f"person {self.number}: {message['problem']}")
        own = f" of {self.number}"
        self.foreign |= {name for name in message.get("names", []) if not name.endswith(own)}
        if (taken := self._on_the_way.get(message["seq"])) is not None:
            self.delays.append(time.perf_counter() - taken)
        for seq in [s for s in self._on_the_way if s <= message["seq"]]:
            del self._on_the_way[seq]


async def _set(event: asyncio.Event) -> None:
    event.set()


def _view(colour: np.ndarray, step: int) -> bytes:
    """A 224-pixel JPEG of a coloured thing before a wall, a little further each step."""
    rng = np.random.default_rng(step)
    wall = cv2.resize(rng.integers(0, 256, (14, 14, 3), np.uint8), (224, 224))
    wall[60 + 8 * step : 160 + 8 * step, 50:150] = colour
    return cv2.imencode(".jpg", wall)[1].tobytes()


def p95(delays: list[float]) -> float:
    """The delay in seconds that 95 % of the answers stay under."""
    return float(np.quantile(delays, 0.95)) if delays else float("nan")


def rate(delays: deque[float] | list[float], seconds: float) -> float:
    """Answers a second."""
    return len(delays) / seconds
