"""The picture of the README: two sample things are taught, named and found by sound, in Chromium.

    python -m tests.app.picture assets/live.webp

The camera is a film of clips in assets/samples; whatever the page answers is what is shown.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import expect, sync_playwright

from tests.app.people import camera, chromium, clips, film, person
from tests.app.server import ROOT, start

SAMPLES = ROOT / "assets" / "samples"
THINGS = ("mustard bottle", "water bottle")
SIZE = (800, 704)
Shot = tuple[bytes, int]  # a screenshot, and for how many milliseconds it is shown


def main() -> None:
    with TemporaryDirectory() as folder:
        shots = filmed(Path(folder))
    pictures = [Image.open(io.BytesIO(png)).convert("RGB").resize(SIZE) for png, _ in shots]
    pictures[0].save(
        sys.argv[1], save_all=True, append_images=pictures[1:], duration=[ms for _, ms in shots],
        loop=0, quality=60, method=4,
    )  # fmt: skip


def filmed(folder: Path) -> list[Shot]:
    """Screenshots of one visit."""
    pieces = [(clips(SAMPLES, thing, "clean")[0], 9.0) for thing in THINGS]
    pieces += [(clips(SAMPLES, thing, "clutter")[0], 6.0) for thing in THINGS]
    seen = film(folder / "camera.mjpeg", pieces)
    shots: list[Shot] = []
    server = start(folder)
    try:
        with (
            sync_playwright() as playwright,
            chromium(playwright, *camera(seen)) as browser,
            person(browser, server.url, viewport={"width": 1000, "height": 880}) as visitor,
        ):
            page = visitor.page

            def shot(milliseconds: int) -> None:
                shots.append((page.screenshot(), milliseconds))

            expect(page.get_by_role("button", name="Stop camera")).to_be_visible(timeout=20_000)
            for piece, thing in enumerate(THINGS):
                visitor.wait_for_mark(piece)
                shot(1200)
                visitor.name(thing)
                shot(500)
                visitor.press("Record")
                page.wait_for_timeout(900)
                shot(600)
                page.wait_for_timeout(1200)
                shot(600)
                expect(page.locator(".card h3", has_text=thing)).to_be_visible(timeout=15_000)
                shot(900)
            visitor.wait_until_learned(2)
            shot(1000)
            visitor.wait_for_mark(2)
            page.wait_for_timeout(500)
            for _ in range(8):
                shot(350)
                page.wait_for_timeout(250)
            page.get_by_label("Find").select_option(THINGS[1])
            visitor.wait_for_mark(3)
            for _ in range(8):
                shot(350)
                page.wait_for_timeout(250)
    finally:
        server.stop()
    return shots


if __name__ == "__main__":
    main()
