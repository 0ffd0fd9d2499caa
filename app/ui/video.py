"""The tab in which a video is named: the video with names on it, the curves, and a table."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pandas as pd

from app.decode.decoder import Waiting
from app.handlers import sample_clips
from app.naming.drawing import COLOURS, NOTHING
from app.naming.timeline import Stretch, most_seen, thinned
from app.results import NamedVideo, Results, Step
from app.rooms import Room, Rooms
from app.ui.uploads import taken
from app.ui.words import room_of, say
from model import InputError
from model.media.kinds import VIDEO_ENDINGS

LONGEST_LIST = 100  # rows of what was seen when
SAMPLES = 4  # sample videos to try
GREY = "#767676"  # of the curve of no thing, as in page.css
EVERY = 10  # frames between two signs of progress
SEEK = "(at) => window.dispatchEvent(new CustomEvent('seek', { detail: at }))"

CHOOSE = "Choose a video: every frame of it is named with what you taught"
OR_TRY = '<p class="aside">Or try a sample video, once the sample objects are taught:</p>'
Updates = tuple[Any, ...]  # of status, cancel, chosen, busy, shown, video, plot, seen, and tables
LEFT = 6  # of them, when nothing but the first four changes


def video_tab(tab: gr.Tab, token: gr.State, rooms: Rooms, results: Results, samples: Path) -> None:
    """Fill the tab and wire it."""
    tries = list(sample_clips(samples, "clutter").items())[:SAMPLES]
    naming: set[str] = set()  # the rooms in which a video is being named
    with gr.Column(elem_classes="sheet"):
        status = gr.HTML(say(CHOOSE + "."), elem_id="video-say", apply_default_css=False)
        cancel = gr.Button("Cancel", size="md", visible=False, elem_id="video-cancel")
        chosen = gr.File(
            label="Video to name", file_types=list(VIDEO_ENDINGS), height=150, elem_id="video-file"
        )
        busy = gr.HTML(elem_id="video-busy", apply_default_css=False)
        buttons = _sample_buttons([name for name, _ in tries])
        with gr.Column(visible=False, elem_id="video-results") as shown:
            outputs = [status, cancel, chosen, busy, shown, *_results()]

    def alone(room: Room, path: Path) -> Iterator[Updates]:
        """Name a video where none is being named; the one before loses nothing by a second."""
        if room.token in naming:
            yield _busy(path.name)
            return
        naming.add(room.token)
        try:
            yield from _name(results, room, path, path.name)
        finally:
            naming.discard(room.token)

    def name(token: str, path: str | None) -> Iterator[Updates]:
        try:
            room = room_of(rooms, token)
            with taken(path, rooms, room) as mine:
                yield from alone(room, mine)
        except InputError as error:
            yield _refused(str(error))

    def name_sample(path: Path) -> Callable[[str], Iterator[Updates]]:
        def name_it(token: str) -> Iterator[Updates]:
            try:
                yield from alone(room_of(rooms, token), path)
            except InputError as error:
                yield _refused(str(error))

        return name_it

    def stop(token: str) -> None:
        if room := rooms.get(token):
            results.cancel(room)

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    quiet["concurrency_limit"] = None  # the decoder has a line of its own, fair between rooms
    quiet["trigger_mode"] = "multiple"  # so that a second choice is answered while the first runs
    chosen.upload(name, [token, chosen], outputs, **quiet)
    for button, (_, paths) in zip(buttons, tries, strict=True):
        button.click(name_sample(paths[0]), [token], outputs, **quiet)
    cancel.click(stop, [token], None, queue=False, **quiet)
    tab.select(lambda token: _next_step(rooms, token), [token], [status], **quiet)


def _sample_buttons(names: list[str]) -> list[gr.Button]:
    if not names:
        return []
    gr.HTML(OR_TRY, apply_default_css=False)
    with gr.Row(elem_classes="tries"):
        return [gr.Button(name, size="md", min_width=110) for name in names]


def _results() -> list[Any]:
    with gr.Row():
        with gr.Column(min_width=300):
            video = gr.Video(
                label="The video, named",
                interactive=False,
                buttons=["download"],
                elem_id="video-named",
            )
            listed = gr.DownloadButton("Download what was seen when (CSV)", elem_id="video-list")
            table = gr.DownloadButton("Download the table (CSV)", elem_id="video-csv")
        with gr.Column(min_width=300):
            plot = gr.LinePlot(
                x="seconds",
                y="probability",
                color="thing",
                y_lim=[0, 1],
                height=280,
                colors_in_legend=[],  # ours stands in words below
                label="How sure it was",
                elem_id="video-plot",
            )
            seen = gr.HTML(elem_id="video-seen", apply_default_css=False)
    at = gr.Number(visible=False)
    plot.select(_begin, None, at, show_progress="hidden", api_visibility="private").then(
        None, at, None, js=SEEK
    )
    return [video, plot, seen, listed, table]


def _begin(stretch: gr.SelectData) -> float:
    """Where the stretch of the curves begins that somebody has drawn, in seconds."""
    return float(stretch.index[0])


def _name(results: Results, room: Room, path: Path, title: str) -> Iterator[Updates]:
    yield (_progress(title, None), gr.update(visible=True), None, "", *[gr.skip()] * LEFT)
    with closing(results.name_video(room, path, title)) as steps:
        for step in steps:
            if isinstance(step, NamedVideo):
                yield _shown(step, title)
            elif isinstance(step, Waiting) or step.done % EVERY == 0:
                yield (_progress(title, step), *[gr.skip()] * (LEFT + 3))


def _next_step(rooms: Rooms, token: str) -> str:
    try:
        names = [thing.name for thing in room_of(rooms, token).taught.enough()]
    except InputError as error:
        return say(f"{error} Then come back with a video.", "hint")
    return say(f"{CHOOSE}: {', '.join(names[:5])}{' …' if len(names) > 5 else '.'}")


def _progress(title: str, step: Waiting | Step | None) -> str:
    value = ""
    if isinstance(step, Waiting):
        how_far = step.text
    elif step:
        how_far = f"{step.done} frames"
        if step.share is not None:
            how_far += f", {100 * step.share:.0f} % of it"
            value = f' max="1" value="{step.share:.3f}"'
    else:
        how_far = "reading it"
    return (
        f'<p class="hint">Naming {html.escape(title)}: {how_far}</p>'
        f'<progress aria-label="Naming"{value}></progress>'
    )


def _refused(text: str) -> Updates:
    hidden = gr.update(visible=False)
    return (say(text, "problem"), hidden, None, "", hidden, *[gr.skip()] * (LEFT - 1))


def _busy(title: str) -> Updates:
    text = f"One video is being named. Choose {title} again when that is done, or cancelled."
    return (*[gr.skip()] * 2, None, say(text, "problem"), *[gr.skip()] * LEFT)


def _shown(named: NamedVideo, title: str) -> Updates:
    rows = np.array([sight.probabilities for sight in named.sights])
    drawn = most_seen(rows, len(COLOURS))  # one colour each
    things, rows = [named.names[k] for k in drawn], rows[:, drawn]
    colours = {
        name: "#{:02x}{:02x}{:02x}".format(*colour)
        for name, colour in zip(things, COLOURS, strict=False)
    }
    if named.sights[0].unknown is not None:
        unknown = np.array([sight.unknown for sight in named.sights], float)
        things.append(NOTHING)
        colours[NOTHING] = GREY
        rows = np.column_stack([rows, unknown])
    times, curves = thinned(named.times, rows)
    data = pd.DataFrame(
        {
            "seconds": times.repeat(len(things)).round(3),
            "probability": curves.ravel().round(4),
            "thing": things * len(times),
        }
    )
    return (
        say(f"{title}: {len(named.times)} frames named. You can choose another video."),
        gr.update(visible=False),
        None,
        "",
        gr.update(visible=True),
        str(named.video),
        gr.LinePlot(data, color_map=colours),
        _legend(things, len(named.names)) + _seen(named.seen),
        str(named.listed),
        str(named.csv),
    )


def _legend(drawn: Sequence[str], things: int) -> str:
    """The names of the curves; of more `things` than there are colours only some are drawn."""
    entries = "".join(
        f'<li class="{"nothing" if name == NOTHING else f"colour-{k}"}">'
        f'<span class="swatch"></span>{html.escape(name)}</li>'
        for k, name in enumerate(drawn)
    )
    few = f"The {len(COLOURS)} of {things} things that were likeliest; the table has all."
    note = f'<p class="aside">{few}</p>' if things > len(COLOURS) else ""
    return f'<ul class="legend">{entries}</ul>{note}'


def _seen(seen: tuple[Stretch, ...]) -> str:
    """The plot in words: a table of what was seen when."""
    rows = "".join(
        f'<tr><td><button type="button" data-at="{s.start_s:.3f}"'
        f' aria-label="Play from {s.start_s:.1f} s">{s.start_s:.1f}</button></td>'
        f"<td>{s.end_s:.1f}</td>"
        f"<td>{html.escape(s.name or NOTHING)}</td>"
        f"<td>{f'{100 * s.confidence:.0f} %' if s.name else ''}</td></tr>"
        for s in seen[:LONGEST_LIST]
    )
    more = len(seen) - LONGEST_LIST
    note = f'<p class="aside">and {more} more changes; the CSV has all.</p>' if more > 0 else ""
    return (
        '<table class="seen"><caption>What was seen when</caption><thead><tr>'
        '<th scope="col">from (s)</th><th scope="col">to (s)</th><th scope="col">thing</th>'
        f'<th scope="col">how sure</th></tr></thead><tbody>{rows}</tbody></table>{note}'
    )
