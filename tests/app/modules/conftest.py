"""An empty page of the app, in a real browser, into which its modules are loaded one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.app.server import Server

if TYPE_CHECKING:  # these tests also run where no browser is installed
    from playwright.sync_api import Page

# Stand-ins for the camera, the voice of the machine and the workers: they note what is asked.
STUBS = """() => {
  const refusal = new DOMException("", "NotAllowedError");
  navigator.mediaDevices.getUserMedia = () => Promise.reject(refusal);
  window.said = [];
  const voice = { speak: ({ text, lang }) => said.push([text, lang]), cancel() {} };
  Object.defineProperty(window, "speechSynthesis", { value: voice });
  window.orders = [];
  window.broken = ""; // the order that fails
  window.manifest = null; // of the file that is opened
  const answers = {
    keep: ({ pictures }) => ({ count: pictures.length, thumbs: [] }),
    cut: () => ({ count: 2, thumbs: [] }),
    unpack: ({ ids }) => ({ manifest, thumbs: Object.fromEntries(ids.map((id) => [id, []])) }),
    learn: ({ order }) => ({ model: new ArrayBuffer(1), seconds: 0, made: order }),
  };
  window.Worker = class {
    constructor(_, { type }) {} // read, as a browser does
    async postMessage(order) {
      const { do: what, ref } = order;
      orders.push(order);
      const fails = what === broken && (what !== "unpack" || order.ids.length);
      const told = fails ? { text: "Cannot read x" } : answers[what]?.(order);
      await new Promise((settle) => setTimeout(settle, 5));
      if (ref) this.onmessage({ data: { type: fails ? "undone" : "done", ref, ...told } });
    }
  };
  window.local = async () => { // a page that learns by itself, and what it says it has
    orders.length = 0;
    const line = new (await import("/page/local.js")).Local();
    await new Promise((settle) => line.addEventListener("open", settle));
    line.addEventListener("state", ({ detail }) => { line.state = detail; });
    line.record = async (name, frames) => {
      await line.ask({ do: "record", name });
      for (let n = 0; n < frames; n++) line.frame(n, new ImageData(1, 1));
      return line.ask({ do: "keep" });
    };
    return line;
  };
  window.dropped = () => orders.filter((order) => order.do === "drop").flatMap(({ ids }) => ids);
  window.listing = (counts) => { // a profile of one thing with clips of so many frames
    const clips = counts.map((frames, n) => ({ id: `c${n}`, frames }));
    return { things: [{ id: "thing-0", name: "mug", clips }], foreign: [] };
  };
  window.visit = async () => { // the page of the app, as long as it has no line
    const { TeachAndWatch } = await import("/page/teach.js");
    if (!customElements.get("teach-and-watch"))
      customElements.define("teach-and-watch", class extends TeachAndWatch { begin() {} });
    const page = document.createElement("teach-and-watch");
    document.body.replaceChildren(page);
    return page;
  };
  window.line = (verbs) => Object.assign(new EventTarget(), {
    pace: { measure: () => ({ rate: 0, p95: 0, quiet: 0 }) }, ...verbs });
}"""


@pytest.fixture(scope="module")
def page(quick: Server) -> Iterator[Page]:
    """An empty one of the app's address."""
    from playwright.sync_api import sync_playwright

    from tests.app.people import chromium

    with sync_playwright() as playwright, chromium(playwright) as browser:
        page = browser.new_page()
        blank = "<!doctype html><html lang='en'><title>Nothing</title>"
        page.route("**/empty", lambda route: route.fulfill(body=blank, content_type="text/html"))
        page.goto(f"{quick.url}/empty")
        page.evaluate(STUBS)
        yield page
