"""Pieces of the page that can be told apart from it: what a client may name, what is escaped."""

from pathlib import Path

import pytest

from app.overlay import Stretch
from app.ui.video import _legend, _progress, _refused, _seen, _uploaded
from model import InputError

EVIL = "<script>alert('\"')</script>"


def test_the_client_cannot_name_a_file_of_the_server(tmp_path: Path) -> None:
    inside, outside = tmp_path / "uploads" / "a.mp4", tmp_path / "secret.mp4"
    inside.parent.mkdir()
    inside.touch()
    outside.touch()
    (inside.parent / "link.mp4").symlink_to(outside)
    assert _uploaded(str(inside), inside.parent) == inside
    for path in (str(outside), "", None, str(inside.parent), f"{inside.parent}/../secret.mp4",
                 f"{inside.parent}/link.mp4", "http://127.0.0.1/a.mp4", "/etc/passwd"):  # fmt: skip
        with pytest.raises(InputError, match="choose the video again"):
            _uploaded(path, inside.parent)


def test_names_are_text_wherever_they_are_shown() -> None:
    shown = [_seen((Stretch(0, 1, EVIL, 1.0),)), _legend((EVIL,)), _progress(EVIL, None)]
    for markup in (*shown, _refused(EVIL)[0]):
        assert "<script" not in markup and "&lt;script&gt;" in markup
