"""Files that are whole or not there: what stood in their place stays until the new one is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from model.errors import InputError


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A place beside `path` to write to; it becomes `path` if the block ends well, else it goes."""
    unfinished = path.with_name(path.name + ".part")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


@contextmanager
def complete(path: str | Path) -> Iterator[Path]:
    """As `beside`, for a file that a person asked for.

    Raises InputError for what the file system refuses (a full disk, a missing folder); then, and
    after any error in the block, `path` is as it was.
    """
    path = Path(path)
    if not path.name or path.is_dir():
        raise InputError(f"{path} is a folder; give the name of a file to write.")
    try:
        with beside(path) as unfinished:
            yield unfinished
    except OSError as error:
        raise InputError(f"{path.name} could not be saved: {error.strerror}.") from error
