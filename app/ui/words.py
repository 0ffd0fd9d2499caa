"""Sentences on the page, escaped, and the room that a listener works in."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from app.live import GONE
from app.rooms import Room, Rooms
from app.words.language import Refused, Said, languages, sentences
from model import InputError

# What Gradio draws itself; all the rest is <in-words>, which page/inwords.js puts into words.
LABELS = (
    "tab-teach", "tab-video", "tab-model", "cancel", "video-file", "video-download", "video-list",
    "video-table", "video-curves", "model-file", "model-bundle",
)  # fmt: skip

Label = Callable[[str], Any]  # a key of LABELS -> what Gradio puts into words


def translations() -> gr.I18n:
    """Those of LABELS."""
    known = {language: sentences(language) for language in languages()}
    return gr.I18n(**{tag: {key: str(all_[key]) for key in LABELS} for tag, all_ in known.items()})


def in_words(said: Said, label: bool = False) -> str:
    """A sentence that stands there in English, until the page has put it into its language.

    label: it is the name of the element that it stands in, and not seen.
    """
    values = html.escape(json.dumps(said.message["values"], ensure_ascii=False))
    text = "" if label else html.escape(str(said))
    return f'<in-words key="{said.key}" values="{values}"{" label" * label}>{text}</in-words>'


def say(said: Said | InputError, kind: str = "say") -> str:
    """A sentence where the person looks, spoken by screen readers when it changes.

    An InputError speaks English, but for Refused.
    """
    if isinstance(said, Refused):
        said = said.said
    if isinstance(said, Said):
        return f'<p class="{kind}" role="status">{in_words(said)}</p>'
    return f'<p class="{kind}" role="status" lang="en" dir="ltr">{html.escape(str(said))}</p>'


def reason(error: InputError) -> Said | str:
    """What an error says, as a value of another sentence."""
    return error.said if isinstance(error, Refused) else str(error)


def room_of(rooms: Rooms, token: str) -> Room:
    """The room of a page; InputError when the server does not know it (any more)."""
    room = rooms.get(token)
    if room is None:
        raise Refused(GONE)
    return room
