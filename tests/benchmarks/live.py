"""The live camera in Chromium: the app against the same page with a handler that answers at once.

Both servers run side by side and are watched in turn, so that a busy machine is busy for both.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
from playwright.sync_api import Page, sync_playwright

from app.handlers import Answer, Handlers, Watching
from app.naming.sight import Sight
from app.rooms import Room
from app.serve import Serving, serve
from model import load_model
from tests.app.people import RATE, SIZE, camera, chromium, person
from tests.app.people import clips as of
from tests.app.people import film as made
from tests.app.server import ROOT, Server, launch

RUNS = 5
SECONDS = 6.0  # that each run watches; the page averages over its latest two seconds


def live_against_an_instant_answer() -> None:
    """Print the rates and delays of both, medians of RUNS, and the ratio of the rates."""
    clips, things = ROOT / "assets" / "samples", ["mustard bottle", "water bottle"]
    rows: dict[str, list[tuple[float, float]]] = {"app": [], "instant": []}
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        pieces = [(of(clips, name, "clean")[0], 4.0) for name in things]
        film = made(Path(scratch) / "camera.mjpeg", pieces)
        with (
            _server(Path(scratch) / "app", "app") as app,
            _server(Path(scratch) / "instant", "instant") as instant,
            chromium(playwright, *camera(film)) as browser,
            person(browser, app.url, rate=RATE) as one,
            person(browser, instant.url, rate=RATE) as other,
        ):
            pages = {"app": one.page, "instant": other.page}
            for page in pages.values():
                _teach(page, clips, things)
                page.get_by_role("button", name="Stop camera").click()
            for _ in range(RUNS):
                for name, page in pages.items():
                    rows[name].append(_watch(page))
    print(f"live camera, {SIZE[0]} x {SIZE[1]}, medians of {RUNS} runs of {SECONDS:.0f} s:")
    for name, runs in rows.items():
        rate, p95 = (median(values) for values in zip(*runs, strict=True))
        print(f"  {name:8} {rate:5.1f} answers a second, 95 % of them within {p95:5.1f} ms")
    ratio = median(a[0] / b[0] for a, b in zip(rows["app"], rows["instant"], strict=True))
    print(f"  the app's rate is {100 * ratio:.0f} % of the instant one's (asked for: 90 %)")


def _teach(page: Page, clips: Path, things: list[str]) -> None:
    for name in things:
        page.get_by_label("Name of the thing").fill(name)
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="add clips and photos").click()
        chooser.value.set_files(of(clips, name, "clean")[0])
        page.locator(".card h3", has_text=name).wait_for(timeout=60_000)
    page.locator(".lesson p", has_text="Learned").wait_for(timeout=60_000)


def _watch(page: Page) -> tuple[float, float]:
    page.bring_to_front()
    page.get_by_role("button", name="Start camera").click()
    page.wait_for_timeout(2500)
    page.evaluate("(({line}) => { line.pace = new line.pace.constructor(); })"
                  "(document.querySelector('teach-and-watch'))")  # fmt: skip
    page.wait_for_timeout(1000 * SECONDS)
    data = page.evaluate("({...document.querySelector('teach-and-watch').dataset})")
    page.get_by_role("button", name="Stop camera").click()
    return float(data["rate"]), float(data["p95"])


@contextmanager
def _server(folder: Path, kind: str) -> Iterator[Server]:
    folder.mkdir()
    command = [sys.executable, "-m", "tests.benchmarks.live", kind]
    server = launch(folder, command)
    yield server
    server.stop()


def _answer_at_once(
    self: Handlers, room: Room, watching: Watching, jpeg: bytes, time_s: float
) -> Answer | None:
    if room.adapted is None:
        return None
    count = len(room.adapted.names)
    return Answer(room.adapted.names, Sight(np.full(count, 1 / count)))


if __name__ == "__main__":
    kind, _, port = sys.argv[1:]
    if kind == "instant":
        Handlers.recognise = _answer_at_once
    serve(load_model(), Serving(port=int(port)))
