"""What came by Gradio's upload: checked, and taken out of the folder that Gradio serves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.rooms import Room, Rooms, folder_for
from model import InputError


@contextmanager
def taken(path: str | None, rooms: Rooms, room: Room) -> Iterator[Path]:
    """The file behind an upload, in a private folder of its room; gone when the block ends.

    path: what the client calls so; InputError as in `uploaded`.
    """
    file = uploaded(path, rooms.shown)
    with folder_for(room) as folder, own(file, folder) as mine:
        yield mine


def uploaded(path: str | None, uploads: Path) -> Path:
    """The file that a client calls so; InputError unless it truly lies where uploads go."""
    file = Path(path or "").resolve()
    if not file.is_file() or not file.is_relative_to(uploads.resolve()):
        raise InputError("The upload did not arrive; choose the video again.")
    return file


@contextmanager
def own(upload: Path, folder: Path) -> Iterator[Path]:
    """The upload by a name in `folder`; afterwards it is gone from the folder that is served.

    Gradio names uploads after their content: if somebody uploads the same video meanwhile, another
    file stands in its place, and stays for them.
    """
    mine = folder / upload.name
    try:
        os.link(upload, mine)
    except OSError as error:
        raise InputError(f"The upload could not be kept: {error.strerror}.") from error
    try:
        yield mine
    finally:
        with suppress(OSError):
            if upload.samefile(mine):
                upload.unlink()
