"""Results go where they were asked to: into devices and pipes, through links, whole or not."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from model.errors import InputError
from model.saving import atomic_write


def write(path: Path, text: str) -> None:
    with atomic_write(path) as place:
        place.write_text(text)


def test_a_file_stays_whole_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "today.csv"
    write(path, "first")
    path.chmod(0o640)
    with atomic_write(path) as place:
        place.write_text("second")
        assert path.read_text() == "first"
    assert path.read_text() == "second" and stat.S_IMODE(path.stat().st_mode) == 0o640
    with pytest.raises(RuntimeError), atomic_write(path) as place:
        place.write_text("half of the th")
        raise RuntimeError("the power went off")
    assert path.read_text() == "second" and os.listdir(tmp_path) == ["today.csv"]


def test_the_target_of_a_link_is_replaced_not_the_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link, target = tmp_path / "latest.csv", tmp_path / "there" / "today.csv"
    link.symlink_to("there/today.csv")
    for text in ("made where the link leads", "replaced"):
        write(link, text)
        assert link.is_symlink() and target.read_text() == text
    assert os.listdir(tmp_path / "there") == ["today.csv"]


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    heard: list[str] = []
    reader = threading.Thread(target=lambda: heard.append((tmp_path / "pipe").read_text()))
    reader.start()
    write(tmp_path / "pipe", "through it")
    reader.join(10)
    assert heard == ["through it"] and (tmp_path / "pipe").is_fifo()


@pytest.mark.skipif(os.getuid() != 0, reason="only root may make a device")
def test_a_device_stays_a_device(tmp_path: Path) -> None:
    os.mknod(tmp_path / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    write(tmp_path / "null", "gone")
    assert (tmp_path / "null").is_char_device() and os.listdir(tmp_path) == ["null"]


def test_standard_output_is_written_into_wherever_it_leads(tmp_path: Path) -> None:
    with open(tmp_path / "out", "w") as file:
        write(Path(f"/proc/self/fd/{file.fileno()}"), "here")
        assert os.fstat(file.fileno()).st_ino == (tmp_path / "out").stat().st_ino
    assert (tmp_path / "out").read_text() == "here"


def test_what_the_file_system_refuses_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is a folder; give the name of a file to write"):
        write(tmp_path, "")
    with pytest.raises(InputError, match=r"^a\.csv could not be saved: No such file or directory"):
        write(tmp_path / "nowhere" / "a.csv", "")


def test_nothing_that_lies_beside_it_is_touched(tmp_path: Path) -> None:
    (tmp_path / "t.csv.part").write_text("a clip of somebody")
    write(tmp_path / "t.csv", "table")
    assert (tmp_path / "t.csv.part").read_text() == "a clip of somebody"


def test_two_writers_of_one_file_each_write_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with atomic_write(path) as first:
        first.write_text("A" * 10)
        with atomic_write(path) as second:
            second.write_text("B")
        assert path.read_text() == "B"
    assert path.read_text() == "A" * 10 and os.listdir(tmp_path) == ["t.csv"]


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    write(tmp_path / "ours", "")
    (tmp_path / "theirs").touch()
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "theirs").stat().st_mode
