"""Mutated media of twenty kinds, read in the server's own decoder children.

Bits are flipped, pieces cut, doubled, swapped and spliced from other files, header fields set to
their largest. A child may crash; its parent gets frames of the right shape or one sentence.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image

from app.decode.decoder import Decoder, Waiting
from app.rooms import Room, Rooms
from model import InputError
from tests.model.media import numbered, write_video

HANG_SECONDS = 10.0
SIZE = (64, 48)
FRAMES = 6
QUIET = {"codec_options": {"x265-params": "log-level=none"}}
VIDEOS: dict[str, dict[str, Any]] = {
    "h264.mp4": {"codec": "libx264"},
    "fragmented.mp4": {
        "codec": "libx264",
        "container_options": {"movflags": "frag_keyframe+empty_moov"},
    },
    "hevc.mov": {"codec": "libx265", **QUIET},
    "prores.mov": {"codec": "prores_ks", "pixels": "yuva444p10le"},
    "interlaced.mkv": {"codec": "libx264", "codec_options": {"x264-params": "tff=1"}},
    "vp8.webm": {"codec": "libvpx", "pixels": "yuva420p", "codec_options": {"auto-alt-ref": "0"}},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "av1.mkv": {"codec": "libsvtav1"},
    "mjpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "mpeg4.3gp": {"codec": "mpeg4"},
    "mpeg2.mpg": {"codec": "mpeg2video", "rate": 25},
    "h264.mts": {"codec": "libx264"},
}


def run(count: int, seed: int, only: int | None = None, at_once: int = 2) -> list[str]:
    """Read `count` mutated files; a line for each that ended otherwise than it should."""
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / name for name in ("seeds", "private", "shown", "empty", "cases")]
        for folder in folders:
            folder.mkdir()
        seeds, private, shown, empty, cases = folders
        whole = _seeds(seeds)
        rooms = Rooms(private, shown)
        with closing(Decoder(empty)) as decoder, ThreadPoolExecutor(at_once) as pool:
            numbers = range(count) if only is None else [only]
            lanes = [rooms.open() for _ in range(at_once)]
            work = [
                pool.submit(_case, decoder, lanes[n % at_once], cases, whole, f"{seed} {n}", n)
                for n in numbers
            ]
            failures = [failure for one in work for failure in one.result()]
        left = [path.name for folder in (empty, cases) for path in folder.iterdir()]
        return failures + ([f"files were left: {left}"] if left else [])


def _seeds(folder: Path) -> list[tuple[str, bytes]]:
    """Small whole files, (ending, bytes)."""
    frames = [numbered(number, *SIZE) for number in range(FRAMES)]
    for name, options in VIDEOS.items():
        write_video(folder / name, frames=frames, **options)
    first, *others = pictures = [Image.fromarray(frame) for frame in frames]
    moving: dict[str, Any] = {"save_all": True, "append_images": others, "duration": 50}
    for name in ("a.gif", "a.png", "a.webp", "a.avif"):
        first.save(folder / f"moving_{name}", **moving)
    first.save(folder / "a.jpg")
    first.save(folder / "progressive.jpg", progressive=True)
    first.convert("RGBA").save(folder / "alpha.png")
    first.quantize(16).save(folder / "palette.png", transparency=1)
    Image.fromarray(np.arange(3072, dtype=np.uint16).reshape(48, 64)).save(folder / "deep.png")
    first.save(folder / "a.webp", lossless=True)
    first.save(folder / "burst.jpg", format="MPO", save_all=True, append_images=pictures[1:3])
    pillow_heif.from_pillow(first).save(folder / "a.heic")
    return [(path.suffix, path.read_bytes()) for path in sorted(folder.iterdir())]


def _case(
    decoder: Decoder, room: Room, folder: Path, whole: list[tuple[str, bytes]], key: str, n: int
) -> list[str]:
    chance = random.Random(key)
    ending, data = chance.choice(whole)
    path = folder / f"{n}{ending}"
    path.write_bytes(mutated(data, chance.choice(whole)[1], chance))
    started = time.monotonic()
    try:
        if n % 2:
            clip = decoder.read_clip(room, path)
            right = clip.dtype == np.uint8 and clip.shape[1:] == (224, 224, 3) and len(clip) <= 20
        else:
            right = all(_watch(decoder, room, path))
        failure = "" if right else "frames of another shape"
    except InputError as error:
        failure = "more than one line" if "\n" in str(error) else ""
    except Exception as error:  # what fuzzing looks for
        failure = f"{type(error).__name__}: {error}"
    finally:
        path.unlink()
    if (seconds := time.monotonic() - started) > HANG_SECONDS:
        failure += f" took {seconds:.0f} s"
    return [f"media {n} ({ending}): {failure}"] if failure else []


def _watch(decoder: Decoder, room: Room, path: Path) -> Iterator[bool]:
    last = -1.0
    for seen in decoder.look_through(room, path, lambda: None):
        if not isinstance(seen, Waiting):
            yield seen.square.shape == (224, 224, 3) and seen.time_s > last
            last = seen.time_s


def mutated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """The data with bits flipped, pieces cut, doubled, swapped, or spliced from `other`."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5, 40])):
        # half of the damage goes into the first bytes, where the headers stand
        place = chance.choice([len(changed), min(len(changed), 400)]) or 1
        at, length = chance.randrange(place), chance.choice([1, 2, 4, 16, 300])
        match chance.randrange(7):
            case 0:
                changed[at : at + 1] = bytes(
                    [changed[at] ^ 1 << chance.randrange(8)] if changed else []
                )
            case 1:
                changed[at : at + length] = chance.choice([b"\xff", b"\0", b"\x7f"]) * length
            case 2:
                del changed[at : at + length]
            case 3:
                changed[at:at] = changed[at : at + length] * chance.choice([1, 3])
            case 4:
                changed[at : at + length] = chance.randbytes(length)
            case 5:
                start = chance.randrange(len(other))
                changed[at : at + length] = other[start : start + length]
            case 6:
                if chance.random() < 0.3:
                    del changed[chance.randrange(len(changed) + 1) :]
    return bytes(changed)
