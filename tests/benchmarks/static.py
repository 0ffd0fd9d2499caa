"""`python -m tests.benchmarks.static`: adapting in a page beside adapting in Python, same frames.

Random support sets of frames of the sample clips: how far apart are the answers of both files, and
how much longer the page takes.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.device.site import write_site
from model import load_adapted, load_model
from model.frames import FRAMES_PER_CLIP, square, stream
from tests.app.people import chromium
from tests.app.server import ROOT
from tests.app.static import adapt_in_page, profile, static_host
from tests.benchmarks.adaptation import timed

SETS, ASKED = 20, 24
ENDS = ((1, 1), (1, 200), (20, 200))  # objects, frames of the first sets; the others lie between
TASKS = """
globalThis.longest = 0;
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) longest = Math.max(longest, task.duration);
}).observe({ type: "longtask" });
"""
Clips = dict[str, list[np.ndarray]]


def frames() -> np.ndarray:
    """(N, 224, 224, 3): every second frame of all sample clips."""
    paths = sorted((ROOT / "assets" / "samples").glob("*/*/*.mp4"))
    return np.stack([square(f) for p in paths for n, (_, f) in enumerate(stream(p)) if n % 2 == 0])


def sizes(rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Objects, 1 to 20, and frames, 1 to 200 together, of each set."""
    yield from ENDS
    for _ in range(SETS - len(ENDS)):
        ways = int(rng.integers(1, 21))
        yield ways, ways + int((200 - ways) * rng.random() ** 2)


def support(pool: np.ndarray, rng: np.random.Generator, ways: int, total: int) -> Clips:
    """Objects with so many frames together, each in 1 to 4 clips, or in as many as they fill;
    turned and recoloured, so that there are enough different ones."""
    shots = 1 + rng.multinomial(total - ways, rng.dirichlet(np.ones(ways)))
    found: Clips = {}
    for k, count in enumerate(shots):
        start = int(rng.integers(len(pool)))
        own = pool[(start + np.arange(count)) % len(pool)][..., rng.permutation(3)]
        own = np.ascontiguousarray(np.rot90(own, int(rng.integers(4)), (1, 2)))
        least = -(-count // FRAMES_PER_CLIP)
        clips = min(count, max(least, int(rng.integers(1, 5))))
        found[f"object {k}"] = np.array_split(own, clips)
    return found


def apart(page: Page, folder: Path, objects: Clips, asked: np.ndarray, foreign=()) -> float:
    """The largest difference between any two answers of page and Python."""
    personaliser = load_model()
    file, _ = adapt_in_page(page, folder, objects, foreign)
    (folder / "adapted.onnx").write_bytes(file)
    theirs = load_adapted(folder / "adapted.onnx")
    ours = personaliser.fit(personaliser.see(objects, counter_examples=foreign))
    assert theirs.names == ours.names and theirs.facts.keys() == ours.facts.keys()
    pairs = zip(theirs.answers(asked), ours.answers(asked), strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs if a is not None and b is not None)


def learned(page: Page, folder: Path, objects: Clips) -> float:
    """Open a profile of them in the page itself, and wait; the seconds that it says."""
    profile(folder / "taught.zip", objects)
    page.locator(".profile-file").set_input_files(folder / "taught.zip")
    lesson = page.locator(".lesson p")
    expect(lesson).to_contain_text(f"of {len(objects)} things in", timeout=600_000)
    return float((lesson.text_content() or "").split()[-2])


def private_megabytes() -> int:
    """Of the largest process of the browser that we started: what is mapped from no file."""
    found, waiting = [0], [os.getpid()]
    while waiting:
        process = Path("/proc") / str(waiting.pop())
        for task in process.glob("task/*/children"):
            waiting += map(int, task.read_text().split())
        if b"--type=renderer" in (process / "cmdline").read_bytes():
            found.append(int((process / "status").read_text().split("RssAnon:")[1].split()[0]))
    return max(found) // 1024


def page_against_python() -> None:
    """Print the differences over SETS support sets; for 200 frames of 10 objects the times of both,
    and what the page's process holds."""
    rng, pool = np.random.default_rng(0), frames()
    asked = pool[rng.integers(len(pool), size=ASKED)]
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        folder = Path(scratch) / "site"
        write_site(folder)
        (folder / "empty.html").write_text("<!doctype html><title>Benchmark</title>")
        with static_host(folder) as (url, _), chromium(playwright) as browser:
            page = browser.new_page()
            page.goto(f"{url}empty.html")
            found = []
            for ways, count in sizes(rng):
                found.append(apart(page, folder, support(pool, rng, ways, count), asked))
                print(f"  {ways:2d} objects, {count:3d} frames: {found[-1]:.1e}", flush=True)
            print(f"adapted in a page, largest difference over {SETS} sets: {max(found):.1e}")
            page.context.close()
        with static_host(folder) as (url, _), chromium(playwright) as browser:
            two_hundred(browser, url, folder, pool[rng.permutation(len(pool))[:200]])


def two_hundred(browser: Browser, url: str, folder: Path, some: np.ndarray) -> None:
    """Print times, memory and the longest task of the page's thread for these frames."""
    taught = {f"object {k}": [own] for k, own in enumerate(np.array_split(some, 10))}
    personaliser, python = load_model(), []
    page = browser.new_page()
    page.add_init_script(TASKS)
    page.goto(url)
    python.append(timed(lambda: personaliser.adapt(taught)))
    seconds = learned(page, folder, taught)
    python.append(timed(lambda: personaliser.adapt(taught)))  # a machine may be busy for a while
    ratio = seconds / (sum(python) / 2)
    print(f"adapt to {len(some)} frames of 10 objects: page {seconds:.1f} s, {ratio:.1f} x Python")
    print("  (asked for: 8 at most; Python before and after: {:.1f}, {:.1f} s)".format(*python))
    print(f"  the page's process: {private_megabytes()} MB of its own (asked for: below 700)")
    print(f"  the longest task of the page's own thread: {page.evaluate('longest'):.0f} ms")


if __name__ == "__main__":
    page_against_python()
