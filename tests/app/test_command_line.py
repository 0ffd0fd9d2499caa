"""`python -m app`: exit code 2 and one line for what a person can mend; files for all else."""

import csv
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np
import onnxruntime as ort
import pytest

from app.__main__ import _parser, main
from app.device.runtime import FILES, runtime_files
from tests.tiny import write_tiny

COLOURS = {"red tin": (0, 0, 255), "blue mug": (255, 0, 0)}  # BGR


@pytest.fixture
def things(tmp_path: Path) -> Path:
    """objects/<name>/photo.png, video.avi and a tiny personaliser."""
    for name, colour in COLOURS.items():
        folder = tmp_path / "objects" / name
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / "photo.png"), np.full((60, 60, 3), colour, np.uint8))
        (folder / "notes.txt").write_text("not a photo, and not read")
    (tmp_path / "objects" / ".hidden").mkdir()
    writer = cv2.VideoWriter(
        str(tmp_path / "video.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48)
    )
    for _ in range(5):
        writer.write(np.full((48, 64, 3), COLOURS["blue mug"], np.uint8))
    writer.release()
    write_tiny(tmp_path / "tiny")
    return tmp_path


def run(things: Path, command: str, *more: str) -> int:
    arguments = [
        command,
        "--objects",
        str(things / "objects"),
        "--checkpoint",
        str(things / "tiny"),
    ]
    return main([*arguments, *more])


def test_recognise_writes_the_table_and_the_model(things: Path) -> None:
    video, out, model = (str(things / n) for n in ("video.avi", "preds.csv", "mine.onnx"))
    assert run(things, "recognise", "--video", video, "--out", out, "--export", model) == 0
    with open(out, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == ["blue mug"] * 5
    assert list(rows[0]) == ["frame", "time_s", "label", "confidence", "blue mug", "red tin"]
    frame = np.full((1, 48, 64, 3), COLOURS["red tin"][::-1], np.uint8)
    probabilities = ort.InferenceSession(model).run(["probabilities"], {"frames": frame})[0]
    assert np.asarray(probabilities).argmax() == 1


def test_report_says_how_good_it_will_be(things: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(things, "report") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("There is too little to tell")
    assert lines[-1] == "2 more clips of blue mug, in another place, would help most."


def test_export_writes_the_model(things: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(things, "export", "--out", str(things / "mine.onnx")) == 0
    assert "mine.onnx" in capsys.readouterr().out and (things / "mine.onnx").is_file()


def test_export_writes_a_bundle(
    things: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, runtime = things / "mine.zip", things / "runtime"
    assert run(things, "export") == 2
    assert "--out for the model, --bundle for a page" in capsys.readouterr().err
    monkeypatch.setattr(runtime_files, "__defaults__", (runtime,))
    assert run(things, "export", "--bundle", str(bundle)) == 2
    assert "python -m app.device.install" in capsys.readouterr().err
    runtime.mkdir()
    for name in FILES:
        (runtime / name).touch()
    assert run(things, "export", "--bundle", str(bundle)) == 0
    assert "mine.zip" in capsys.readouterr().out
    card = ZipFile(bundle).read("my-things/MODEL_CARD.md").decode()
    assert "- 2 more clips of blue mug, in another place, would help most." in card


def test_objects_in_the_layout_of_orbit(things: Path) -> None:
    for name in COLOURS:
        folder = things / "objects" / name
        for kind in ("clean", "clutter"):
            (folder / kind).mkdir()
        (folder / "photo.png").rename(folder / "clean" / "photo.png")
        (folder / "clutter" / "broken.mp4").write_text("clutter is not for teaching")
    assert run(things, "export", "--out", str(things / "mine.onnx")) == 0


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda t: (t / "objects").rename(t / "elsewhere"), "There is no folder"),
        (lambda t: (t / "objects" / "red tin").rename(t / "red tin"), "holds 1 object folders"),
        (lambda t: (t / "objects" / "red tin" / "photo.png").unlink(), "'red tin' has no clip yet"),
        (lambda t: (t / "objects" / "red tin" / "photo.png").write_bytes(b""), "red tin: "),
        (lambda t: (t / "video.avi").unlink(), "video.avi"),
        (lambda t: (t / "tiny" / "card.json").unlink(), "has no card.json"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_code_2(
    things: Path, spoil, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(things)
    video, out = str(things / "video.avi"), str(things / "preds.csv")
    assert run(things, "recognise", "--video", video, "--out", out) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert sentence in last and "Traceback" not in last


def test_a_full_disk_is_said(
    things: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    video, out = str(things / "video.avi"), things / "preds.csv"
    out.write_text("of yesterday")
    monkeypatch.setattr("csv.writer", full)
    assert run(things, "recognise", "--video", video, "--out", str(out)) == 2
    assert "preds.csv could not be saved: No space left on device" in capsys.readouterr().err
    assert out.read_text() == "of yesterday"


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("video.avi", "video.avi is one of the files given"),
        ("objects/red tin/photo.png", "photo.png is one of the files given"),
        ("nowhere/preds.csv", "There is no folder"),
        ("video.avi/preds.csv", "There is no folder"),
        ("objects", "objects is a folder"),
        ("x" * 300 + ".csv", "File name too long"),
    ],
)
def test_nothing_that_was_given_is_overwritten(
    things: Path, out: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {p: p.read_bytes() for p in things.rglob("*") if p.is_file()}
    video = str(things / "video.avi")
    assert run(things, "recognise", "--video", video, "--out", str(things / out)) == 2
    assert sentence in capsys.readouterr().err
    assert {p: p.read_bytes() for p in things.rglob("*") if p.is_file()} == before


def test_an_old_table_outlives_a_bad_video(things: Path) -> None:
    (things / "preds.csv").write_text("of yesterday")
    (things / "video.avi").write_bytes(b"")
    video, out = str(things / "video.avi"), str(things / "preds.csv")
    assert run(things, "recognise", "--video", video, "--out", out) == 2
    assert (things / "preds.csv").read_text() == "of yesterday"


def test_help_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["recognise", "--help"], ["export", "--help"]):
        with pytest.raises(SystemExit, match="0"):
            main(arguments)
    text = " ".join(capsys.readouterr().out.split())
    assert (
        "one folder of clips or photos for each object, named like the object" in text
        and "--port" in text
    )


def test_options_stand_before_a_command_or_after_it() -> None:
    for words in (["--checkpoint", "a", "export"], ["export", "--checkpoint", "a"]):
        options = _parser().parse_args([*words, "--objects", "o", "--out", "m.onnx"])
        assert options.checkpoint == Path("a")
    for words in (["--port", "8000", "serve"], ["serve", "--port", "8000"], ["--port", "8000"]):
        options = _parser().parse_args(words)
        assert options.port == 8000 and not options.host and not options.allowed_origin
    assert _parser().parse_args([]).port == 7860


def test_table_and_model_are_two_files_however_they_are_spelt(
    things: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (things / "sub").mkdir()
    (things / "link").symlink_to("same")
    for export in (things / "sub" / ".." / "same", things / "link"):
        words = ["--video", str(things / "video.avi"), "--out", str(things / "same")]
        assert run(things, "recognise", *words, "--export", str(export)) == 2
        assert "need two names" in capsys.readouterr().err
