"""On this device: how often the page names, beside a bare loop over the same file in a worker.

Both run in one page in turn, so that a busy machine is busy for both; the camera is left out.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from zipfile import ZipFile

from playwright.sync_api import sync_playwright

from app.device.bundle import FOLDER, write_bundle
from model import SupportSet, load_model
from tests.app.people import chromium
from tests.app.server import ROOT
from tests.app.static import static_host

RUNS, FRAMES = 21, 20  # in short turns: a shared machine changes its speed within seconds
BARE = """
import * as ort from "./runtime/ort.wasm.bundle.min.mjs";
const wasm = new URL("./runtime/ort-wasm-simd-threaded.wasm", import.meta.url).href;
ort.env.wasm.wasmPaths = { wasm };
ort.env.wasm.numThreads = 1;
const model = new Uint8Array(await (await fetch("./model.onnx")).arrayBuffer());
const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
const frames = new ort.Tensor("uint8", new Uint8Array(224 * 224 * 3).fill(127), [1, 224, 224, 3]);
self.onmessage = async ({ data: count }) => {
  const start = performance.now();
  const outputs = ["probabilities", "unknown", "where"];
  for (let n = 0; n < count; n++) await session.run({ frames }, outputs);
  postMessage((1000 * count) / (performance.now() - start));
};
postMessage("ready");
"""
# {bare, page: frames per second; longest: ms of the longest task of the page's own thread}
MEASURE = """async ([runs, count]) => {
  const { Device } = await import("./page/device.js");
  const bare = new Worker("./bare.js", { type: "module" });
  const told = () => new Promise((settle) => { bare.onmessage = ({ data }) => settle(data); });
  await told();
  const device = new Device(Infinity);
  const once = { once: true };
  const heard = (type) => new Promise((settle) => device.addEventListener(type, settle, once));
  device.open({ names: [], model: await (await fetch("./model.onnx")).arrayBuffer() });
  await heard("ready");
  let longest = 0;
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) longest = Math.max(longest, task.duration);
  }).observe({ type: "longtask" });
  const picture = new ImageData(new Uint8ClampedArray(224 * 224 * 4).fill(127), 224);
  const ours = async () => {
    const start = performance.now();
    for (let done = 0; done < count; done++) {
      while (device.free) device.look(picture);
      await heard("answer");
    }
    const rate = (1000 * count) / (performance.now() - start);
    await heard("answer"); // to one that was still under way, and would slow the other
    return rate;
  };
  const rates = [];
  for (let run = 0; run < runs; run++) {
    bare.postMessage(count);
    rates.push([await told(), await ours()]);
  }
  return { rates, longest };
}"""


def device_against_a_bare_loop() -> None:
    """Print both rates, medians of RUNS, the ratio, and the longest task of the page's thread."""
    samples = ROOT / "assets" / "samples"
    objects = {
        folder.name: [str(path) for path in sorted(folder.glob("clean/*"))]
        for folder in sorted(samples.glob("*/"))[:2]
    }
    support = SupportSet.read(objects)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        write_bundle(Path(scratch) / "b.zip", load_model().adapt(support), support.frames()[0], [])
        with ZipFile(Path(scratch) / "b.zip") as bundle:
            bundle.extractall(scratch)
        folder = Path(scratch) / FOLDER
        (folder / "bare.js").write_text(BARE)
        (folder / "empty.html").write_text("<!doctype html><title>Benchmark</title>")
        with static_host(folder) as (url, _), chromium(playwright) as browser:
            page = browser.new_page()
            page.goto(f"{url}empty.html")
            found = page.evaluate(MEASURE, [RUNS, FRAMES])
    bare, ours = (median(rates) for rates in zip(*found["rates"], strict=True))
    ratio = median(b / a for a, b in found["rates"])
    print(f"on this device, medians of {RUNS} runs of {FRAMES} frames:")
    print(f"  a bare loop {bare:.1f} frames a second, the page {ours:.1f}")
    print(f"  the page's rate is {100 * ratio:.0f} % of the bare one's (asked for: 95 %)")
    print(f"  the longest task of the page's own thread: {found['longest']:.0f} ms (0: none of 50)")


if __name__ == "__main__":
    device_against_a_bare_loop()
