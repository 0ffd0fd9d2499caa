"""The whole way in a real browser: teach two things, watch, name a video, take the model away."""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, Page, expect, sync_playwright

from model.frames import square, stream
from tests.app.people import DESKTOP, PHONE, Person, camera, chromium, film, person
from tests.app.people import clips as of
from tests.app.server import Server

pytestmark = pytest.mark.browser

SECONDS = 9.0  # that the camera shows each thing while it is taught
FIRST_LOAD = 589_000  # bytes: what a page took that neither kept, spoke nor coached


@pytest.fixture(scope="module")
def things() -> tuple[str, str]:
    """Two samples that look different; the bottle was filmed by a real camera."""
    return "mustard bottle", "water bottle"


@pytest.fixture(scope="module")
def browser(
    clips: Path, things: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """Its camera shows both things tidily, then both in clutter, over and over."""
    tidy = [(of(clips, name, "clean")[0], SECONDS) for name in things]
    pieces = tidy + [(of(clips, name, "clutter")[0], 3.0) for name in things]
    picture = film(tmp_path_factory.mktemp("film") / "camera.mjpeg", pieces)
    with sync_playwright() as playwright, chromium(playwright, *camera(picture)) as browser:
        yield browser


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_teach_two_things_and_watch_in_seven_actions(
    browser: Browser, server: Server, things: tuple[str, str], size: dict
) -> None:
    with person(browser, server.url, **size) as someone:
        page, actions = someone.page, 1  # the camera was allowed
        expect(page.get_by_role("button", name="Stop camera")).to_be_visible(timeout=15_000)
        for mark, thing in enumerate(things):
            someone.wait_for_mark(mark)
            someone.name(thing)
            someone.press("Record")
            expect(page.get_by_role("button", name=f"Stop recording {thing}")).to_be_visible()
            expect(page.locator(".card h3", has_text=thing)).to_be_visible(timeout=15_000)
        someone.wait_until_learned(2)
        actions += someone.actions
        assert actions <= 7
        right = total = 0
        seen = set()
        for _ in range(80):
            page.wait_for_timeout(250)
            mark = someone.mark()
            page.wait_for_timeout(500)  # what is smoothed shows the half second before
            if someone.mark() == mark:
                seen.add(mark)
                total += 1
                right += someone.sees() == things[mark % 2]
            if seen == {0, 1, 2, 3} and total >= 30:
                break
        assert seen == {0, 1, 2, 3} and right / total >= 0.85, (right, total, seen)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        expect(page.locator(".rate")).to_contain_text(
            re.compile("frames? per second|looks? a second")
        )


def upload(someone: Person, thing: str, files: list[Path]) -> None:
    someone.name(thing)
    with someone.page.expect_file_chooser() as chooser:
        someone.press("add clips and photos")
    chooser.value.set_files(files)
    card = someone.page.locator(".card", has_text=thing)
    expect(card.locator(".count")).to_contain_text(f"{len(files)} clip", timeout=60_000)


def photo_of(clip: Path, folder: Path) -> Path:
    _, frame = next(stream(clip))
    path = folder / "photo.jpg"
    cv2.imwrite(str(path), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    return path


def test_upload_name_a_video_and_take_the_model_away(
    browser: Browser, server: Server, clips: Path, things: tuple[str, str], tmp_path: Path
) -> None:
    video = of(clips, things[1], "clutter")[0]
    with person(browser, server.url) as someone:
        page = someone.page
        upload(someone, things[0], [*of(clips, things[0], "clean"), photo_of(video, tmp_path)])
        someone.press(f"Remove: {things[0]}")
        upload(someone, things[0], of(clips, things[0], "clean"))
        upload(someone, things[1], of(clips, things[1], "clean"))
        someone.wait_until_learned(2)

        someone.open("Name a video")
        page.locator("#video-file input[type=file]").set_input_files(video)
        shown = page.locator("#video-named video")
        expect(shown).to_be_visible(timeout=90_000)
        page.wait_for_function("document.querySelector('#video-named video').readyState >= 3")
        assert page.evaluate(
            "(({error, videoWidth, duration}) => !error && videoWidth > 0 && duration > 0)"
            "(document.querySelector('#video-named video'))"
        )
        expect(page.locator("#video-plot svg, #video-plot canvas").first).to_be_visible()
        expect(page.locator("#video-seen caption")).to_have_text("What was seen when")
        follows_what_is_pressed(page)
        fills = set()
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            word = page.locator("#video-plot svg text").first
            fills.add(word.evaluate("word => getComputedStyle(word).fill"))
        assert len(fills) == 2, "the curves' words go with the theme"
        with page.expect_download() as download:
            someone.press("Download the video (WebM)")
        assert download.value.suggested_filename == "x-named.webm"
        assert len(list(stream(Path(download.value.path())))) == len(list(stream(video)))
        with page.expect_download() as download:
            someone.press("Download what was seen when (CSV)")
        listed = Path(download.value.path()).read_text().splitlines()
        assert listed[0] == "from_s,to_s,label,confidence" and things[1] in "".join(listed)
        with page.expect_download() as download:
            someone.press("Download the table (CSV)")
        rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
        assert download.value.suggested_filename.endswith(".csv")
        assert len(rows) == len(list(stream(video)))
        columns = ["frame", "time_s", "label", "confidence", "unknown", *things]
        assert list(rows[0]) == columns
        assert sum(row["label"] == things[1] for row in rows) / len(rows) >= 0.7

        someone.open("Take it away")
        expect(page.locator("#model-say")).to_contain_text(
            "The file was opened again", timeout=60_000
        )
        with page.expect_download() as download:
            someone.press("Download the model (ONNX)")
        assert download.value.suggested_filename == "my-things.onnx"
        model = onnxruntime.InferenceSession(download.value.path())
        assert json.loads(model.get_modelmeta().custom_metadata_map["names"]) == list(things)
        frames = np.stack([square(frame) for _, frame in stream(video)])
        answers = np.asarray(model.run(["probabilities"], {"frames": frames})[0]).argmax(1)
        assert (answers == 1).mean() >= 0.7
        expect(page.locator("#model-python")).to_contain_text("onnxruntime.InferenceSession")


def follows_what_is_pressed(page: Page) -> None:
    """The video goes where the list says, by keyboard, and where the curves are drawn over."""
    last = page.locator("#video-seen [data-at]").last
    last.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("(at) => document.querySelector('#video-named video').currentTime >= at",
                           arg=float(last.get_attribute("data-at") or 0))  # fmt: skip
    page.evaluate("document.querySelector('#video-named video').pause()")
    box = page.locator("#video-plot :is(svg, canvas)").first.bounding_box()
    assert box
    for x, act in ((0.6, page.mouse.down), (0.8, page.mouse.up)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + box["height"] / 2, steps=5)
        act()
    page.wait_for_function(
        "(({ currentTime: at, duration: all }) => at > 0.4 * all && at < 0.8 * all)"
        "(document.querySelector('#video-named video'))"
    )


def test_the_first_visit_loads_no_more_than_it_must(browser: Browser, server: Server) -> None:
    page = browser.new_page()
    try:
        session, loaded = page.context.new_cdp_session(page), list[int]()
        session.send("Network.enable")
        session.on("Network.loadingFinished", lambda told: loaded.append(told["encodedDataLength"]))
        page.goto(server.url)
        expect(page.get_by_role("tab", name="Name a video")).to_be_visible()
        page.wait_for_timeout(2000)  # the tabs that are not shown load later
        assert 100_000 < sum(loaded) < FIRST_LOAD
    finally:
        page.close()


def test_the_samples_are_taught_with_one_press(browser: Browser, server: Server) -> None:
    with person(browser, server.url) as someone:
        someone.press("Try the sample objects")
        someone.wait_until_learned(8, seconds=150)


def test_everything_by_keyboard(browser: Browser, server: Server, things: tuple[str, str]) -> None:
    with person(browser, server.url) as someone:
        page = someone.page
        expect(page.get_by_role("button", name="Stop camera")).to_be_visible(timeout=15_000)
        page.get_by_label("Name of the thing").focus()
        page.keyboard.type("my thing")
        page.keyboard.press("Enter")
        expect(page.locator("teach-and-watch > [role=status]")).to_have_text("Recording my thing")
        page.wait_for_timeout(1200)
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        expect(page.locator(".card")).to_have_count(1, timeout=10_000)
        expect(page.locator("teach-and-watch > [role=status]")).to_contain_text("of my thing")
        rename = page.get_by_role("button", name="Rename: my thing")
        rename.focus()
        page.keyboard.press("Enter")
        page.keyboard.type("a better name")
        page.keyboard.press("Enter")
        expect(page.locator(".card h3")).to_have_text("a better name")
        remove = page.get_by_role("button", name="Remove: a better name")
        remove.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".card")).to_have_count(0)
        expect(page.get_by_role("button", name="Undo")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".card h3")).to_have_text("a better name")
        stop = page.get_by_role("button", name="Stop camera")
        stop.focus()
        page.keyboard.press("Space")
        expect(page.get_by_role("button", name="Start camera")).to_be_focused()
