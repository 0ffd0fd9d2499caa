"""The tab in which the model is taken away: one file, checked before it is offered, and its use."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import gradio as gr

from app.results import Exported, Results
from app.rooms import Rooms
from app.ui.words import Label, in_words, reason, room_of, say
from app.words.language import Said
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


def model_tab(tab: gr.Tab, label: Label, token: gr.State, rooms: Rooms, results: Results) -> None:
    """Fill the tab; the file is made, and checked, when the tab is opened."""
    with gr.Column(elem_classes="sheet"):
        status = gr.HTML(say(Said("model-say")), elem_id="model-say", apply_default_css=False)
        download = gr.DownloadButton(
            label("model-file"), variant="primary", visible=False, elem_id="model-file"
        )
        bundle = gr.DownloadButton(label("model-bundle"), visible=False, elem_id="model-bundle")
        about = f'<p class="aside">{in_words(Said("model-about"))}</p>'
        gr.HTML(about, apply_default_css=False)
        for code, name in (
            (PYTHON, "model-python"),
            (COMMANDS, "model-commands"),
        ):
            lines = f'<pre lang="en" dir="ltr">{html.escape(code)}</pre>'
            block = f"<code-block><h2>{in_words(Said(name))}</h2>{lines}</code-block>"
            gr.HTML(block, elem_id=name, apply_default_css=False)

    def prepare(token: str) -> Iterator[tuple[str, Any, Any]]:
        away = gr.update(visible=False)
        yield say(Said("model-checking")), away, away
        try:
            exported = results.export(room := room_of(rooms, token))
        except InputError as error:
            yield say(error, "hint"), away, away
            return
        told, model = _checked(exported), gr.update(value=str(exported.file), visible=True)
        yield say(told), model, away
        try:
            whole = results.bundle(room)
        except InputError as error:
            trouble = Said("model-page-problem", {"told": told, "reason": reason(error)})
            yield say(trouble), model, away
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


def _checked(exported: Exported) -> Said:
    values = {"size": exported.size / 1e6, "compared": exported.compared}
    values |= {"count": len(exported.names)}
    if not exported.difference:
        return Said("model-equal", values)
    return Said("model-checked", values | {"difference": f"{exported.difference:.0e}"})
