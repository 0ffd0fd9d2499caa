"""The adapted model of a room for its own page, which runs it without sending frames."""

from __future__ import annotations

import json
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from app.live.gate import GONE, token_of
from app.rooms import Rooms


def model_route(rooms: Rooms) -> APIRouter:
    """GET `/model`: the file; the room is named as in uploads.

    A browser's onnxruntime cannot read metadata, so the names come beside it, from the same moment.
    """
    router = APIRouter()

    @router.get("/model")
    def model(request: Request) -> Response:
        room = rooms.get(token_of(request))
        if room is None:
            return JSONResponse({"problem": GONE}, 401)
        adapted = room.adapted
        if adapted is None:
            return JSONResponse({"problem": "Nothing is learned yet; teach two things first."}, 409)
        names = quote(json.dumps(adapted.names))
        headers = {"x-names": names, "cache-control": "no-store"}
        return Response(adapted.to_bytes(), 200, headers, "application/octet-stream")

    return router
