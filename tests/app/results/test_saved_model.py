"""The model that leaves the app: a file that proves itself, or a sentence why there is none."""

import json
import threading
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import onnxruntime
import pytest

import app.results
from app.device.runtime import FILES, runtime_files
from app.fair_lock import FairLock
from app.handlers import Handlers
from app.learning import Learner
from app.results import Exported, Results
from app.rooms import Room
from model import Adapted, InputError, load_adapted, load_model
from tests.app.fakes import BLUE, RED, FakeTeacher, Page, jpeg, read_colour
from tests.app.results.steps import look_here, name_it, teach
from tests.tiny import write_tiny


def test_before_there_is_a_model_it_says_what_is_missing(
    handlers: Handlers, results: Results, room: Room, video: Path
) -> None:
    for verb in (lambda: results.export(room), lambda: name_it(results, room, video)):
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
            name_it(results, room, video)
    assert results.export(room).compared == 2


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
    for verb in (lambda: results.export(room), lambda: name_it(results, room, video)):
        with pytest.raises(InputError, match=r"older than your things\. 'green' is too dark"):
            verb()
    handlers.change(room, lambda taught: taught.remove(taught.things[2].id))
    handlers.change(room, lambda taught: taught.rename(taught.things[0].id, "rouge"))
    exported = results.export(room)
    assert exported.names == ("rouge", "blue 🔵") == load_adapted(exported.file).names
