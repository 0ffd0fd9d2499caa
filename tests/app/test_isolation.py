"""One person's pixels never reach another: a bright clip in room A, then hostile files in room B.

The same server reads both. A's pattern is two colours that nothing in B's files has; where memory
is shown that nobody wrote (a picture cut off, lines of a field that are missing), it would show.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.stream import VideoStream
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from app.decode.decoder import Decoder
from app.naming.frames import Seen
from app.rooms import Room, Rooms
from model import InputError

VARIANTS = 220
RUN = 5  # pixels
SIZE = (96, 128)
INTERLACED = (
    ("libx264", "mp4", {"flags": "+ildct+ilme"}),
    ("libx264", "mkv", {"flags": "+ildct+ilme", "bf": "3"}),
    ("mpeg2video", "mkv", {"flags": "+ildct+ilme"}),
    ("mpeg4", "mov", {"flags": "+ildct+ilme"}),
)
MAGENTA, LIME = (255, 0, 255), (0, 255, 0)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Decoder]:
    for name in ("private", "shown", "empty"):
        (tmp_path / name).mkdir()
    reader = Decoder(tmp_path / "empty")
    yield reader
    reader.close()


def write(path: Path, frames: list[np.ndarray], codec: str) -> bytes:
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 10, (width, height))
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
    return path.read_bytes()


def pattern(index: int) -> np.ndarray:
    """A's: a chess board of magenta and lime."""
    rows, columns = np.indices(SIZE) // 16
    board = (rows + columns + index) % 2
    return np.array([MAGENTA, LIME], np.uint8)[board]


def grey(index: int) -> np.ndarray:
    """B's: no colour anywhere."""
    shade = np.add.outer(np.arange(SIZE[0]), np.arange(SIZE[1])) + 9 * index
    return np.repeat((shade % 200)[..., None], 3, axis=2).astype(np.uint8)


def traces(pixels: np.ndarray) -> int:
    """Borders of A's board: RUN pixels of one of its colours, then as many of the other, in a row.

    Damaged files show any colour, but not this; one row of A's board has seven of them.
    """
    red, green, blue = np.moveaxis(pixels.astype(int), -1, 0)
    magenta = (np.minimum(red, blue) > 130) & (green < 90)
    lime = (green > 130) & (np.maximum(red, blue) < 90)
    first, second = (sliding_window_view(c, RUN, -1).min(-1) for c in (magenta, lime))
    apart = RUN + 3  # coding blurs what lies between
    both = (first[..., :-apart] & second[..., apart:], second[..., :-apart] & first[..., apart:])
    return int(both[0].sum() + both[1].sum())


def interlaced(path: Path, codec: str, options: dict[str, str]) -> bytes:
    """A clip of fields, at a size that fills no block."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, 25, options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 130, 100, "yuv420p"
        for index in range(12):
            shades = np.full((100, 130, 3), 100 + 8 * index, np.uint8)
            frame = av.VideoFrame.from_ndarray(shades)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path.read_bytes()


def variants(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(name, file): grey clips and photos: whole, cut off, pieces overwritten, lost or doubled."""
    frames = [grey(i) for i in range(6)]
    whole = [(f"{codec}.{ending}", write(folder / f"w.{ending}", frames, codec))
             for codec, ending in (("mp4v", "mp4"), ("MJPG", "avi"), ("VP80", "webm"),
                                   ("FFV1", "avi"))]  # fmt: skip
    for codec, ending, options in INTERLACED:
        whole.append((f"fields.{ending}", interlaced(folder / f"f.{ending}", codec, options)))
    pictures = [Image.fromarray(frame) for frame in frames]
    for kind, options in (("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {})):
        data = io.BytesIO()
        pictures[0].save(data, kind, **options)
        whole.append((f"photo.{kind.lower()}", data.getvalue()))
    data = io.BytesIO()
    pictures[0].save(data, "GIF", save_all=True, append_images=pictures[1:], duration=100)
    whole.append(("moving.gif", data.getvalue()))
    yield from whole
    rng = np.random.default_rng(17)
    for index in range(VARIANTS - len(whole)):
        name, data = whole[index % len(whole)]
        at, length = (int(rng.integers(64, len(data))), int(rng.integers(1, 400)))
        damaged = {
            0: data[:at],
            1: data[:at] + bytes(length) + data[at + length :],
            2: data[:at] + rng.bytes(length) + data[at + length :],
            3: data[:at] + data[at + length :],
            4: data[:at] + data[at : at + length] + data[at:],
        }[index // len(whole) % 5]
        yield f"{index}-{name}", damaged


@pytest.mark.slow
def test_no_pixel_of_one_room_is_ever_in_what_another_gets(reader: Decoder, tmp_path: Path) -> None:
    rooms = Rooms(tmp_path / "private", tmp_path / "shown")
    ada, bob = rooms.open(), rooms.open()
    mine = tmp_path / "ada.avi"
    write(mine, [pattern(i) for i in range(20)], "MJPG")

    def teach_ada() -> None:
        assert traces(reader.read_clip(ada, mine)) > 1000, "the test sees the pattern"
        assert all(traces(s.square) for s in shown(reader, ada, mine))

    teach_ada()
    read = tried = 0
    for name, data in variants(tmp_path):
        if tried % 20 == 0:
            teach_ada()
        path = tmp_path / name
        path.write_bytes(data)
        tried += 1
        try:
            clip = reader.read_clip(bob, path)
            read += 1
            assert traces(clip) == 0, f"{name}: taught"
        except InputError:
            pass
        for seen in shown(reader, bob, path):
            assert traces(seen.square) == traces(seen.picture) == 0, f"{name}: named"
        path.unlink()
    assert tried >= 200 and read >= 50, "many of them can be read after all"


def shown(reader: Decoder, room: Room, path: Path) -> list[Seen]:
    """The frames of a video as far as it can be read."""
    frames: list[Seen] = []
    try:
        for seen in reader.look_through(room, path, lambda: None):
            if isinstance(seen, Seen):
                frames.append(seen)
    except InputError:
        pass
    return frames
