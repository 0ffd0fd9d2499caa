"""Rooms: one for each open page, with what was taught there, its model and its private folder.

A room is found by a random token that only its page knows. It goes when the page is closed, when
nothing was heard from the page for a while, or, after a crash, when the next server starts. No room
can see another.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from app.session import Clip, TaughtObjects
from app.words.language import ENGLISH
from model import Adapted, InputError, Memory, Report

log = logging.getLogger(__name__)

MAX_ROOMS = 100
QUIET_SECONDS = 30 * 60  # without a word from its page, a room is closed
MAX_NAME_BYTES = 200  # of a file; most systems take 255
MAX_ROOMS_OF_ADDRESS = 50  # so that no single address takes all rooms
IDLE_SECONDS = 5 * 60  # after which a page that taught nothing gives way to another
UPLOAD_SECONDS = 10 * 60  # for which an upload that nobody took may lie where it arrived
ADVICE = {
    errno.ENOSPC: "Make room on the disk and try again.",
    errno.EMFILE: "Too many people are here just now; try again in a minute.",
}
LEFT_SECONDS = 5 * 60  # the same, when the network says that the page has gone

Message = dict[str, Any]


@dataclass(frozen=True)
class Lesson:
    """What the latest adaptation took."""

    frames: int
    things: int
    seconds: float
    clips: tuple[tuple[str, ...], ...] = ()  # the ids of each thing's
    foreign: tuple[str, ...] = ()  # and of what is none of them


@dataclass
class Room:
    """One person's place. `lock` guards the fields below it, down to `closed`; those above it
    never change.
    """

    token: str = field(repr=False)
    folder: Path  # private: clips
    shown: Path  # what the page may fetch by its unguessable address: results and exports
    lock: RLock = field(default_factory=RLock)
    taught: TaughtObjects = field(default_factory=TaughtObjects)
    version: int = 0  # counts the changes of `taught`
    settled: int = 0  # the version that was learned last, or could not be
    adapted: Adapted | None = None
    lesson: Lesson | None = None
    memory: Memory = field(default_factory=Memory)  # so that one more clip costs one clip
    report: Report | None = None  # how good the model will be
    problem: Message = field(default_factory=dict)  # why the settled version could not be learned
    cancels: int = 0  # how often naming a video was cancelled
    closed: bool = False
    address: str = ""  # where its page called from
    language: str = ENGLISH  # of its page
    opened: float = 0.0  # in monotonic seconds
    heard: float = 0.0  # when the page last spoke, in monotonic seconds
    page: Callable[[Message], None] | None = None

    def tell(self, message: Message) -> None:
        """Send a message to the page, if one is listening; from any thread."""
        if page := self.page:
            page(message)

    def keep(self, frames: np.ndarray, clip_id: str = "") -> Clip:
        """Write frames (T, 224, 224, 3) to the private folder: memory stays small.

        clip_id: what a profile calls the clip; a new one gets an id that no other has.
        """
        name = secrets.token_hex(8)
        file = self.folder / f"{name}.npy"
        try:
            np.save(file, frames)
        except OSError as error:
            file.unlink(missing_ok=True)
            advice = ADVICE.get(error.errno or 0, "Try again.")
            raise InputError(
                f"This clip could not be saved ({error.strerror}); what you taught before is safe. "
                f"{advice}"
            ) from error
        return Clip(clip_id or name, len(frames), file)

    def new_shown(self, kind: str) -> Path:
        """An empty folder for results of one kind, in place of the one before."""
        for old in self.shown.glob(f"{kind}-*"):
            shutil.rmtree(old, ignore_errors=True)
        try:
            return Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=self.shown))
        except OSError as error:
            raise InputError(f"There is no place for the result: {error.strerror}.") from error


@contextmanager
def folder_for(room: Room) -> Iterator[Path]:
    """A private folder for one file on its way in; gone afterwards with all that is in it."""
    try:
        folder = Path(tempfile.mkdtemp(dir=room.folder))
    except OSError as error:
        raise InputError(f"There is no place for this file: {error.strerror}.") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def readable_name(title: str) -> str:
    """The name a file came with, as far as it is safe as one: no folders, nothing invisible."""
    name = "".join(letter for letter in Path(title).name if letter.isprintable())
    name = name[-80:].encode()[-MAX_NAME_BYTES:].decode(errors="ignore")
    return name if name.strip(". ") else "file"


class Rooms:
    """All open rooms of one server, under a folder that only this user can read."""

    def __init__(self, private: Path, shown: Path) -> None:
        """private: for clips, served by nobody; shown: whose files are served by exact path."""
        self._private, self.shown = private, shown
        self._open: dict[str, Room] = {}
        self._lock = RLock()

    def open(self, address: str = "") -> Room:
        """A new, empty room; when all are taken, in place of an idle one without things.

        Raises InputError when there are too many, in all or of one address.
        """
        now = time.monotonic()
        with self._lock:
            own = [room for room in self._open.values() if room.address == address]
            if len(own) >= MAX_ROOMS_OF_ADDRESS:
                self._give_way(own, now, "pages are open at this address")
            if len(self._open) >= MAX_ROOMS:
                self._give_way(list(self._open.values()), now, "people are here")
            token = secrets.token_urlsafe(32)
            room = Room(
                token,
                Path(tempfile.mkdtemp(dir=self._private)),
                self.shown / secrets.token_urlsafe(32),
                address=address,
                opened=now,
                heard=now,
            )
            room.shown.mkdir(mode=0o700)
            self._open[token] = room
        return room

    def _give_way(self, rooms: list[Room], now: float, why: str) -> None:
        """Close the idlest of `rooms`: no thing was taught, and its page has gone or is old."""
        idle = [
            room
            for room in rooms
            if not room.taught.things and (room.page is None or now - room.opened > IDLE_SECONDS)
        ]
        if not idle:
            raise InputError(f"{len(rooms)} {why}; try again in some minutes.")
        self.close(min(idle, key=lambda room: (room.page is not None, room.heard)).token)

    def get(self, token: object) -> Room | None:
        """The room of that token; None when there is none, or none any more."""
        room = self._open.get(token) if isinstance(token, str) else None
        if room:
            room.heard = time.monotonic()
        return room

    def close(self, token: str) -> None:
        """Forget a room and delete everything of it."""
        with self._lock:
            room = self._open.pop(token, None)
        if room is None:
            return
        with room.lock:
            room.closed = True
            room.version += 1  # whatever is being learned stops
            room.adapted = room.report = None
            room.memory = Memory()
        room.tell({"type": "gone"})
        for folder in (room.folder, room.shown):
            shutil.rmtree(folder, ignore_errors=True)

    def page_left(self, token: str) -> None:
        """Gradio lost the page of a room; unless it speaks again soon, the room is closed."""
        room = self._open.get(token)
        if room and room.page is None:
            room.heard = min(room.heard, time.monotonic() - QUIET_SECONDS + LEFT_SECONDS)

    def close_quiet(self, now: float) -> None:
        """Close the rooms whose pages have gone without a word."""
        for room in list(self._open.values()):
            if now - room.heard > QUIET_SECONDS:
                log.info("a room was quiet for %d s and is closed", QUIET_SECONDS)
                self.close(room.token)

    def sweep_uploads(self, now: float) -> None:
        """Delete what was uploaded through Gradio and taken by nobody. now: seconds of `time`."""
        shown = {room.shown for room in self._open.values()}
        for path in self.shown.iterdir():
            with suppress(OSError):
                if path not in shown and now - path.stat().st_mtime > UPLOAD_SECONDS:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def close_all(self) -> None:
        """Close every room: the server stops."""
        for token in list(self._open):
            self.close(token)


@dataclass(frozen=True)
class PrivateRoot:
    """The folder of one server. The lock in it is held while the server lives, however it ends."""

    path: Path
    lock: int  # file descriptor

    def remove(self) -> None:
        """Delete everything: the server stops."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock)


def private_root(parent: Path | None = None) -> PrivateRoot:
    """A new folder that only this user can read, after deleting those of killed servers."""
    base = (parent or Path(tempfile.gettempdir())) / f"teach-it-your-things-{os.getuid()}"
    try:
        base.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{base} cannot be the folder for clips ({error.strerror}); delete what is there, or "
            "set TMPDIR to a folder of yours, and start again."
        ) from error
    facts = base.lstat()
    if facts.st_uid != os.getuid() or facts.st_mode & 0o077 or base.is_symlink():
        raise InputError(f"{base} can be read by others; delete it and start again.")
    with open(base / "lock", "w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        for folder in base.iterdir():
            if folder.is_dir() and _left_behind(folder):
                shutil.rmtree(folder, ignore_errors=True)
        path = Path(tempfile.mkdtemp(dir=base))
        return PrivateRoot(path, _lock(path))


def _lock(folder: Path) -> int:
    descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    return descriptor


def _left_behind(folder: Path) -> bool:
    try:
        os.close(_lock(folder))
    except BlockingIOError:
        return False
    return True
