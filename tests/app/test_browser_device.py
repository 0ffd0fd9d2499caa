"""On this device, in a real browser: the server's answers without the server, and no frame sent."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from zipfile import ZipFile

import httpx
import numpy as np
import pytest

pytest.importorskip("playwright.sync_api")
pytest.importorskip("axe_playwright_python.sync_playwright")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.device.bundle import FOLDER, write_bundle
from app.naming.sight import Watch
from model import SupportSet, load_adapted, load_model
from model.adapted import Answers
from model.frames import square, stream
from tests.app.people import PHONE, Person, camera, chromium, film, person
from tests.app.people import clips as of
from tests.app.server import start
from tests.app.static import static_host
from tests.app.test_bundle import opened

pytestmark = pytest.mark.browser
THINGS = ("mustard bottle", "water bottle")
COMPARED = 200  # real frames, of all sample clips
COUNT_FRAMES = """
window.sent = 0;
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
  if (typeof data !== "string") window.sent += 1;
  return send.call(this, data);
};
"""
NEW = "flask"
RENAME = """([from, name]) => {
  const page = document.querySelector("teach-and-watch");
  page.order({ do: "rename", thing: page.state.things.find((one) => one.name === from).id, name });
}"""
# Each frame at an earlier time than the one before: nothing is smoothed.
ANSWERS = """async (count) => {
  const { Device } = await import("/page/device.js");
  const { names, model } = await document.querySelector("teach-and-watch").line.model();
  const device = new Device(1e9), side = 224, bytes = 4 * side * side;
  const next = (type) => new Promise((settle, reject) => {
    device.addEventListener(type, ({ detail }) => settle(detail), { once: true });
    device.addEventListener("failed", ({ detail }) => reject(detail.text), { once: true });
  });
  device.open({ names, model });
  await next("ready");
  const pixels = new Uint8ClampedArray(await (await fetch("/frames.bin")).arrayBuffer());
  const answers = [];
  for (let n = 0; n < count; n++) {
    device.look(new ImageData(pixels.slice(n * bytes, (n + 1) * bytes), side), -n);
    const { p, unknown, where } = await next("answer");
    answers.push([...p, unknown, ...where]);
  }
  device.close();
  return answers;
}"""
RULE = """async (stream) => {
  const { Watch } = await import("/page/watch.js");
  const watch = new Watch();
  return stream.map(({ time, p, unknown, where }) => watch.see(time, p, unknown, where));
}"""


@pytest.fixture(scope="module")
def browser(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Its camera shows the two things in turn, as they are not taught."""
    pieces = [(of(clips, name, "clean")[1], 4.0) for name in THINGS]
    picture = film(tmp_path_factory.mktemp("film") / "camera.mjpeg", pieces)
    with sync_playwright() as playwright, chromium(playwright, *camera(picture)) as browser:
        yield browser


def teach(url: str, room: str, clips: Path) -> None:
    for name in THINGS:
        clip = of(clips, name, "clean")[0]
        headers = {"authorization": f"Bearer {room}", "x-thing": quote(name), "x-file": clip.name}
        sent = httpx.post(f"{url}/clips", headers=headers, content=clip.read_bytes(), timeout=60)
        sent.raise_for_status()


def switch(page: Page, on: bool, patience: float = 1e9) -> None:
    """patience: ms for a frame; a busy machine is no reason to fail."""
    box = page.get_by_label("Keep video on this device")
    box.evaluate("(box, patience) => { box.dataset.patience = patience; }", patience)
    box.set_checked(on)


def sent(page: Page) -> int:
    return page.evaluate("window.sent")


def names_both(someone: Person, things: tuple[str, str] = THINGS) -> None:
    """Each thing is named while the camera shows it."""
    for mark, thing in enumerate(things):
        someone.wait_for_mark(mark)
        expect(someone.page.locator(".verdict span").first).to_have_text(thing, timeout=10_000)


def test_the_model_runs_in_the_page_and_goes_on_without_the_server(
    browser: Browser, clips: Path, tmp_path: Path
) -> None:
    server = start(tmp_path)
    try:
        with person(browser, server.url, COUNT_FRAMES) as someone:
            page, someone.forgiving = someone.page, True  # of a runtime and a server that are away
            page.on("console", lambda told: print(told.text))  # why, where it fails
            room = page.evaluate("window.room")
            teach(server.url, room, clips)
            someone.wait_until_learned(len(THINGS))
            note = page.locator(".device-note")

            page.route("**/runtime/*", lambda route: route.fulfill(status=404))
            switch(page, True)
            expect(note).to_contain_text("python -m app.device.install")
            expect(page.get_by_label("Keep video on this device")).not_to_be_checked()
            page.unroute("**/runtime/*")

            page.route("**/model", lambda route: route.fulfill(status=502, body="<html>"))
            page.get_by_label("Keep video on this device").click()  # which soon is off again
            expect(note).to_have_text(
                "The model did not arrive. The app names again, and gets the video."
            )
            page.unroute("**/model")

            switch(page, True, patience=1e-6)
            expect(note).to_contain_text("too long. The app names again", timeout=30_000)
            before = sent(page)
            page.wait_for_function(f"window.sent > {before}")

            switch(page, True)
            expect(note).to_contain_text("Named on this device", timeout=30_000)
            before = sent(page)
            names_both(someone)
            expect(page.locator(".rate")).to_contain_text("on this device")
            assert sent(page) == before

            page.evaluate(RENAME, ["water bottle", NEW])  # and the model is another one
            expect(page.locator(".bar-name", has_text=NEW)).to_be_visible(timeout=30_000)
            assert sent(page) == before

            someone.press("That’s wrong")
            expect(page.locator(".correction")).to_be_visible()
            assert 0 < sent(page) - before <= 5
            someone.press("Cancel")

            someone.press("Stop camera")  # or it competes
            same_answers(page, server.url, room, clips, tmp_path)
            same_rule(page)
            someone.press("Start camera")

            server.stop()
            expect(page.locator(".alarm p")).to_contain_text("this device goes on naming")
            names_both(someone, (THINGS[0], NEW))
    finally:
        server.process.kill()
        server.process.wait()


def test_a_bundle_names_things_from_a_static_host_and_then_without_one(
    browser: Browser, clips: Path, tmp_path: Path
) -> None:
    support = SupportSet.read({name: [of(clips, name, "clean")[0]] for name in THINGS})
    write_bundle(tmp_path / "bundle.zip", load_model().adapt(support), support.frames()[0], [])
    with ZipFile(tmp_path / "bundle.zip") as bundle:
        bundle.extractall(tmp_path)
    context = browser.new_context(**PHONE)
    someone = Person(page := context.new_page())
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: someone.complaints.append(str(error)))
    page.on("console", lambda told: print(told.text))
    with static_host(tmp_path / FOLDER) as (url, host):
        page.goto(url)
        names_both(someone)
        expect(page.locator(".rate")).to_contain_text("on this device")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert not Axe().run(page).response["violations"]
        page.evaluate("async () => { await navigator.serviceWorker.ready; }")
        (tmp_path / FOLDER / "model.onnx").unlink()  # what a host has lost is not lost here
        page.reload()
        names_both(someone)
        host.shutdown()
        host.server_close()
        page.goto(f"{url}index.html")
        names_both(someone)
    assert asked and all(request.startswith((url, "data:", "blob:")) for request in asked)
    assert not someone.complaints
    context.close()


def same_answers(page: Page, url: str, room: str, clips: Path, folder: Path) -> None:
    """The device's answers to real frames are those of Python's onnxruntime on the same file."""
    paths = sorted(clips.glob("*/clutter/*.mp4"))
    each = -(-COMPARED // len(paths))
    frames = np.concatenate([
        np.stack([square(frame) for _, (_, frame) in zip(range(each), stream(path), strict=False)])
        for path in paths
    ])[:COMPARED]  # fmt: skip
    got = httpx.get(f"{url}/model", headers={"authorization": f"Bearer {room}"})
    names, content = opened(got.content)
    assert names == [THINGS[0], NEW]
    model = folder / "model.onnx"
    model.write_bytes(content)
    alpha = np.full((*frames.shape[:3], 1), 255, np.uint8)
    pixels = np.concatenate([frames, alpha], 3).tobytes()
    page.route("**/frames.bin", lambda route: route.fulfill(body=pixels))
    found = np.array(page.evaluate(ANSWERS, len(frames)))
    p, unknown, where = load_adapted(model).answers(frames)
    assert unknown is not None and where is not None
    assert np.abs(found - np.hstack([p, unknown[:, None], where])).max() <= 1e-3


def same_rule(page: Page) -> None:
    """Smoothing and the band in which nothing changes, over a stream with gaps and jumps back."""
    rng = np.random.default_rng(0)
    steps = rng.choice([0.02, 0.1, 0.6, -3.0], 300, p=[0.5, 0.4, 0.05, 0.05])
    p = rng.dirichlet((1, 1, 1), 300)
    unknown = np.clip(0.5 + np.cumsum(rng.normal(0, 0.15, 300)) % 1 - 0.5, 0, 1)
    where = rng.random((300, 4))
    told = [
        {"time": t, "p": a, "unknown": u, "where": w}
        for t, a, u, w in zip(
            np.cumsum(steps).tolist(), p.tolist(), unknown.tolist(), where.tolist(), strict=True
        )
    ]
    watch, answers = Watch(), Answers(p, unknown, where)
    for row, (one, seen) in enumerate(zip(told, page.evaluate(RULE, told), strict=True)):
        sight = watch.see(one["time"], answers, row)
        assert seen["named"] == sight.named
        assert seen["p"] == pytest.approx(sight.probabilities, abs=1e-9)
        assert seen["unknown"] == pytest.approx(sight.unknown, abs=1e-9)
        assert seen["where"] == pytest.approx(sight.where, abs=1e-9)
