"""Where the page saves what is taught, opens a file of it, and keeps it clip by clip.

    GET /profile, GET /profile?clip=ID -> a profile, of everything or of one clip
        (204 when that clip is not here any more)
    POST /profile, a profile, x-same: "", "merge" or "rename" -> {"things", "frames", "settings"},
        or {"same": [names], "problem"}: such things are here, and x-same does not say what then

Both name their room in the authorization. x-settings, JSON: what the page is set to.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.background import BackgroundTask

from app.live.connection import outcome, refusal
from app.live.gate import FEWER_THINGS, GONE, token_of
from app.live.receiving import COMING, MAX_UPLOADS, one_more, receive
from app.profile.file import MAX_FILE_BYTES
from app.profile.manifest import parse_settings
from app.profile.opening import Opened, Profiles, SameNames
from app.rooms import Room, Rooms, folder_for, readable_name
from app.words.language import problem as told
from model import InputError

NAME = "my-things.zip"


def profile_routes(rooms: Rooms, profiles: Profiles) -> APIRouter:
    """`/profile`, to read and to write."""
    router = APIRouter()
    pool = ThreadPoolExecutor(4, "profiles")
    receiving: Counter[str] = Counter()  # room -> its files on their way

    @router.get("/profile")
    async def save(request: Request, clip: str = "") -> Response:
        room = rooms.get(token_of(request))
        if room is None:
            return refusal(GONE.told, 401)
        if clip and clip not in {own.id for own in room.taught.present()}:
            return Response(status_code=204)
        file, problem = await outcome(pool, _written, profiles, room, request, clip)
        if problem:
            return refusal(problem)
        gone = BackgroundTask(shutil.rmtree, file.parent, ignore_errors=True)
        return FileResponse(file, media_type="application/zip", filename=NAME, background=gone)

    @router.post("/profile")
    async def open_file(request: Request) -> JSONResponse:
        room = rooms.get(token_of(request))
        if room is None:
            return refusal(GONE.told, 401)
        title = readable_name(unquote(request.headers.get("x-file", "")))
        same = request.headers.get("x-same", "")
        try:
            with one_more(receiving, room.token, MAX_UPLOADS, COMING), folder_for(room) as folder:
                await receive(request, folder / title, MAX_FILE_BYTES, FEWER_THINGS)
                opened, problem = await outcome(pool, _opened, profiles, room, folder / title, same)
        except InputError as error:
            opened, problem = None, told(error)
        if isinstance(opened, SameNames):
            return refusal(told(opened), 200, same=opened.names)
        if problem or opened is None:
            return refusal(problem)
        return JSONResponse(vars(opened))

    return router


def _written(profiles: Profiles, room: Room, request: Request, clip: str) -> Path:
    """The file, in a folder of its own."""
    try:
        settings = parse_settings(json.loads(request.headers.get("x-settings", "{}")))
    except (ValueError, RecursionError) as error:
        raise InputError("The page's settings cannot be read; reload the page.") from error
    folder = Path(tempfile.mkdtemp(dir=room.folder))
    try:
        profiles.save(room, folder / NAME, settings, clip)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder / NAME


def _opened(profiles: Profiles, room: Room, path: Path, same: str) -> Opened | SameNames:
    try:
        return profiles.open(room, path, same)
    except SameNames as names:
        return names
