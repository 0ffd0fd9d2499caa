"""Layout and wiring of the page. What happens is decided in `handlers`, `results` and, in the browser, in page/.

Teaching and watching is an element of ours, <teach-and-watch>, which talks to `live`; naming a video and taking the
model away are Gradio's own components.
"""

from __future__ import annotations

import html
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read while gradio is imported

import gradio as gr
import pandas as pd
from fastapi import FastAPI

from app.handlers import sample_clips
from app.live import GONE, MAX_UPLOAD_BYTES
from app.overlay import COLOURS, Stretch, thinned
from app.results import NamedVideo, Results
from app.rooms import Room, Rooms
from model import InputError
from model.frames import ENDINGS

VIDEO_ENDINGS = [ending for ending in ENDINGS if ending not in (".jpg", ".jpeg", ".png", ".webp")]
LONGEST_LIST = 100  # rows of what was seen when
HEAD = """
<link rel="icon" href="/page/icon.svg"><link rel="stylesheet" href="/page/page.css">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="Teach it your things: show them to the camera, and it names them.">
<script type="module" src="/page/teach.js"></script>
"""
HAND_OVER = "(room) => { window.room = room; window.dispatchEvent(new Event('room')); }"
PYTHON = """import json

import cv2
import onnxruntime

model = onnxruntime.InferenceSession("my-things.onnx")
names = json.loads(model.get_modelmeta().custom_metadata_map["names"])
photo = cv2.cvtColor(cv2.imread("photo.jpg"), cv2.COLOR_BGR2RGB)  # any size
probabilities = model.run(["probabilities"], {"frames": photo[None]})[0][0]
print(names[probabilities.argmax()], probabilities.max())"""
COMMANDS = """# things/ holds one folder of clips or photos per thing, named like the thing
python -m app export --objects things --out my-things.onnx
python -m app recognise --objects things --video kitchen.mp4 --out kitchen.csv"""


def build_ui(rooms: Rooms, results: Results, samples: Path) -> gr.Blocks:
    """The page, with every listener wired; nothing is served yet."""
    pages: dict[str, str] = {}  # Gradio's name of a page -> the token of its room

    def enter(request: gr.Request) -> tuple[str, str]:
        try:
            room = rooms.open()
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from error
        pages[str(request.session_hash)] = room.token
        return room.token, room.token

    def leave(request: gr.Request) -> None:
        rooms.page_left(pages.pop(str(request.session_hash), ""))

    page = gr.Blocks(
        title="Teach it your things", analytics_enabled=False, delete_cache=(600, 3600)
    )
    page.state_session_capacity = 500
    with page:
        token, handed_over = gr.State(""), gr.Textbox(visible=False)
        gr.HTML(_header(), elem_id="top")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Teach & watch", elem_id="teach-tab"):
                gr.HTML(_teach_and_watch(samples), elem_id="teach")
            with gr.Tab("Name a video", elem_id="video-tab") as video_tab:
                _video_tab(video_tab, token, rooms, results, samples)
            with gr.Tab("Take it away", elem_id="model-tab") as model_tab:
                _model_tab(model_tab, token, rooms, results)
        page.load(enter, None, [token, handed_over], api_visibility="private").then(
            None, handed_over, None, js=HAND_OVER
        )
        page.unload(leave)
    page.queue(max_size=50, default_concurrency_limit=2)
    return page


def mount(app: FastAPI, page: gr.Blocks) -> None:
    """Serve the page at the root of `app`; routes that the app already has come first."""
    teal = gr.themes.colors.teal
    theme = gr.themes.Default(
        primary_hue=teal, neutral_hue=gr.themes.colors.slate, radius_size=gr.themes.sizes.radius_lg,
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    ).set(
        button_primary_background_fill=teal.c700, button_primary_background_fill_hover=teal.c800,
        button_primary_background_fill_dark=teal.c700, button_primary_background_fill_hover_dark=teal.c600,
    )  # fmt: skip
    gr.mount_gradio_app(
        app, page, path="/", theme=theme, head=HEAD, footer_links=[], run_history=False,
        show_error=False, enable_monitoring=False, ssr_mode=False, max_file_size=MAX_UPLOAD_BYTES,
    )  # fmt: skip


def _header() -> str:
    return (
        '<header class="masthead"><h1>Teach it your things</h1>'
        "<p>Show it a few seconds of each. It learns in one go and names them live. "
        "Your pictures stay on the machine that runs this app and are deleted when you leave.</p></header>"
    )


def _teach_and_watch(samples: Path) -> str:
    """Our element; what it may play in place of a camera travels in an attribute."""
    clips = [
        {"name": name, "url": "/samples/" + quote(path.relative_to(samples).as_posix())}
        for name, paths in sample_clips(samples, "clutter").items()
        for path in paths[:1]
    ]
    return f'<teach-and-watch data-clips="{html.escape(json.dumps(clips))}"></teach-and-watch>'


def _video_tab(tab: gr.Tab, token: gr.State, rooms: Rooms, results: Results, samples: Path) -> None:
    tries = list(sample_clips(samples, "clutter").items())[:4]
    with gr.Column(elem_classes="sheet"):
        say = gr.HTML(
            _say("Choose a video: every frame of it is named with what you taught."),
            elem_id="video-say",
        )
        chosen = gr.File(
            label="Video to name", file_types=VIDEO_ENDINGS, height=150, elem_id="video-file"
        )
        buttons = []
        if tries:
            gr.HTML('<p class="aside">Or try a sample video, with the sample objects taught:</p>')
            with gr.Row(elem_classes="tries"):
                buttons = [gr.Button(name, size="md", min_width=110) for name, _ in tries]
        with gr.Column(visible=False, elem_id="video-results") as shown:
            video = gr.Video(label="The video, named", interactive=False, elem_id="video-named", height=420,
                             buttons=["download"])  # fmt: skip
            plot = gr.LinePlot(
                x="seconds", y="probability", color="thing", y_lim=[0, 1], height=260, elem_id="video-plot",
                label="How sure, over time", x_title="seconds", y_title="probability", color_title=" ",
            )  # fmt: skip
            seen = gr.HTML(elem_id="video-seen")
            table = gr.DownloadButton("Download the table (CSV)", elem_id="video-csv")
    outputs = [say, shown, video, plot, seen, table]

    def name(token: str, path: str | None, progress: Callable = gr.Progress()) -> list:  # noqa: B008
        """An upload, which is moved out of the folder that is served before anything else."""
        try:
            room, upload = _room(rooms, token), _uploaded(path)
            mine = room.folder / f"video{upload.suffix.lower()}"
            shutil.move(upload, mine)
        except InputError as error:
            return _refused(str(error))
        try:
            return _name(room, mine, upload.name, progress)
        finally:
            mine.unlink(missing_ok=True)

    def _name(room: Room, path: Path, title: str, progress: Callable) -> list:
        try:
            named = results.name_video(
                room,
                path,
                title,
                lambda done, all_: progress((done, all_), desc="Naming", unit="frames"),
            )
        except InputError as error:
            return _refused(str(error))
        return _shown(named)

    def try_sample(path: Path) -> Callable:
        def try_it(token: str, progress: Callable = gr.Progress()) -> list:  # noqa: B008
            try:
                return _name(_room(rooms, token), path, path.name, progress)
            except InputError as error:
                return _refused(str(error))

        return try_it

    chosen.upload(name, [token, chosen], outputs, show_progress_on=[say], concurrency_limit=1,
                  concurrency_id="video", api_visibility="private")  # fmt: skip
    for button, (_, paths) in zip(buttons, tries, strict=True):
        button.click(try_sample(paths[0]), [token], outputs, show_progress_on=[say], concurrency_limit=1,
                     concurrency_id="video", api_visibility="private")  # fmt: skip
    tab.select(lambda token: _video_hint(rooms, token), [token], [say], show_progress="hidden",
               api_visibility="private")  # fmt: skip


def _video_hint(rooms: Rooms, token: str) -> str | dict:
    """What to do next in the video tab, unless a result or a problem stands there already."""
    try:
        names = _room(rooms, token).taught.support().names
    except InputError as error:
        return _say(str(error) + " Then come back with a video.", "hint")
    listed = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    return _say(f"Choose a video: every frame of it is named with what you taught ({listed}).")


def _model_tab(tab: gr.Tab, token: gr.State, rooms: Rooms, results: Results) -> None:
    with gr.Column(elem_classes="sheet"):
        say = gr.HTML(_say("Your things, as one model file."), elem_id="model-say")
        download = gr.DownloadButton("Download the model (ONNX)", variant="primary", visible=False,
                                     elem_id="model-file")  # fmt: skip
        gr.HTML(
            '<p class="aside">One file, nothing beside it: it takes pictures of any size, resizes them itself and '
            "runs wherever ONNX runs. This is all there is to using it:</p>"
        )
        gr.Code(PYTHON, language="python", label="Python: pip install onnxruntime opencv-python-headless",
                interactive=False, elem_id="model-python")  # fmt: skip
        gr.Code(COMMANDS, language="shell", label="Command line: teach from folders, without a browser",
                interactive=False, elem_id="model-commands")  # fmt: skip

    def prepare(token: str) -> list:
        try:
            exported = results.export(_room(rooms, token))
        except InputError as error:
            return [_say(str(error), "hint"), gr.update(visible=False)]
        size = exported.file.stat().st_size / 1e6
        text = (
            f"{len(exported.names)} things in {size:.1f} MB. The file was opened again and gave the same answers on "
            f"{exported.compared} of your frames (largest difference {exported.difference:.0e})."
        )
        return [_say(text), gr.update(value=str(exported.file), visible=True)]

    tab.select(prepare, [token], [say, download], show_progress_on=[say], concurrency_id="export",
               api_visibility="private")  # fmt: skip


def _room(rooms: Rooms, token: str) -> Room:
    room = rooms.get(token)
    if room is None:
        raise InputError(GONE)
    return room


def _uploaded(path: str | None) -> Path:
    """The file behind an upload: what the client calls so must truly lie where uploads go."""
    uploads = Path(os.environ["GRADIO_TEMP_DIR"]).resolve()
    file = Path(path or "").resolve()
    if not file.is_file() or not file.is_relative_to(uploads):
        raise InputError("The upload did not arrive; choose the video again.")
    return file


def _say(text: str, kind: str = "say") -> str:
    """A sentence where the person looks, spoken by screen readers when it changes."""
    return f'<p class="{kind}" role="status">{html.escape(text)}</p>'


def _refused(text: str) -> list:
    return [_say(text, "problem"), gr.update(visible=False), *[gr.skip()] * 4]


def _shown(named: NamedVideo) -> list:
    times, probabilities = thinned(named.times, named.probabilities)
    curves = pd.DataFrame({
        "seconds": times.repeat(len(named.names)).round(3),
        "probability": probabilities.ravel().round(4),
        "thing": list(named.names) * len(times),
    })  # fmt: skip
    colours = {
        name: "#%02x%02x%02x" % COLOURS[k % len(COLOURS)] for k, name in enumerate(named.names)
    }
    text = f"{len(named.times)} frames named. Below: the video, how sure it was, and what was seen when."
    return [
        _say(text),
        gr.update(visible=True),
        str(named.video),
        gr.LinePlot(curves, color_map=colours),
        _seen(named.seen),
        str(named.csv),
    ]


def _seen(seen: tuple[Stretch, ...]) -> str:
    """The plot in words: a table of what was seen when."""
    rows = "".join(
        f"<tr><td>{s.start_s:.1f}</td><td>{s.end_s:.1f}</td><td>{html.escape(s.name)}</td>"
        f"<td>{100 * s.confidence:.0f} %</td></tr>"
        for s in seen[:LONGEST_LIST]
    )
    more = len(seen) - LONGEST_LIST
    note = (
        f"<p class='aside'>and {more} more changes; the CSV has them all.</p>" if more > 0 else ""
    )
    return (
        '<table class="seen"><caption>What was seen when</caption><thead><tr><th scope="col">from (s)</th>'
        '<th scope="col">to (s)</th><th scope="col">thing</th><th scope="col">how sure</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>{note}"
    )
