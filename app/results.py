"""What leaves the app: a video with names on it, its curves and table; the adapted model."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

import numpy as np

from app.decode.decoder import CLOSED, Waiting
from app.device.bundle import write_bundle
from app.fair_lock import FairLock
from app.learning import is_current
from app.naming.annotated_video import VideoWriter
from app.naming.frames import BATCH, NamedFrame, Seen, name_frames, write_csv
from app.naming.sight import Sight, Watch
from app.naming.timeline import Stretch, stretches, write_list
from app.rooms import Room
from app.words.language import Refused, Said
from app.words.report_card import sentences
from model import Adapted, InputError, load_adapted
from model.adapted import Answers

COMPARED = 60  # taught frames that a saved model must answer like the live one
COMPARED_AT_ONCE = 8  # in one turn
NAMED_AT_ONCE = 2  # in one turn: whoever watches live waits for so many frames
TOLERANCE = 1e-4  # in probability
PATIENCE_SECONDS = 60.0

LookThrough = Callable[[Room, Path, Callable[[], None]], Generator[Waiting | Seen]]
NO_PICTURE = np.zeros((0, 0, 3), np.uint8)  # in place of frames that were drawn already


@dataclass(frozen=True)
class NamedVideo:
    """A video, named: three files for the person, and what a plot and a list need."""

    video: Path
    csv: Path  # a row a frame
    listed: Path  # a row a stretch, as CSV too
    names: tuple[str, ...]
    times: np.ndarray  # (F,) seconds
    sights: tuple[Sight, ...]  # F
    seen: tuple[Stretch, ...]


@dataclass(frozen=True)
class Step:
    """How far the work is."""

    done: int  # frames
    share: float | None  # of the whole, as far as the file says how long it is


@dataclass(frozen=True)
class Exported:
    """A model that was saved, opened again and found to answer like the live one."""

    file: Path
    size: int  # bytes
    names: tuple[str, ...]
    compared: int  # frames
    difference: float  # the largest, in probability


@dataclass(frozen=True)
class Results:
    """Makes results in the room's folder of things that its page may fetch."""

    look_through: LookThrough  # `app.decode.Decoder.look_through`
    lock: FairLock

    def name_video(
        self, room: Room, path: Path, title: str
    ) -> Generator[Waiting | Step | NamedVideo]:
        """Name every frame of a video: steps on the way, at the end the result.

        title: the name that the video has for the person. Raises InputError, for what cannot be
        named and when it is cancelled; then nothing of it is left.
        """
        adapted, cancels = _learned(room), room.cancels

        def still_wanted() -> None:
            if room.closed:
                raise Refused(CLOSED)
            if room.cancels != cancels:
                raise Refused(Said("video-cancelled"))

        frames = self.look_through(room, path, still_wanted)
        seen: list[Seen] = []
        for item in frames:
            if isinstance(item, Seen):
                seen.append(item)
                break
            yield item
        folder = room.new_shown("video")
        try:
            every, stem = chain(seen, _seen(frames)), file_stem(title)
            yield from self._name(adapted, every, still_wanted, folder, stem, room.language)
        except BaseException:  # its reader has gone, too: half a video is of no use to anybody
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            frames.close()

    def name_photo(
        self, room: Room, squares: np.ndarray
    ) -> tuple[tuple[str, ...], tuple[Sight, ...]]:
        """The things' names, and what is seen in each of a photo's squares (T, 224, 224, 3)."""
        adapted = _learned(room)
        with self.lock:
            answers = adapted.answers(squares)
        return adapted.names, tuple(Watch().see(0.0, answers, t) for t in range(len(squares)))

    def cancel(self, room: Room) -> None:
        """Stop naming videos in a room; who names them hears of it within a moment."""
        with room.lock:
            room.cancels += 1

    def _name(
        self,
        adapted: Adapted,
        frames: Iterator[Seen],
        still_wanted: Callable[[], None],
        folder: Path,
        stem: str,
        language: str,
    ) -> Iterator[Step | NamedVideo]:
        video, table = folder / f"{stem}-named.webm", folder / f"{stem}.csv"
        listed = folder / f"{stem}-seen.csv"

        def ask(squares: list[np.ndarray]) -> Answers:
            some = []
            for start in range(0, len(squares), NAMED_AT_ONCE):
                with self.lock:  # nothing but the model runs in here: others watch meanwhile
                    some.append(adapted.answers(squares[start : start + NAMED_AT_ONCE]))
            return Answers.together(some)

        coming = name_frames(ask, frames)
        first = list(islice(coming, BATCH))
        named: list[NamedFrame] = []
        try:
            with VideoWriter(video, adapted.names, _rate(first), language) as writer:
                for frame in chain(first, coming):
                    still_wanted()
                    writer.add(frame)
                    named.append(replace(frame, frame=NO_PICTURE))
                    yield Step(len(named), frame.share)
            write_csv(table, adapted.names, named)
            times = np.array([frame.time_s for frame in named])
            sights = tuple(frame.sight for frame in named)
            rows = np.array([sight.probabilities for sight in sights])
            chosen = np.array([sight.named for sight in sights])
            seen = stretches(adapted.names, times, rows, chosen)
            write_list(listed, seen)
        except OSError as error:
            raise InputError(f"The results could not be saved: {error.strerror}.") from error
        yield NamedVideo(video, table, listed, adapted.names, times, sights, seen)

    def export(self, room: Room) -> Exported:
        """Save the model, open the file again and compare answers on taught frames."""
        adapted, support = _learned(room), room.taught.support()
        file = room.new_shown("model") / "my-things.onnx"
        adapted.save(file)
        frames, _ = support.frames()
        some = frames[np.linspace(0, len(frames) - 1, min(COMPARED, len(frames))).astype(int)]
        try:
            size = file.stat().st_size
        except OSError as error:  # its page was closed and took the folder along
            raise InputError("The saved model is gone; open this tab again.") from error
        difference = self._difference(adapted, load_adapted(file), some)
        if not difference <= TOLERANCE:
            file.unlink()
            raise InputError(
                f"The saved model answered differently from the live one (by {difference:.1g}), so "
                "it is not offered; change one of your things and try again."
            )
        return Exported(file, size, adapted.names, len(some), difference)

    def bundle(self, room: Room) -> Path:
        """The model with a page that runs it, golden frames and its report card: one zip."""
        adapted, (frames, _) = _learned(room), room.taught.support().frames()
        report = sentences(room.report) if room.report else []

        def ask(golden: np.ndarray) -> Answers:
            with self.lock:
                return adapted.answers(golden)

        path = room.new_shown("bundle") / "my-things.zip"
        write_bundle(path, adapted, frames, report, ask)
        return path

    def _difference(self, live: Adapted, saved: Adapted, frames: np.ndarray) -> float:
        """The largest difference between two models' probabilities, a turn for a few frames."""
        largest = 0.0
        for start in range(0, len(frames), COMPARED_AT_ONCE):
            batch = frames[start : start + COMPARED_AT_ONCE]
            with self.lock:
                apart = np.abs(saved.predict(batch) - live.predict(batch)).max()
            largest = float(np.maximum(largest, apart))  # keeps a NaN
        return largest


def file_stem(title: str) -> str:
    """A short file name without an ending, made of letters, digits, - and _ only."""
    stem = re.sub(r"[^\w-]+", "-", Path(title).stem, flags=re.ASCII).strip("-")[:40]
    return stem or "video"


def _learned(room: Room) -> Adapted:
    """The model of what is taught now; waits while it is being made."""
    room.taught.enough()
    end = time.monotonic() + PATIENCE_SECONDS
    while room.settled != room.version and time.monotonic() < end:
        time.sleep(0.05)
    with room.lock:
        if room.adapted is None or room.settled != room.version:
            raise Refused(Said("not-learned-wait"))
        if not is_current(room):
            why = room.problem.get("text", "")
            raise InputError(f"The model is older than your things. {why}".rstrip())
        return room.adapted


def _seen(frames: Iterator[Waiting | Seen]) -> Iterator[Seen]:
    return (frame for frame in frames if isinstance(frame, Seen))


def _rate(frames: list[NamedFrame]) -> float:
    """Frames per second of the first few."""
    seconds = frames[-1].time_s - frames[0].time_s if frames else 0.0
    return (len(frames) - 1) / seconds if seconds > 0 else 1.0
