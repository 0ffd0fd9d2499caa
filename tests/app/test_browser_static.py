"""The site without a server, in a real browser: it adapts as Python does, and needs no network."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api")
pytest.importorskip("axe_playwright_python.sync_playwright")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.device.runtime import learning_files, runtime_files
from app.device.site import write_site
from app.profile.file import read_profile
from model import Adapted, InputError, load_adapted, load_model
from model.frames import square, stream
from tests.app.people import DESKTOP, PHONE, SLOWED, Person, camera, chromium, film
from tests.app.people import clips as of
from tests.app.static import adapt_in_page, static_host
from tests.app.tabs import tabs
from tests.app.test_browser_storage import PRIVATE

pytestmark = pytest.mark.browser
FILMED, FROM_FILE, RENAMED = ("mustard bottle", "water bottle"), "red mug", "my cup"
TOLERANCE = 1e-3
TIMEOUT = 60_000  # ms, on a machine that is busy with other tests
TAUGHT = """() => document.querySelector("teach-and-watch").state.things
  .map(({ name, clips }) => [name, clips.map(({ frames }) => frames)])"""
# How many looks a clip is worth whose middle tenth is noise.
DAMAGED = """async (url) => {
  const { pictures } = await import("./page/decode.js");
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
  for (let at = bytes.length >> 1; at < bytes.length * 0.6; at++) bytes[at] = (at * at * 37) >> 3;
  return (await pictures(new Blob([bytes], { type: "video/mp4" }), "damaged.mp4")).length;
}"""
SHOWS_NOTHING = "HTMLVideoElement.prototype.requestVideoFrameCallback = () => {}"
PAGE = "document.querySelector('teach-and-watch')"
TEACH = """(async () => {
  const { samples } = await (await fetch("things.json")).json();
  for (const name of ["red mug", "water bottle"]) {
    const clip = await (await fetch(samples[name][0])).blob();
    await document.querySelector("teach-and-watch").files.upload(name, [clip]);
  }
})()"""
NAMED = "document.querySelector('.verdict:not([hidden]) span')?.textContent === 'red mug'"
COUNT = """{
  globalThis.answers = 0;
  const { line } = document.querySelector("teach-and-watch");
  line.addEventListener("answer", () => globalThis.answers++);
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        runtime_files()
        learning_files()
    except InputError as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("host") / "site"
    write_site(folder)
    (folder / "empty.html").write_text("<!doctype html><title>Nothing</title>")
    return folder


@pytest.fixture(scope="module")
def browser(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Its camera shows three things in turn, the last from another clip than the file's."""
    pieces = [(of(clips, name, "clean")[0], 3.8) for name in FILMED]
    pieces.append((of(clips, FROM_FILE, "clean")[1], 2.0))
    picture = film(tmp_path_factory.mktemp("film") / "camera.mjpeg", pieces)
    with sync_playwright() as playwright, chromium(playwright, *camera(picture)) as browser:
        yield browser


def frames(clips: Path, kind: str, each: int) -> np.ndarray:
    """(N, 224, 224, 3): some of every sample clip."""
    paths = sorted(clips.glob(f"*/{kind}/*.mp4"))
    some = (zip(range(each), stream(path), strict=False) for path in paths)
    return np.stack([square(frame) for clip in some for _, (_, frame) in clip])


def same_answers(theirs: Adapted, ours: Adapted, asked: np.ndarray) -> None:
    told, wanted = theirs.facts, ours.facts
    for one in (told, wanted):  # of two ways to write JSON
        one |= {key: json.loads(one[key]) for key in ("names", "shots")}
    assert told == wanted
    for a, b in zip(theirs.answers(asked), ours.answers(asked), strict=True):
        assert a is not None and b is not None and np.abs(a - b).max() <= TOLERANCE


def test_the_page_adapts_as_python_does(browser: Browser, site: Path, clips: Path) -> None:
    """One frame; many objects in many clips; near-duplicates and counter-examples."""
    pool, asked = frames(clips, "clean", 8), frames(clips, "clutter", 2)
    many = {f"{k} “ü”": np.array_split(pool[6 * k : 6 * k + 1 + k % 2], 2) for k in range(20)}
    few = {"one": [pool[:1], np.repeat(pool[:1], 3, 0)], "other": [pool[40:48]]}
    personaliser = load_model()
    with static_host(site) as (url, _):
        page = browser.new_context(service_workers="block").new_page()
        page.goto(f"{url}empty.html")
        for taught, foreign in (
            ({"one": [pool[:1]]}, []),
            ({name: [c for c in own if len(c)] for name, own in many.items()}, []),
            (few, [asked[:3], asked[8:9]]),
        ):
            file, _ = adapt_in_page(page, site, taught, foreign)
            (site / "adapted.onnx").write_bytes(file)
            ours = personaliser.fit(personaliser.see(taught, counter_examples=foreign))
            same_answers(load_adapted(site / "adapted.onnx"), ours, asked)
        page.context.close()


def names_all(someone: Person) -> None:
    """Each thing is named while the camera shows it."""
    for mark, name in enumerate((*FILMED, FROM_FILE)):
        someone.wait_for_mark(mark)
        expect(someone.page.locator(".verdict span").first).to_have_text(name, timeout=10_000)


def saved(page: Page, button: str, path: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    download.value.save_as(path)
    return path


def test_teach_and_recognise_with_the_network_cut(
    browser: Browser, site: Path, clips: Path, tmp_path: Path
) -> None:
    context = browser.new_context(**DESKTOP)
    someone = Person(page := context.new_page())
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: someone.complaints.append(str(error)))
    page.add_init_script(SLOWED % 10)
    with static_host(site) as (url, host):
        page.goto(url)
        page.evaluate("async () => { await navigator.serviceWorker.ready; }")
        host.shutdown()
        host.server_close()
        someone.teach_from_the_camera(*FILMED)
        someone.name(FROM_FILE)
        page.locator("#new-files").set_input_files(of(clips, FROM_FILE, "clean")[0])
        someone.wait_until_learned(3)
        names_all(someone)
        expect(page.locator(".rate")).to_contain_text("on this device")
        someone.press(f"Rename: {FROM_FILE}")
        page.get_by_label(f"New name of {FROM_FILE}").fill(RENAMED)
        someone.press("Save")
        expect(page.locator(".bar-name", has_text=RENAMED)).to_be_visible(timeout=TIMEOUT)
        someone.press(f"Remove: {FILMED[0]}")
        someone.wait_until_learned(2)
        page.locator(".undo button").click()
        someone.wait_until_learned(3)
        expect(page.locator(".keep-state")).to_contain_text("Kept in this browser: 3 clips")

        model = load_adapted(saved(page, "Save the model", tmp_path / "mine.onnx"))
        with read_profile(saved(page, "Save my things", tmp_path / "mine.zip")) as (kept, each):
            taught = {thing.name: [next(each) for _ in thing.clips] for thing in kept.things}
        assert model.names == (*FILMED, RENAMED)
        same_answers(model, load_model().adapt(taught), frames(clips, "clutter", 3))

        page.set_viewport_size(PHONE["viewport"])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert not Axe().run(page).response["violations"]
        page.set_viewport_size(DESKTOP["viewport"])

        page.on("dialog", lambda dialog: dialog.accept())
        before = page.evaluate(TAUGHT)
        page.reload()
        someone.wait_until_learned(3)
        assert sorted(page.evaluate(TAUGHT)) == sorted(before)  # in the order of keeping
        known = re.compile("|".join((*FILMED, RENAMED)))
        expect(page.locator(".verdict span").first).to_have_text(known, timeout=TIMEOUT)
    assert asked and all(request.startswith((url, "data:", "blob:")) for request in asked)
    assert not someone.complaints
    context.close()


@pytest.mark.parametrize(
    ("language", "direction", "step", "stays"),
    [
        ("de", "ltr", "Benennen Sie Ihr erstes Ding", "Ihre Bilder bleiben auf diesem Gerät"),
        ("ar", "rtl", "سمِّ شيئك الأول", "تبقى صورك على هذا الجهاز"),
    ],
)
def test_it_speaks_the_language_of_the_browser(
    browser: Browser, site: Path, language: str, direction: str, step: str, stays: str
) -> None:
    with static_host(site) as (url, _):
        page = browser.new_context(service_workers="block", locale=language).new_page()
        page.goto(url)
        expect(page.locator("#next-step")).to_have_text(step)
        expect(page.locator(".goes")).to_contain_text(stays)
        root = page.locator(f"html[lang={language}][dir={direction}]")
        expect(root).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert not Axe().run(page).response["violations"]
        page.context.close()


def test_what_cannot_work_is_said(browser: Browser, site: Path) -> None:
    with static_host(site) as (url, _):
        page = browser.new_context(service_workers="block").new_page()
        page.goto((site / "index.html").as_uri())
        expect(page.locator("teach-and-watch")).to_contain_text("opened as a file")
        page.route("**/film.onnx", lambda route: route.fulfill(status=404))
        page.goto(url)
        expect(page.locator(".alarm p")).to_contain_text("copy all of it again", timeout=TIMEOUT)
        page.context.close()


@pytest.mark.parametrize(
    "lacks",
    [
        "WebAssembly.validate = () => false;",
        "delete window.OffscreenCanvas;",
        "window.Worker = class extends Worker { constructor(url) { super(url); } };",
        "delete Array.prototype.toSpliced;",
        "delete window.BroadcastChannel; delete window.OffscreenCanvas;",
    ],
    ids=["SIMD", "drawing in a worker", "modules in a worker", "copies of lists", "channels"],
)
def test_an_old_browser_is_told_so(browser: Browser, site: Path, lacks: str) -> None:
    with static_host(site) as (url, _):
        page = browser.new_context(service_workers="block").new_page()
        page.add_init_script(lacks)
        page.goto(url)
        expect(page.locator(".alarm p")).to_contain_text("which browsers have since 2023")
        page.context.close()


def test_what_is_not_kept_is_said_and_can_be_saved(
    browser: Browser, site: Path, tmp_path: Path
) -> None:
    """In a private window, and where there is no more room."""
    with static_host(site) as (url, _):
        for script, quota, why in (
            (PRIVATE, None, "this browser keeps nothing"),
            ("", 1, "this browser has no more room"),
        ):
            someone = Person(page := browser.new_context(service_workers="block").new_page())
            page.add_init_script(SLOWED % 10 + script)
            page.goto(url)
            storage = page.context.new_cdp_session(page)
            if quota:
                order = {"origin": url.rstrip("/"), "quotaSize": quota}
                storage.send("Storage.overrideQuotaForOrigin", order)
            someone.record("mug")
            expect(page.locator(".keep-state")).to_have_text(
                f"Not kept: {why}. Save a file instead."
            )
            with read_profile(saved(page, "Save my things", tmp_path / "mine.zip")) as (kept, _):
                assert [thing.name for thing in kept.things] == ["mug"]
            page.context.close()


@pytest.mark.parametrize("misses", ["", SHOWS_NOTHING], ids=["playing", "sought"])
def test_of_a_damaged_clip_what_can_be_seen_is_kept(
    browser: Browser, site: Path, misses: str
) -> None:
    """Also where the machine is too slow to show any of it as it plays."""
    with static_host(site) as (url, _):
        page = browser.new_context(service_workers="block").new_page()
        page.add_init_script(misses)
        page.goto(f"{url}empty.html")
        assert page.evaluate(DAMAGED, "samples/red mug/clean/a.mp4") >= 10
        page.context.close()


def test_a_hidden_tab_rests_and_names_again_once_it_is_shown(
    site: Path, clips: Path, tmp_path: Path
) -> None:
    pieces = [(of(clips, "red mug", "clean")[0], 3.8)]
    picture = film(tmp_path / "camera.mjpeg", pieces)
    with static_host(site) as (url, _), tabs(tmp_path / "profile", *camera(picture)) as browser:
        browser.open(url)
        browser.wait_for(f"{PAGE}?.files !== undefined")
        browser.evaluate(TEACH)
        browser.wait_for(NAMED)
        browser.evaluate(COUNT)
        browser.wait_for("globalThis.answers > 0")
        browser.hide()
        browser.wait_for(f"!({NAMED})")  # what was seen is over
        before = -1
        while (now := browser.evaluate("globalThis.answers")) != before:  # some were under way
            before = now
            time.sleep(1)
        time.sleep(2)
        assert browser.evaluate("globalThis.answers") == before
        browser.show()
        browser.wait_for(NAMED)
