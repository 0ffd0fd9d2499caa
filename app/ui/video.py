"""The tab in which a video is named: the video with names on it, the curves, and a table."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

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
from app.ui.words import Label, in_words, reason, room_of, say
from app.words.language import Said
from model import InputError
from model.media.kinds import VIDEO_ENDINGS

LONGEST_LIST = 100  # rows of what was seen when
SAMPLES = 4  # sample videos to try
FEW = 5  # names in a sentence
GREY = "#767676"  # of the curve of no thing, as in page.css
EVERY = 10  # frames between two signs of progress
LINE = '<svg class="line" aria-hidden="true"><line x2="32" y1="2" y2="2"/></svg>'  # of a legend
SEEK = "(at) => window.dispatchEvent(new CustomEvent('seek', { detail: at }))"

# Of status, cancel, chosen, busy, shown, video, its file, plot, seen, and tables.
Updates = tuple[Any, ...]
LEFT = 7  # of them, when nothing but the first four changes


def video_tab(
    tab: gr.Tab, label: Label, token: gr.State, rooms: Rooms, results: Results, samples: Path
) -> None:
    """Fill the tab and wire it."""
    tries = list(sample_clips(samples, "clutter").items())[:SAMPLES]
    naming: set[str] = set()  # the rooms in which a video is being named
    with gr.Column(elem_classes="sheet"):
        status = gr.HTML(say(Said("video-choose")), elem_id="video-say", apply_default_css=False)
        cancel = gr.Button(label("cancel"), size="md", visible=False, elem_id="video-cancel")
        chosen = gr.File(
            label=label("video-file"),
            file_types=list(VIDEO_ENDINGS),
            height=150,
            elem_id="video-file",
        )
        busy = gr.HTML(elem_id="video-busy", apply_default_css=False)
        buttons = _sample_buttons([name for name, _ in tries])
        with gr.Column(visible=False, elem_id="video-results") as shown:
            outputs = [status, cancel, chosen, busy, shown, *_results(label)]

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
            yield _refused(error)

    def name_sample(path: Path) -> Callable[[str], Iterator[Updates]]:
        def name_it(token: str) -> Iterator[Updates]:
            try:
                yield from alone(room_of(rooms, token), path)
            except InputError as error:
                yield _refused(error)

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
    gr.HTML(f'<p class="aside">{in_words(Said("video-try"))}</p>', apply_default_css=False)
    with gr.Row(elem_classes="tries"):
        return [gr.Button(name, size="md", min_width=110) for name in names]


def _results(label: Label) -> list[Any]:
    with gr.Row():
        with gr.Column(min_width=300):
            video = gr.HTML(elem_id="video-named", apply_default_css=False)
            file = gr.DownloadButton(label("video-download"), elem_id="video-download")
            listed = gr.DownloadButton(label("video-list"), elem_id="video-list")
            table = gr.DownloadButton(label("video-table"), elem_id="video-csv")
        with gr.Column(min_width=300):
            plot = gr.LinePlot(
                x="seconds",
                y="probability",
                color="thing",
                y_lim=[0, 1],
                height=280,
                colors_in_legend=[],  # ours stands in words below
                label=label("video-curves"),
                elem_id="video-plot",
            )
            seen = gr.HTML(elem_id="video-seen", apply_default_css=False)
    at = gr.Number(visible=False)
    plot.select(_begin, None, at, show_progress="hidden", api_visibility="private").then(
        None, at, None, js=SEEK
    )
    return [video, file, plot, seen, listed, table]


def _begin(stretch: gr.SelectData) -> float:
    """Where the stretch of the curves begins that somebody has drawn, in seconds."""
    return float(stretch.index[0])


def _name(results: Results, room: Room, path: Path, title: str) -> Iterator[Updates]:
    yield (_progress(title, None), gr.update(visible=True), None, "", *[gr.skip()] * LEFT)
    with closing(results.name_video(room, path, title)) as steps:
        for step in steps:
            if isinstance(step, NamedVideo):
                yield _shown(step, title, room.language)
            elif isinstance(step, Waiting) or step.done % EVERY == 0:
                yield (_progress(title, step), *[gr.skip()] * (LEFT + 3))


def _next_step(rooms: Rooms, token: str) -> str:
    try:
        names = [thing.name for thing in room_of(rooms, token).taught.enough()]
    except InputError as error:
        return say(Said("video-teach-first", {"reason": reason(error)}), "hint")
    some = "video-choose-known-some" if len(names) > FEW else "video-choose-known"
    return say(Said(some, {"names": names[:FEW]}))


def _progress(title: str, step: Waiting | Step | None) -> str:
    value = ""
    if isinstance(step, Waiting):
        done = step.said
    elif not step:
        done = Said("video-reading")
    elif step.share is None:
        done = Said("video-done", {"count": step.done})
    else:
        done = Said("video-done-of", {"count": step.done, "percent": round(100 * step.share)})
        value = f' max="1" value="{step.share:.3f}"'
    told = in_words(Said("video-under-way", {"title": title, "done": done}))
    name = in_words(Said("video-bar"), label=True)
    return f'<p class="hint">{told}</p><progress{value}>{name}</progress>'


def _refused(error: InputError) -> Updates:
    hidden = gr.update(visible=False)
    return (say(error, "problem"), hidden, None, "", hidden, *[gr.skip()] * (LEFT - 1))


def _busy(title: str) -> Updates:
    told = Said("video-busy", {"title": title})
    return (*[gr.skip()] * 2, None, say(told, "problem"), *[gr.skip()] * LEFT)


def _shown(named: NamedVideo, title: str, language: str) -> Updates:
    rows = np.array([sight.probabilities for sight in named.sights])
    drawn = most_seen(rows, len(COLOURS))  # one colour each
    things, rows = [named.names[k] for k in drawn], rows[:, drawn]
    colours = {
        name: "#{:02x}{:02x}{:02x}".format(*colour)
        for name, colour in zip(things, COLOURS, strict=False)
    }
    if named.sights[0].unknown is not None:
        unknown = np.array([sight.unknown for sight in named.sights], float)
        things.append(str(NOTHING))
        colours[str(NOTHING)] = GREY
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
        say(Said("video-named", {"title": title, "count": len(named.times)})),
        gr.update(visible=False),
        None,
        "",
        gr.update(visible=True),
        _player(named.video),
        str(named.video),
        gr.LinePlot(
            data,
            color_map=colours,
            # in words at once: Gradio puts none into words that a narrow plot has cut short
            x_title=Said("video-axis-time").in_language(language),
            y_title=Said("video-axis-sure").in_language(language),
        ),
        _legend(things, len(named.names)) + _seen(named.seen),
        str(named.listed),
        str(named.csv),
    )


def _player(video: Path) -> str:
    """The browser's own: Gradio's brings what plays streams, a fifth of all that the page loads."""
    name = in_words(Said("video-result"), label=True)
    address = f"gradio_api/file={quote(str(video))}"
    return f'<video src="{address}" controls playsinline preload="auto">{name}</video>'


def _legend(drawn: Sequence[str], things: int) -> str:
    """The names of the curves; of more `things` than there are colours only some are drawn."""
    entries = "".join(
        f'<li class="{"nothing" if name == str(NOTHING) else f"colour-{k}"}">'
        f"{LINE}{_thing(name)}</li>"
        for k, name in enumerate(drawn)
    )
    few = Said("video-few", {"shown": len(COLOURS), "count": things})
    note = f'<p class="aside">{in_words(few)}</p>' if things > len(COLOURS) else ""
    return f'<ul class="legend">{entries}</ul>{note}'


def _thing(name: str) -> str:
    """What was seen; of `NOTHING` and "" none of the things."""
    nothing = name in ("", str(NOTHING))
    return in_words(NOTHING) if nothing else f"<bdi>{html.escape(name)}</bdi>"


def _seen(seen: tuple[Stretch, ...]) -> str:
    """The plot in words: a table of what was seen when."""
    rows = "".join(
        f'<tr><td><button type="button" data-at="{s.start_s:.3f}">{_seconds(s.start_s)}'
        f"{in_words(Said('video-play', {'seconds': s.start_s}), label=True)}</button></td>"
        f"<td>{_seconds(s.end_s)}</td><td>{_thing(s.name)}</td>"
        f"<td>{_percent(s.confidence) if s.name else ''}</td></tr>"
        for s in seen[:LONGEST_LIST]
    )
    more = in_words(Said("video-more", {"count": len(seen) - LONGEST_LIST}))
    note = f'<p class="aside">{more}</p>' if len(seen) > LONGEST_LIST else ""
    titles = ("video-from", "video-to", "video-thing", "video-sure")
    head = "".join(f'<th scope="col">{in_words(Said(title))}</th>' for title in titles)
    caption = f"<caption>{in_words(Said('video-seen'))}</caption>"
    body = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    return f'<table class="seen">{caption}{body}</table>{note}'


def _seconds(seconds: float) -> str:
    return in_words(Said("seconds", {"seconds": seconds}))


def _percent(share: float) -> str:
    return in_words(Said("percent", {"percent": round(100 * share)}))
