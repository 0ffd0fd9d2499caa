"""What the tests of results do with a room: teach it, and name a video in it."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from app.decode.work import look_through
from app.handlers import Handlers
from app.naming.frames import Seen
from app.results import NamedVideo, Results, Step
from app.rooms import Room
from tests.app.fakes import BLUE, RED, Page, jpeg


def look_here(room: Room, path: Path, still_wanted: Callable[[], None]) -> Generator[Seen]:
    """In place of a child: decoded in this process."""
    for seen in look_through(path):
        still_wanted()
        yield seen


def teach(handlers: Handlers, room: Room) -> None:
    page = Page(room)
    handlers.teach_recording(room, "=red()", [jpeg(RED)])
    handlers.teach_recording(room, "blue 🔵", [jpeg(BLUE)])
    page.wait("learned")


def begin(handlers: Handlers, results: Results, room: Room, video: Path) -> Iterator[object]:
    """The steps of naming a video after the first."""
    teach(handlers, room)
    steps = results.name_video(room, video, "x.avi")
    next(steps)
    return steps


def name_it(results: Results, room: Room, video: Path, title: str = "x.avi") -> NamedVideo:
    *steps, named = results.name_video(room, video, title)
    assert [step.done for step in steps if isinstance(step, Step)] == list(range(1, len(steps) + 1))
    assert isinstance(named, NamedVideo)
    return named
