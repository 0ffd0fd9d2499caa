"""Files that are whole or not there: what stood in their place stays until the new one is done."""

from __future__ import annotations

import os
import stat
import tempfile
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
        unfinished = _new_file(target)
        try:
            yield unfinished
            unfinished.chmod(_mode(target))
            unfinished.replace(target)
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path.name} could not be saved: {error.strerror}.") from error


def _new_file(target: Path) -> Path:
    """An empty file beside `target`, whose name nothing else has."""
    descriptor, name = tempfile.mkstemp(".part", f".{target.name[:40]}-", target.parent)
    os.close(descriptor)
    return Path(name)


def _mode(target: Path) -> int:
    """The permissions of `target`; of a new file those that a program gives by default."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _is_stream(path: Path) -> bool:
    if str(path.absolute()).startswith(STREAMS):
        return True
    return path.exists() and not stat.S_ISREG(path.stat().st_mode)
