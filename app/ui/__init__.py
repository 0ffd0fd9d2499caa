"""Layout and wiring of the page. What happens is decided in `handlers`, `results` and app/page/.

Teaching and watching is an element of ours, <teach-and-watch>, which talks to `live`; naming a
video and taking the model away are Gradio's own components. Gradio is imported in this folder only.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from urllib.parse import quote

import gradio as gr
from fastapi import FastAPI
from gradio.themes import Default, colors, sizes

from app.handlers import Handlers, sample_clips
from app.live import MAX_UPLOAD_BYTES
from app.results import Results
from app.rooms import Rooms
from app.ui.api import api
from app.ui.model import model_tab
from app.ui.video import video_tab
from app.ui.words import in_words, translations
from app.words.language import Said, in_english
from model import InputError

HEAD = """
<link rel="icon" href="page/icon.svg"><link rel="stylesheet" href="page/page.css">
<link rel="stylesheet" href="page/keep.css">
<meta name="description" content="{description}">
<script type="module" src="page/app.js"></script>
<script type="module" src="page/inwords.js"></script>
<script type="module" src="page/code.js"></script>
<script type="module" src="page/seen.js"></script>
<script type="module" src="page/tabs.js"></script>
"""
HEADER = """
<header class="masthead"><h1>{title}</h1><p>{lead}</p></header>
"""
REST = 0.05  # s between two looks into Gradio's queue; its own 1 ms is 6 % of a core of an idle app
HAND_OVER = "(room) => { window.room = room; window.dispatchEvent(new Event('room')); }"


def build_ui(rooms: Rooms, handlers: Handlers, results: Results, samples: Path) -> gr.Blocks:
    """The page, with every listener wired; nothing is served yet."""
    pages: dict[str, str] = {}  # Gradio's name of a page -> the token of its room

    def enter(request: gr.Request) -> tuple[str, str]:
        try:
            room = rooms.open(request.client.host if request.client else "")
        except InputError:
            return "", ""  # the page says that the app is full
        pages[str(request.session_hash)] = room.token
        return room.token, room.token

    def leave(request: gr.Request) -> None:
        rooms.page_left(pages.pop(str(request.session_hash), ""))

    title, label = Said("title"), translations()
    page = gr.Blocks(title=str(title), analytics_enabled=False, delete_cache=(600, 3600))
    page.state_session_capacity = 500
    with page:
        token, handed_over = gr.State(""), gr.Textbox(visible=False)
        header = HEADER.format(title=in_words(title), lead=in_words(Said("lead")))
        gr.HTML(header, elem_id="top", apply_default_css=False)
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab(label("tab-teach")):
                gr.HTML(_teach_and_watch(samples), elem_id="teach", apply_default_css=False)
            with gr.Tab(label("tab-video")) as named:
                video_tab(named, label, token, rooms, results, samples)
            with gr.Tab(label("tab-model")) as taken:
                model_tab(taken, label, token, rooms, results)
        api(rooms, handlers, results)
        page.load(enter, None, [token, handed_over], api_visibility="private").then(
            None, handed_over, None, js=HAND_OVER
        )
        page.unload(leave)
    page.queue(max_size=50, default_concurrency_limit=2)
    page._queue.sleep_when_free = page._queue.progress_update_sleep_when_free = REST
    return page


def mount(app: FastAPI, page: gr.Blocks, root_path: str = "") -> None:
    """Serve the page at the root of `app`; routes that the app already has come first.

    root_path: the path below which a proxy shows the app, "/things" say.
    """
    theme = Default(
        primary_hue=colors.teal,
        neutral_hue=colors.slate,
        radius_size=sizes.radius_lg,
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    ).set(
        body_background_fill="#f5f7f8",
        body_background_fill_dark="#0f161d",
        block_background_fill_dark="#18222b",
        block_label_background_fill_dark="#18222b",
        input_background_fill_dark="#18222b",
        button_primary_background_fill=colors.teal.c700,
        button_primary_background_fill_hover=colors.teal.c800,
        button_primary_background_fill_dark=colors.teal.c700,
        button_primary_background_fill_hover_dark=colors.teal.c600,
    )
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        root_path=root_path or None,
        app_kwargs={"openapi_url": None},
        theme=theme,
        head=in_english(HEAD),
        footer_links=[],
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        ssr_mode=False,
        i18n=translations(),
        max_file_size=MAX_UPLOAD_BYTES,
    )


def _teach_and_watch(samples: Path) -> str:
    """Our element; what it may play in place of a camera travels in an attribute."""
    clips = [
        {"name": name, "url": "samples/" + quote(path.relative_to(samples).as_posix())}
        for name, paths in sample_clips(samples, "clutter").items()
        for path in paths[:1]
    ]
    return f'<teach-and-watch data-clips="{html.escape(json.dumps(clips))}"></teach-and-watch>'
