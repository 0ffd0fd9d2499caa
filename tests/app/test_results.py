"""What leaves the app, with a real but tiny model: a named video, and a file that proves itself."""

import csv
import json
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np
import onnxruntime
import pytest

import app.naming.annotated_video
import app.results
from app.decode.work import look_through
from app.device.runtime import FILES, runtime_files
from app.fair_lock import FairLock
from app.handlers import Handlers
from app.learning import Learner
from app.naming.drawing import annotate
from app.naming.frames import Seen
from app.naming.sight import Sight
from app.results import Exported, NamedVideo, Results, Step, file_stem
from app.rooms import Room, Rooms
from model import Adapted, InputError, load_adapted, load_model
from model.frames import stream
from tests.app.fakes import BLUE, RED, FakeTeacher, Page, jpeg, read_colour
from tests.tiny import write_tiny


def look_here(room: Room, path: Path, still_wanted: Callable[[], None]) -> Generator[Seen]:
    """In place of a child: decoded in this process."""
    for seen in look_through(path):
        still_wanted()
        yield seen


@pytest.fixture
def room(tmp_path: Path) -> Room:
    for name in ("private", "shown"):
        (tmp_path / name).mkdir()
    return Rooms(tmp_path / "private", tmp_path / "shown").open()


@pytest.fixture
def handlers(tmp_path: Path) -> Handlers:
    lock = FairLock()
    adapt = load_model(write_tiny(tmp_path / "tiny")).adapt
    return Handlers(Learner(FakeTeacher(adapt), lock), read_colour, lock, tmp_path)


@pytest.fixture
def results() -> Results:
    return Results(look_here, FairLock())


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """35 frames, 10 a second: red, then blue."""
    path = tmp_path / "red then blue.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for index in range(35):
        writer.write(np.full((48, 64, 3), RED[::-1] if index < 20 else BLUE[::-1], np.uint8))
    writer.release()
    return path


def teach(handlers: Handlers, room: Room) -> None:
    page = Page(room)
    handlers.teach_recording(room, "=red()", [jpeg(RED)])
    handlers.teach_recording(room, "blue 🔵", [jpeg(BLUE)])
    page.wait("learned")


def name(results: Results, room: Room, video: Path, title: str = "x.avi") -> NamedVideo:
    *steps, named = results.name_video(room, video, title)
    assert [step.done for step in steps if isinstance(step, Step)] == list(range(1, len(steps) + 1))
    assert isinstance(named, NamedVideo)
    return named


def test_a_video_gets_its_names_its_table_and_its_curves(
    handlers: Handlers, results: Results, room: Room, video: Path
) -> None:
    teach(handlers, room)
    named = name(results, room, video, "my <best> vidéo.avi")
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
    name(results, room, video)
    assert asked == {"ar"}


def test_before_there_is_a_model_it_says_what_is_missing(
    handlers: Handlers, results: Results, room: Room, video: Path
) -> None:
    for verb in (lambda: results.export(room), lambda: name(results, room, video)):
        with pytest.raises(InputError, match="Teach at least 2 things first; you have 0"):
            verb()
    handlers.teach_recording(room, "red", [jpeg(RED)])
    with pytest.raises(InputError, match="you have 1"):
        results.export(room)


def test_a_bundle_is_in_the_rooms_folder_with_its_report(
    handlers: Handlers,
    results: Results,
    room: Room,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in FILES:
        (tmp_path / name).touch()
    monkeypatch.setattr(runtime_files, "__defaults__", (tmp_path,))
    teach(handlers, room)
    bundle = results.bundle(room)
    assert room.shown in bundle.parents and bundle.name == "my-things.zip"
    with ZipFile(bundle) as files:
        made = json.loads(files.read("my-things/things.json"))
    assert made["names"] == ["=red()", "blue 🔵"] and len(made["expected"]["probabilities"]) == 2


def test_who_asks_while_it_learns_waits_for_it(
    results: Results, room: Room, tmp_path: Path
) -> None:
    personaliser, go = load_model(write_tiny(tmp_path / "tiny")), threading.Event()

    def slowly(support, progress) -> Adapted:
        assert go.wait(10)
        return personaliser.adapt(support, progress)

    lock = FairLock()
    handlers = Handlers(Learner(FakeTeacher(slowly), lock), read_colour, lock, tmp_path)
    for thing, colour in (("red", RED), ("blue", BLUE)):
        handlers.teach_recording(room, thing, [jpeg(colour)])
    threading.Timer(0.3, go.set).start()
    assert results.export(room).names == ("red", "blue")


def test_the_exported_file_needs_nothing_but_onnxruntime(
    handlers: Handlers, results: Results, room: Room
) -> None:
    teach(handlers, room)
    exported = results.export(room)
    assert isinstance(exported, Exported) and exported.difference <= 1e-4 and exported.compared == 2
    model = onnxruntime.InferenceSession(exported.file)
    names = json.loads(model.get_modelmeta().custom_metadata_map["names"])
    picture = np.full((1, 90, 120, 3), BLUE, np.uint8)
    probabilities = np.asarray(model.run(["probabilities"], {"frames": picture})[0])
    assert names[probabilities[0].argmax()] == "blue 🔵"


def test_the_camera_of_another_goes_on_while_a_file_is_compared(
    handlers: Handlers, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    class CountedLock(FairLock):
        taken = 0

        def __enter__(self) -> FairLock:
            self.taken += 1
            return super().__enter__()

    teach(handlers, room)
    monkeypatch.setattr(app.results, "COMPARED_AT_ONCE", 1)
    lock = CountedLock()
    exported = Results(look_here, lock).export(room)
    assert lock.taken == exported.compared == 2
    assert exported.size == exported.file.stat().st_size


def test_a_file_that_answers_differently_is_not_offered(
    handlers: Handlers, results: Results, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    teach(handlers, room)

    class Other:
        def predict(self, frames: np.ndarray) -> np.ndarray:
            return np.full((len(frames), 2), 0.5, np.float32)

    monkeypatch.setattr(app.results, "load_adapted", lambda path: Other())
    with pytest.raises(InputError, match="answered differently"):
        results.export(room)
    assert not list(room.shown.glob("model-*/*"))


def test_a_full_disk_is_said_in_words_and_the_model_stays(
    handlers: Handlers, results: Results, room: Room, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teach(handlers, room)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(InputError, match="No space left on device"):
            results.export(room)
    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", full)
        with pytest.raises(InputError, match="No space left on device"):
            name(results, room, video)
    assert results.export(room).compared == 2


def test_naming_stops_when_its_page_has_gone(
    handlers: Handlers, results: Results, room: Room, video: Path
) -> None:
    teach(handlers, room)
    steps = results.name_video(room, video, "x.avi")
    next(steps)
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


def test_what_is_exported_is_what_is_taught_or_a_sentence(
    results: Results, room: Room, tmp_path: Path, video: Path
) -> None:
    personaliser = load_model(write_tiny(tmp_path / "tiny"))

    def two_only(support, progress) -> Adapted:
        if len(support.names) > 2:
            raise InputError("'green' is too dark.")
        return personaliser.adapt(support, progress)

    lock = FairLock()
    handlers = Handlers(Learner(FakeTeacher(two_only), lock), read_colour, lock, tmp_path)
    teach(handlers, room)
    page = Page(room)
    handlers.teach_recording(room, "green", [jpeg((30, 200, 40))])
    page.wait("unlearned")
    for verb in (lambda: results.export(room), lambda: name(results, room, video)):
        with pytest.raises(InputError, match=r"older than your things\. 'green' is too dark"):
            verb()
    handlers.change(room, lambda taught: taught.remove(taught.things[2].id))
    handlers.change(room, lambda taught: taught.rename(taught.things[0].id, "rouge"))
    exported = results.export(room)
    assert exported.names == ("rouge", "blue 🔵") == load_adapted(exported.file).names


def test_a_cancelled_video_leaves_nothing(
    handlers: Handlers, results: Results, room: Room, video: Path
) -> None:
    teach(handlers, room)
    steps = results.name_video(room, video, "x.avi")
    next(steps)
    assert list(room.shown.glob("video-*"))
    results.cancel(room)
    with pytest.raises(InputError, match="Cancelled"):
        list(steps)
    assert not list(room.shown.glob("video-*"))
    assert len(name(results, room, video).times) == 35, "the next one is named"


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

    assert len(name(Results(watch, Watched()), room, video).times) == 35
