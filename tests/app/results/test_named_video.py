"""A named video: its names, its table, its curves; whoever waits or leaves meanwhile."""

import csv
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import pytest

import app.naming.annotated_video
from app.decode.work import look_through
from app.fair_lock import FairLock
from app.handlers import Handlers
from app.naming.drawing import annotate
from app.naming.frames import Seen
from app.naming.sight import Sight
from app.results import Results, Step, file_stem
from app.rooms import Room
from model import InputError
from model.frames import stream
from tests.app.results.steps import begin, look_here, name_it, teach


def test_a_video_gets_its_names_its_table_and_its_curves(
    handlers: Handlers, results: Results, room: Room, video: Path
) -> None:
    teach(handlers, room)
    named = name_it(results, room, video, "my <best> vidéo.avi")
    assert named.video.name == "my-best-vid-o-named.webm" and named.csv.name == "my-best-vid-o.csv"
    assert room.shown in named.video.parents and room.shown in named.csv.parents
    assert [s.name for s in named.seen] == ["=red()", "blue 🔵"]
    assert named.seen[1].start_s == pytest.approx(2.2, abs=0.31), "half a second of smoothing"
    with open(named.csv, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 35 and rows[0]["label"] == "'=red()" and rows[-1]["label"] == "blue 🔵"
    assert [float(row["'=red()"]) for row in rows] == pytest.approx(
        [sight.probabilities[0] for sight in named.sights], abs=1e-4
    )
    assert len(list(stream(named.video))) == 35
    with open(named.listed, newline="", encoding="utf-8") as file:
        listed = list(csv.DictReader(file))
    assert [row["label"] for row in listed] == ["'=red()", "blue 🔵"]
    assert float(listed[1]["from_s"]) == pytest.approx(named.seen[1].start_s, abs=1e-3)


def test_the_words_on_a_video_are_in_the_language_of_the_page(
    handlers: Handlers,
    results: Results,
    room: Room,
    video: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = set()

    def noting(frame: np.ndarray, names: tuple[str, ...], sight: Sight, language: str) -> object:
        asked.add(language)
        return annotate(frame, names, sight, language)

    monkeypatch.setattr(app.naming.annotated_video, "annotate", noting)
    teach(handlers, room)
    room.language = "ar"
    name_it(results, room, video)
    assert asked == {"ar"}


def test_naming_stops_when_its_page_has_gone(
    handlers: Handlers, results: Results, room: Room, video: Path
) -> None:
    steps = begin(handlers, results, room, video)
    room.closed = True
    with pytest.raises(InputError, match="closed"):
        list(steps)


def test_the_camera_of_another_goes_on_while_a_video_is_named(
    handlers: Handlers, room: Room, video: Path
) -> None:
    teach(handlers, room)
    shared = Results(look_here, handlers.lock)
    free = 0
    for step in shared.name_video(room, video, "x.avi"):
        if isinstance(step, Step):
            with handlers.lock:  # between two frames it is anybody's turn
                free += 1
    assert free == 35


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("kitchen.mp4", "kitchen"),
        ("../../etc/passwd", "passwd"),
        ("🔑.mp4", "video"),
        ("a" * 300 + ".mp4", "a" * 40),
        ("=cmd()|x.mov", "cmd-x"),
    ],
)
def test_file_names_are_plain(title: str, stem: str) -> None:
    assert file_stem(title) == stem


def test_a_cancelled_video_leaves_nothing(
    handlers: Handlers, results: Results, room: Room, video: Path
) -> None:
    steps = begin(handlers, results, room, video)
    assert list(room.shown.glob("video-*"))
    results.cancel(room)
    with pytest.raises(InputError, match="Cancelled"):
        list(steps)
    assert not list(room.shown.glob("video-*"))
    assert len(name_it(results, room, video).times) == 35, "the next one is named"


def test_nothing_but_the_model_runs_while_others_wait_for_it(
    handlers: Handlers, room: Room, video: Path
) -> None:
    """Decoding, drawing and writing happen while nobody waits for us."""
    teach(handlers, room)
    held: list[bool] = []

    class Watched(FairLock):
        def __enter__(self) -> FairLock:
            held.append(True)
            return super().__enter__()

        def __exit__(self, *_: object) -> None:
            held.pop()
            super().__exit__()

    def watch(room: Room, path: Path, still_wanted: Callable[[], None]) -> Generator[Seen]:
        for seen in look_through(path):
            assert not held, "a frame was decoded in a turn of the model"
            yield seen

    assert len(name_it(Results(watch, Watched()), room, video).times) == 35
