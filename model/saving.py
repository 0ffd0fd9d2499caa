"""Files that are whole or not there: what stood in their place stays until the new one is done."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from model.errors import InputError

STREAMS = ("/dev/", "/proc/")  # what lies here is written into, a redirected /dev/stdout too


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """A place to write a file to; it becomes `path` if the block ends well, else it goes.

    The target of a link is replaced, not the link. A device or a pipe is written into. Raises
    InputError for what the file system refuses (a full disk, a missing folder); then, and after
    any error in the block, `path` is as it was.
    """
    path = Path(path)
    if not path.name or path.is_dir():
        raise InputError(f"{path} is a folder; give the name of a file to write.")
    try:
        if _is_stream(path):
            yield path
            return
        target = Path(os.path.realpath(path))
        unfinished = target.with_name(target.name + ".part")
        try:
            yield unfinished
            if target.exists():
                shutil.copymode(target, unfinished)
            unfinished.replace(target)
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path.name} could not be saved: {error.strerror}.") from error


def _is_stream(path: Path) -> bool:
    if str(path.absolute()).startswith(STREAMS):
        return True
    return path.exists() and not stat.S_ISREG(path.stat().st_mode)
