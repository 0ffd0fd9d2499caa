"""Pieces of the page that can be told apart from it: what a client may name, what is escaped."""

import inspect
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from gradio.queueing import Queue

from app.__main__ import _parser
from app.naming.timeline import Stretch
from app.ui.model import COMMANDS, PYTHON
from app.ui.uploads import own, uploaded
from app.ui.video import _busy, _legend, _progress, _refused, _seen
from model import InputError, load_model
from tests.app.fakes import BLUE, RED, frames, jpeg
from tests.tiny import write_tiny

EVIL = "<script>alert('\"')</script>"


def test_the_client_cannot_name_a_file_of_the_server(tmp_path: Path) -> None:
    inside, outside = tmp_path / "uploads" / "a.mp4", tmp_path / "secret.mp4"
    inside.parent.mkdir()
    inside.touch()
    outside.touch()
    (inside.parent / "link.mp4").symlink_to(outside)
    assert uploaded(str(inside), inside.parent) == inside
    for path in (str(outside), "", None, str(inside.parent), f"{inside.parent}/../secret.mp4",
                 f"{inside.parent}/link.mp4", "http://127.0.0.1/a.mp4", "/etc/passwd"):  # fmt: skip
        with pytest.raises(InputError, match="choose the video again"):
            uploaded(path, inside.parent)


def test_the_same_video_uploaded_by_another_stays_theirs(tmp_path: Path) -> None:
    upload, mine = tmp_path / "a.mp4", tmp_path / "mine"
    mine.mkdir()
    upload.write_bytes(b"video")
    with own(upload, mine) as path:
        assert path.read_bytes() == b"video"
        (tmp_path / "again").write_bytes(b"video")
        (tmp_path / "again").replace(upload)  # as Gradio does when it comes in again
    assert upload.read_bytes() == b"video"
    (mine / "a.mp4").unlink()
    with own(upload, mine):
        pass
    assert not upload.exists(), "nobody needs it any more"


def test_the_lines_of_python_that_are_shown_run(tmp_path: Path) -> None:
    personaliser = load_model(write_tiny(tmp_path / "tiny"))
    adapted = personaliser.adapt({"red": [frames(RED)], "blue": [frames(BLUE)]})
    adapted.save(tmp_path / "my-things.onnx")
    (tmp_path / "photo.jpg").write_bytes(jpeg(BLUE, 320))
    shown = [sys.executable, "-c", PYTHON]
    done = subprocess.run(shown, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.startswith("blue "), done.stderr
    assert len([line for line in PYTHON.splitlines() if line]) <= 10


def test_the_commands_that_are_shown_are_understood() -> None:
    lines = [line for line in COMMANDS.splitlines() if not line.startswith("#")]
    for line in lines:
        words = shlex.split(line)
        assert words[:3] == ["python", "-m", "app"]
        _parser().parse_args(words[3:])
    assert len(lines) == 2


def test_names_are_text_wherever_they_are_shown() -> None:
    shown = [_seen((Stretch(0, 1, EVIL, 1.0),)), _legend((EVIL,), 1), _progress(EVIL, None)]
    for markup in (*shown, _refused(InputError(EVIL))[0], _busy(EVIL)[3]):
        assert "<script" not in markup and "&lt;script&gt;" in markup


def test_gradio_still_reads_how_long_its_queue_rests() -> None:
    """Else `build_ui` sets what nobody asks for, and an idle app takes 6 % of a core."""
    names = inspect.getsource(Queue)
    assert "self.sleep_when_free" in names and "self.progress_update_sleep_when_free" in names
