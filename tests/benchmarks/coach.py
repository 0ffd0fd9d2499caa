"""How often the page's coach is right on spoilt clips, and how often it troubles good ones.

    python -m tests.benchmarks.coach assets/samples CLIPS

Each folder is <thing>/clean/*.mp4 with the clips that tests/app/boxes.csv knows.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from model import load_model
from tests.app.coached import measure, models_of, other_way_round
from tests.app.people import chromium, person
from tests.app.server import start
from tests.app.staged import read
from tests.tiny import write_tiny


def main() -> None:
    personaliser = load_model()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = start(folder, "--checkpoint", str(write_tiny(folder / "tiny")))
        try:
            with (
                sync_playwright() as playwright,
                chromium(playwright) as browser,
                person(browser, server.url) as someone,
            ):
                for clips in sys.argv[1:]:
                    every = read(Path(clips))
                    models = models_of(personaliser, every)
                    scores, any_hint = measure(someone.page, models, every)
                    print(f"{clips}: {len(every)} good clips, any hint {100 * any_hint:.0f} %")
                    for score in [*scores, *other_way_round(someone.page, models, every)]:
                        right, false = 100 * score.right, 100 * score.false
                        print(f"{score.kind:24} {right:4.0f} % of {score.of}, false {false:3.0f} %")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
