"""The tab in which the model is taken away: one file, checked before it is offered, and its use."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import gradio as gr

from app.results import Exported, Results
from app.rooms import Rooms
from app.ui.words import room_of, say
from model import InputError

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
ABOUT = """<p class="aside">One file, nothing beside it: it takes pictures of any size, resizes them
itself and runs wherever ONNX runs. The page has it, too: it names things in any browser, offline,
from any static web host; its <code>check.py</code> proves that the model still answers as it does
here.</p>"""


def model_tab(tab: gr.Tab, token: gr.State, rooms: Rooms, results: Results) -> None:
    """Fill the tab; the file is made, and checked, when the tab is opened."""
    with gr.Column(elem_classes="sheet"):
        status = gr.HTML(
            say("Your things, as one model file."), elem_id="model-say", apply_default_css=False
        )
        download = gr.DownloadButton(
            "Download the model (ONNX)", variant="primary", visible=False, elem_id="model-file"
        )
        bundle = gr.DownloadButton(
            "Download a page that runs it (ZIP)", visible=False, elem_id="model-bundle"
        )
        gr.HTML(ABOUT, apply_default_css=False)
        for title, code, name in (
            ("Python: pip install onnxruntime opencv-python-headless", PYTHON, "model-python"),
            ("Command line: the same from folders, without a browser", COMMANDS, "model-commands"),
        ):
            block = f"<code-block><h2>{title}</h2><pre>{html.escape(code)}</pre></code-block>"
            gr.HTML(block, elem_id=name, apply_default_css=False)

    def prepare(token: str) -> Iterator[tuple[str, Any, Any]]:
        away = gr.update(visible=False)
        yield say("Saving it, opening it again, comparing…"), away, away
        try:
            exported = results.export(room := room_of(rooms, token))
        except InputError as error:
            yield say(str(error), "hint"), away, away
            return
        told, model = _checked(exported), gr.update(value=str(exported.file), visible=True)
        yield say(told), model, away
        try:
            whole = results.bundle(room)
        except InputError as error:
            yield say(f"{told} The page that runs it: {error}"), model, away
            return
        yield say(told), model, gr.update(value=str(whole), visible=True)

    tab.select(
        prepare,
        [token],
        [status, download, bundle],
        show_progress="hidden",
        concurrency_limit=1,  # a second opening of the tab would take the first one's file away
        concurrency_id="export",
        api_visibility="private",
    )


def _checked(exported: Exported) -> str:
    size = exported.size / 1e6
    apart = f"they differ by {exported.difference:.0e} at most"
    return (
        f"{len(exported.names)} things in {size:.1f} MB. The file was opened again and asked about "
        f"{exported.compared} of your frames; its answers and the live ones: "
        f"{apart if exported.difference else 'equal to the last bit'}."
    )
