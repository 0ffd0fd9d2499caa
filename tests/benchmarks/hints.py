"""How long after the picture that decides a hint of the coach was taken it stands on the page.

    python -m tests.benchmarks.hints

The camera shows a dark clip, which is recorded again and again.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from playwright.sync_api import expect, sync_playwright

from tests.app.people import camera, chromium, film, person
from tests.app.server import ROOT, start
from tests.app.staged import dark, read
from tests.model.media import write_video
from tests.tiny import write_tiny

TIMES = 9
RATE = 30  # pictures a second
CLOCK = """{
  const { prototype } = CanvasRenderingContext2D;
  const { getImageData } = prototype;
  let taken = 0;
  window.delays = []; // ms
  prototype.getImageData = function (...rest) {
    taken = performance.now();
    return getImageData.apply(this, rest);
  };
  addEventListener("DOMContentLoaded", () => new MutationObserver((changes) => {
    const advice = changes.find(({ target }) => target.matches?.(".advice"))?.target;
    if (advice?.textContent) window.delays.push(performance.now() - taken);
  }).observe(document.body, { childList: true, subtree: true }));
}"""


def hints_after_their_pictures() -> None:
    clip = read(ROOT / "assets" / "samples")[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large = [cv2.resize(f, (480, 480)) for f in dark(clip, np.random.default_rng(0)).frames]
        shown = write_video(folder / "dark.mp4", "libx264", large)
        picture = film(folder / "camera.mjpeg", [(shown, 4.0)])
        server = start(folder, "--checkpoint", str(write_tiny(folder / "tiny")))
        try:
            with (
                sync_playwright() as playwright,
                chromium(playwright, *camera(picture)) as browser,
                person(browser, server.url, CLOCK, RATE) as someone,
            ):
                advice = someone.page.locator(".advice")
                for time in range(TIMES):
                    someone.name(f"thing {time}")
                    someone.press("Record")
                    expect(advice).not_to_be_empty()
                    someone.press(f"Stop recording thing {time}")
                    expect(someone.page.locator(".card")).to_have_count(time + 1)
                delays = someone.page.evaluate("window.delays")
        finally:
            server.stop()
    print(
        f"hint after its picture: median {median(delays):.0f} ms, longest {max(delays):.0f} ms of "
        f"{len(delays)}; {max(delays) * RATE / 1000:.1f} times what lies between two pictures"
    )


if __name__ == "__main__":
    hints_after_their_pictures()
