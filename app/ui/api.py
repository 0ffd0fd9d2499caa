"""The same for other programs: open a room, teach, recognise, export. docs/using.md has an example.

Each verb is a named endpoint of Gradio's API, for `gradio_client` and plain HTTP alike. A room is
named by its token, which `open` gives; uploads carry it too (see `app.live.gate`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import gradio as gr
import numpy as np

from app.handlers import Handlers
from app.naming.sight import Sight
from app.results import NamedVideo, Results
from app.rooms import Rooms
from app.ui.uploads import taken
from app.ui.words import room_of
from model import InputError
from model.media.kinds import validate_media

PHOTOS = ("jpeg", "png", "webp", "heif", "avif")


def api(rooms: Rooms, handlers: Handlers, results: Results) -> None:
    """Add the endpoints to the page that is being built; nothing of them is seen on it."""

    def open_room(request: gr.Request) -> str:
        return rooms.open(request.client.host if request.client else "").token

    def teach(room: str, name: str, file: str) -> int:
        own = room_of(rooms, room)
        with taken(file, rooms, own) as path:
            return handlers.teach_file(own, name, path)

    def recognise(room: str, file: str) -> dict[str, Any]:
        own = room_of(rooms, room)
        with taken(file, rooms, own) as path:
            if validate_media(path) in PHOTOS:
                names, sights = results.name_photo(own, handlers.read_clip(own, path))
                return _answer(names, np.zeros(len(sights)), sights)
            for step in results.name_video(own, path, path.name):
                if isinstance(step, NamedVideo):
                    return _answer(step.names, step.times, step.sights)
        raise InputError("This video holds no frame.")

    def export(room: str) -> str:
        return str(results.export(room_of(rooms, room)).file)

    with gr.Column(visible=False):
        room, name, file = gr.Textbox(label="room"), gr.Textbox(label="name"), gr.File(label="file")
        for verb, inputs, output, about in (
            (open_room, [], gr.Textbox(), "Open a room: its token, for all other endpoints."),
            (teach, [room, name, file], gr.Number(), "Teach a clip or photo: frames kept."),
            (
                recognise,
                [room, file],
                gr.JSON(),
                "Name a photo or video: names, times, probabilities, unknown, named.",
            ),
            (export, [room], gr.File(), "The adapted model, one ONNX file."),
        ):
            gr.Button().click(
                _in_words(verb),
                inputs,
                output,
                api_name=verb.__name__.removesuffix("_room"),
                api_description=about,
                concurrency_limit=None,  # the decoder and the model have lines of their own
            )


def _answer(names: tuple[str, ...], times: np.ndarray, sights: Sequence[Sight]) -> dict[str, Any]:
    """As JSON: K names; for each of F times in seconds a row of K probabilities, the unknown score
    (null of a model that does not know) and what is named (null: none of the things).
    """
    return {
        "names": list(names),
        "times": times.astype(float).round(3).tolist(),
        "probabilities": [sight.probabilities.astype(float).round(4).tolist() for sight in sights],
        "unknown": [None if s.unknown is None else round(s.unknown, 4) for s in sights],
        "named": [names[sight.best] if sight.named else None for sight in sights],
    }


def _in_words(verb: Callable[..., Any]) -> Callable[..., Any]:
    """The verb, with what a person can mend as an error of Gradio's, which carries one sentence."""

    @wraps(verb)
    def said(*values: Any, **more: Any) -> Any:
        try:
            return verb(*values, **more)
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return said
