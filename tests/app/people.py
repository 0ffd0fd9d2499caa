"""A person at a real browser, with a clip of real things in place of the camera."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from model.frames import stream

RATE = 30
expect.set_options(timeout=15_000)  # ms: two cores may be busy with other tests
SIZE = (640, 480)
# The colours of the strip left of the square that the model sees: what the camera shows right now.
MARKS = ((255, 0, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255))
DESKTOP: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "is_mobile": True,
    "has_touch": True,
}


def clips(samples: Path, name: str, kind: str) -> list[Path]:
    return sorted((samples / name / kind).glob("*.mp4"))


def film(path: Path, pieces: list[tuple[Path, float]]) -> Path:
    """A camera's picture for Chromium: each clip for so many seconds, to and fro, with its mark."""
    with open(path, "wb") as file:
        for mark, (clip, seconds) in zip(MARKS, pieces, strict=False):
            pictures = [_fitted(frame, mark) for _, frame in stream(clip)]
            to_and_fro = pictures + pictures[::-1]
            for index in range(round(seconds * RATE)):
                file.write(to_and_fro[index % len(to_and_fro)])
    return path


def _fitted(frame: np.ndarray, mark: tuple[int, int, int]) -> bytes:
    width, height = SIZE
    picture = np.zeros((height, width, 3), np.uint8)
    side = min(frame.shape[:2])
    top, left = (frame.shape[0] - side) // 2, (frame.shape[1] - side) // 2
    square = cv2.resize(frame[top : top + side, left : left + side], (height, height))
    picture[:, (width - height) // 2 : (width + height) // 2] = square
    picture[:, :40] = mark
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


@contextmanager
def chromium(playwright: Playwright, *flags: str) -> Iterator[Browser]:
    """A browser; with `camera(...)` among its flags it has one."""
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox", *flags]
    )
    try:
        yield browser
    finally:
        browser.close()


def camera(film: Path) -> tuple[str, ...]:
    return (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )


@dataclass
class Person:
    """Somebody with the page open. `actions` counts what they did since."""

    page: Page
    actions: int = 0
    forgiving: bool = False  # of what a browser says to failed requests
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def name(self, thing: str) -> None:
        self.actions += 1
        self.page.get_by_label("Name of the thing").fill(thing)

    def press(self, button: str, index: int = 0) -> None:
        self.actions += 1
        self.page.get_by_role("button", name=button, exact=True).nth(index).click()

    def open(self, tab: str) -> None:
        self.actions += 1
        self.page.get_by_role("tab", name=tab).click()

    def wait_for_mark(self, index: int) -> None:
        """Until the camera has just begun to show piece `index`."""
        self._until(lambda: self.mark() != index)
        self._until(lambda: self.mark() == index)

    def mark(self) -> int:
        """Which piece the camera shows now."""
        colour = self.page.locator("#teach video").evaluate(  # which waits until there is one
            """video => {
              const size = { width: 64, height: 48 };
              const canvas = Object.assign(document.createElement("canvas"), size);
              const pen = canvas.getContext("2d");
              pen.drawImage(video, 0, 0, 64, 48);
              return [...pen.getImageData(1, 24, 1, 1).data].slice(0, 3);
            }"""
        )
        return int(np.abs(np.array(MARKS) - colour).sum(1).argmin())

    def sees(self) -> str:
        """The name on the picture; empty while there is none."""
        return self.page.locator(".verdict span").first.text_content() or ""

    def teach_from_the_camera(self, *things: str) -> None:
        """Record each thing while its piece of 4 s or more is shown; wait until it is learned."""
        for mark, thing in enumerate(things):
            self.wait_for_mark(mark)
            self.name(thing)
            self.press("Record")
            self.page.wait_for_timeout(2500)
            self.press(f"Stop recording {thing}")
            expect(self.page.locator(".card h3", has_text=thing)).to_be_visible(timeout=15_000)
        self.wait_until_learned(len(things))

    def record(self, thing: str, tries: int = 3) -> None:
        """Whatever the camera shows, for a moment, of a thing that has no card yet; again where a
        busy machine gave no picture.
        """
        stop = self.page.get_by_role("button", name="Stop camera")
        expect(stop).to_be_visible()
        self.page.wait_for_function("document.querySelector('#teach video').currentTime > 0")
        self.name(thing)
        self.press("Record")
        self.page.wait_for_timeout(1500)
        self.press(f"Stop recording {thing}")
        card = self.page.locator(".card h3", has_text=thing)
        nothing = self.page.get_by_role("alert").filter(has_text="No picture arrived")
        expect(card.or_(nothing)).to_be_visible(timeout=20_000)
        if tries > 1 and nothing.is_visible():
            print(f"no picture of {thing}: once more")
            return self.record(thing, tries - 1)
        expect(nothing).to_be_hidden()

    def wait_until_learned(self, things: int, seconds: float = 60.0) -> None:
        expect(self.page.locator(".lesson p")).to_contain_text(
            f"of {things} things in", timeout=1000 * seconds
        )

    def _until(self, true, seconds: float = 40.0) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, "waited in vain"
            self.page.wait_for_timeout(30)


# As a camera in dim light: every frame is work for two cores that have other tests to run as well.
SLOWED = """{
  const camera = navigator.mediaDevices;
  const open = camera?.getUserMedia.bind(camera);
  if (camera) camera.getUserMedia = ({ video, ...rest }) =>
    open({ ...rest, video: { ...video, frameRate: { max: %d } } });
}"""


@contextmanager
def person(
    browser: Browser, url: str, script: str = "", rate: int = 10, **options: Any
) -> Iterator[Person]:
    """Opens the page; afterwards nothing may have been complained about or fetched elsewhere.

    rate: frames a second that the camera gives at most; script: runs before the page's own.
    """
    context: BrowserContext = browser.new_context(**(DESKTOP | options))
    try:
        visitor = Person(context.new_page())
        page = visitor.page
        page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        page.on(
            "console",
            lambda told: visitor.complaints.append(told.text) if told.type == "error" else None,
        )
        page.on("request", lambda request: visitor.outside.append(request.url))
        page.add_init_script(SLOWED % rate + script)
        page.goto(url)
        opened = "window.room !== undefined && document.querySelector('#teach video')"
        page.wait_for_function(opened)
        yield visitor
    finally:  # a test that failed leaves nobody behind in the rooms of the next
        context.close()
    assert visitor.forgiving or not visitor.complaints, visitor.complaints
    host = url.split("/")[2]
    elsewhere = [u for u in visitor.outside if u.split(":")[0] in ("http", "https", "ws", "wss")]
    assert not [u for u in elsewhere if u.split("/")[2] != host]
