"""`python -m tests.benchmarks.static`: adapting in a page beside adapting in Python, same frames.

Random support sets of frames of the sample clips: how far apart are the answers of both files, and
how much longer the page takes.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from app.device.site import write_site
from model import load_adapted, load_model
from model.frames import square, stream
from tests.app.people import chromium
from tests.app.server import ROOT
from tests.app.static import adapt_in_page, static_host

SETS, ASKED = 20, 24
Clips = dict[str, list[np.ndarray]]


def frames() -> np.ndarray:
    """(N, 224, 224, 3): every second frame of all sample clips."""
    paths = sorted((ROOT / "assets" / "samples").glob("*/*/*.mp4"))
    return np.stack([square(f) for p in paths for n, (_, f) in enumerate(stream(p)) if n % 2 == 0])


def support(pool: np.ndarray, rng: np.random.Generator) -> Clips:
    """1 to 20 objects with 1 to 200 frames together, each in 1 to 4 clips; turned and recoloured,
    so that there are enough different ones."""
    ways = int(rng.integers(1, 21))
    total = max(ways, round(float(np.exp(rng.uniform(0, np.log(200))))))
    shots = 1 + rng.multinomial(total - ways, rng.dirichlet(np.ones(ways)))
    found: Clips = {}
    for k, count in enumerate(shots):
        start = int(rng.integers(len(pool)))
        own = pool[(start + np.arange(count)) % len(pool)][..., rng.permutation(3)]
        own = np.ascontiguousarray(np.rot90(own, int(rng.integers(4)), (1, 2)))
        found[f"object {k}"] = np.array_split(own, min(count, int(rng.integers(1, 5))))
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


def page_against_python() -> None:
    """Print the differences over SETS support sets, and the times for 200 frames of 10 objects."""
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
            for _ in range(SETS):
                objects = support(pool, rng)
                count = sum(len(clip) for clips in objects.values() for clip in clips)
                found.append(apart(page, folder, objects, asked))
                print(
                    f"  {len(objects):2d} objects, {count:3d} frames: {found[-1]:.1e}", flush=True
                )
            print(f"adapted in a page, largest difference over {SETS} sets: {max(found):.1e}")
            split = np.array_split(pool[rng.permutation(len(pool))[:200]], 10)
            taught = {f"object {k}": [own] for k, own in enumerate(split)}
            _, seconds = adapt_in_page(page, folder, taught)
            personaliser, start = load_model(), time.perf_counter()
            personaliser.adapt(taught)
            python = time.perf_counter() - start
            print(f"adapt to 200 frames of 10 objects: page {seconds:.1f} s, Python {python:.1f} s")
            print(f"  {seconds / python:.1f} x (asked for: 8 at most)")


if __name__ == "__main__":
    page_against_python()
