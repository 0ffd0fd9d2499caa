"""The server: Gradio's page, the live WebSocket, the page's files and `/healthz` on one FastAPI
app.

Nothing here calls out, and the Content-Security-Policy keeps the page from doing so. Files that a
page may fetch lie in folders with names nobody can guess; clips lie where nothing is served from.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.decode.decoder import Decoder
from app.device.runtime import RUNTIME
from app.fair_lock import FairLock
from app.handlers import Handlers
from app.https.address import network_address, qr_code
from app.https.certificate import certificate
from app.learning import Learner, Teacher
from app.live import MAX_FRAME_BYTES, Gate, Origins, live_routes
from app.live.model import model_route
from app.live.profile import profile_routes
from app.profile.opening import Profiles
from app.results import Results
from app.rooms import Rooms, private_root
from app.ui import build_ui, mount
from app.ui.first import FirstScript
from model import InputError, Personaliser

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent / "assets" / "samples"
SWEEP_SECONDS = 30.0
MAX_PORT = 65535
MAX_CONNECTIONS = 2000  # requests and sockets at once; one more is told to come back
MAX_FILES = 65536
SELDOM_SECONDS = 5.0

BY_PHONE = (
    "A phone in the same network opens it with this code. Its browser warns that it does not know\n"
    "the certificate, which this machine has just made itself: choose Advanced, then Continue."
)
POLICY = "content-security-policy"
HEADERS = {
    # Gradio's pages need inline scripts, and its HTML components evaluate their templates.
    POLICY: "default-src 'self'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def create_app(
    teacher: Teacher,
    samples: Path = SAMPLES,
    parent: Path | None = None,
    root_path: str = "",
    origins: Origins = Origins(),  # noqa: B008 - frozen
) -> FastAPI:
    """The whole app.

    teacher: a `Personaliser`; parent: where its private folder goes; root_path: the path below
    which a proxy shows it; origins: the pages that may use it.
    """
    root = private_root(parent)
    private, shown, empty, passing = (
        root.path / name for name in ("private", "shown", "empty", "passing")
    )
    for folder in (private, shown, empty, passing):
        folder.mkdir()
    os.environ["GRADIO_TEMP_DIR"] = str(
        shown
    )  # where Gradio keeps uploads, and the only folder it serves
    lock, decoder = FairLock(), Decoder(empty)
    learner, rooms = Learner(teacher, lock), Rooms(private, shown)
    handlers = Handlers(learner, decoder.read_clip, lock, samples)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(_sweep(rooms))
        tempfile.tempdir = str(passing)  # what a killed server leaves goes with its root
        yield
        tempfile.tempdir = None
        sweeping.cancel()
        rooms.close_all()
        learner.close()
        decoder.close()
        root.remove()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.include_router(live_routes(rooms, handlers, origins))
    app.include_router(model_route(rooms))
    app.include_router(profile_routes(rooms, Profiles(handlers, decoder.read_profile)))
    app.add_api_route("/healthz", lambda: {"status": "ok"}, methods=["GET", "POST"])
    app.mount("/page", GZipMiddleware(Scripts(directory=HERE / "page")))
    if RUNTIME.is_dir():
        app.mount("/runtime", Scripts(directory=RUNTIME))
    if samples.is_dir():
        app.mount("/samples", StaticFiles(directory=samples))
    results = Results(decoder.look_through, lock)
    mount(app, build_ui(rooms, handlers, results, samples), root_path)
    app.add_middleware(Gate, rooms=rooms, origins=origins)
    app.add_middleware(FirstScript, script="page/choose.js")
    app.add_middleware(Headers, frames=origins.allowed)
    return app


@dataclass(frozen=True)
class Serving:
    """Where the app listens, and what stands between it and people's browsers."""

    host: str = ""  # this machine alone; with `https` whoever reaches it in its network
    port: int = 7860
    root_path: str = ""  # the path below which a proxy shows it
    allowed_origins: tuple[str, ...] = ()  # besides its own
    https: bool = False  # with a certificate made for this machine


def serve(personaliser: Personaliser, serving: Serving) -> None:
    """Serve the app until it is interrupted; InputError when it cannot, as it was told."""
    origins, root_path = _origins(serving.allowed_origins), _root_path(serving.root_path)
    _raise_descriptors()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for handler in logging.root.handlers:
        handler.addFilter(Seldom())
    host = serving.host or ("0.0.0.0" if serving.https else "127.0.0.1")
    seen = network_address() if host in ("0.0.0.0", "::") and serving.https else host
    own = certificate(seen) if serving.https else nullcontext()
    with listen(host, serving.port) as listener, own as files:
        config = uvicorn.Config(
            create_app(personaliser, root_path=root_path, origins=origins),
            log_config=None,
            log_level="warning",
            access_log=False,
            ws_max_size=2 * MAX_FRAME_BYTES,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=2,
            ssl_certfile=files and files.chain,
            ssl_keyfile=files and files.key,
        )
        address = f"[{seen}]" if ":" in seen else seen
        port, scheme = listener.getsockname()[1], "https" if files else "http"
        url = f"{scheme}://{address}:{port}{root_path}"
        print(f"Teach it your things: {url}", flush=True)
        if files:
            _print_code(url)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def _print_code(url: str) -> None:
    if (sys.stdout.encoding or "").lower().startswith("utf"):
        print(qr_code(url))
    print(BY_PHONE, flush=True)


def _origins(given: tuple[str, ...]) -> Origins:
    for origin in given:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
            raise InputError(
                f"{origin!r} is no origin; give a scheme and a host, as in "
                "https://things.example.org."
            )
    return Origins(tuple(origin.rstrip("/") for origin in given))


def _root_path(given: str) -> str:
    path = given.rstrip("/")
    if path and (not path.startswith("/") or "//" in path or "?" in path):
        raise InputError(f"{given!r} is no path; give one that begins with /, as in /things.")
    return path


def _raise_descriptors() -> None:
    """As many open files as the system grants: every page holds some."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Seldom(logging.Filter):
    """Lets a place in the code log once in SELDOM_SECONDS: no failure of everybody fills a disk."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this record is written."""
        place, now = (record.pathname, record.lineno), time.monotonic()
        if now - self._last.get(place, -SELDOM_SECONDS) < SELDOM_SECONDS:
            return False
        self._last[place] = now
        return True


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at `host` and `port`; InputError when there can be none."""
    if not 0 <= port <= MAX_PORT:
        raise InputError(f"There is no port {port}; choose one from 1 to {MAX_PORT}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named, asyncio sends small answers on its connections at once.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except (OSError, UnicodeError, TypeError) as error:  # the latter two about strange host names
        listener.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            other = port + 1 if port < MAX_PORT else port - 1
            raise InputError(f"Port {port} is in use; start with --port {other}.") from error
        reason = (isinstance(error, OSError) and error.strerror) or "it is no address"
        raise InputError(f"The app cannot listen at {host}, port {port}: {reason}.") from error
    return listener


async def _sweep(rooms: Rooms) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        await asyncio.to_thread(rooms.close_quiet, time.monotonic())
        await asyncio.to_thread(rooms.sweep_uploads, time.time())


class Scripts(StaticFiles):
    """Files that a browser asks for again each time, by their ETag: after an update no old module
    is left beside a new one.
    """

    def file_response(self, *args: Any, **more: Any) -> Response:
        response = super().file_response(*args, **more)
        response.headers["cache-control"] = "no-cache"
        return response


class Headers:
    """Adds HEADERS to every answer. Pure ASGI: what streams goes on streaming.

    frames: origins of the pages that may show the app in a frame, besides its own.
    """

    def __init__(self, app: ASGIApp, frames: tuple[str, ...] = ()) -> None:
        self._app = app
        headers = dict(HEADERS)
        headers[POLICY] = " ".join([headers[POLICY], *frames])
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        await self._app(scope, receive, send_more)
