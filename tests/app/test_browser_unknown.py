"""In a real browser: two things are taught, a third and an empty table are shown."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, sync_playwright

from tests.app.people import camera, chromium, film, person
from tests.app.people import clips as of
from tests.app.server import Server
from tests.model.media import write_video

pytestmark = pytest.mark.browser
THINGS = ("mustard bottle", "water bottle")
NOTHING = "None of your things"

# Asked at one moment: is there an outline, and a name?
OUTLINED = """[document.querySelector(".where").checkVisibility(),
  document.querySelector(".verdict:not(.nothing)")?.checkVisibility() ?? false]"""


@pytest.fixture(scope="module")
def browser(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Its camera shows the two, a third thing that is never taught, and a table with nothing."""
    folder = tmp_path_factory.mktemp("film")
    table = folder / "table.mp4"
    rng, grain = np.random.default_rng(0), np.linspace(120, 180, 480)
    wood = np.repeat(grain[:, None], 480, 1)[..., None] * np.array([1.0, 0.8, 0.6])
    frames = [
        np.clip(wood + rng.normal(0, 3, wood.shape), 0, 255).astype(np.uint8) for _ in range(15)
    ]
    write_video(table, "libx264", frames)
    pieces = [(of(clips, name, "clean")[0], 5.0) for name in THINGS]
    pieces += [(of(clips, "soup can", "clean")[0], 5.0), (table, 5.0)]
    picture = film(folder / "camera.mjpeg", pieces)
    with sync_playwright() as playwright, chromium(playwright, *camera(picture)) as browser:
        yield browser


def test_what_was_never_taught_is_none_of_your_things(browser: Browser, server: Server) -> None:
    """On a desktop; `test_browser_wrong` looks at the same on a phone."""
    with person(browser, server.url) as someone:
        page = someone.page
        someone.teach_from_the_camera(*THINGS)
        said: dict[int, list[str]] = {mark: [] for mark in range(4)}
        while min(map(len, said.values())) < 8:
            mark = someone.mark()
            page.wait_for_timeout(1000)  # it says so within a second, and holds
            while someone.mark() == mark:
                said[mark].append(someone.sees())
                outlined, named = page.evaluate(OUTLINED)
                assert outlined == named
                page.wait_for_timeout(200)
        for mark in (2, 3):
            assert np.mean([text == NOTHING for text in said[mark]]) >= 0.9, said[mark]
        for mark, thing in enumerate(THINGS):
            assert np.mean([text == thing for text in said[mark]]) >= 0.9, said[mark]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
