"""The adapted model of a room for its own page, which runs it without sending frames."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.live.connection import refusal
from app.live.gate import GONE, token_of
from app.rooms import Rooms
from app.words.language import Said


def model_route(rooms: Rooms) -> APIRouter:
    """GET `/model`: the file; the room is named as in uploads.

    A browser's onnxruntime cannot read metadata, so the names come before it, from the same moment:
    four bytes, little-endian, say how many bytes of JSON follow, and then the file begins. In a
    header fifty long names would be too many for a proxy.
    """
    router = APIRouter()

    @router.get("/model")
    def model(request: Request) -> Response:
        room = rooms.get(token_of(request))
        if room is None:
            return refusal(GONE.told, 401)
        adapted = room.adapted
        if adapted is None:
            return refusal(Said("teach-two").told, 409)
        names = json.dumps(adapted.names).encode()
        body = len(names).to_bytes(4, "little") + names + adapted.to_bytes()
        return Response(body, 200, {"cache-control": "no-store"}, "application/octet-stream")

    return router
