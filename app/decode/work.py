"""What a child does with one file: reads a clip, or looks through a video frame by frame.

The limits of both stand here, and apply while it is decoded: no header is believed, and no file is
read twice. Runs in any process; a server runs it in a confined child (`app.decode.fork_server`).
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import cv2

from app.decode.wire import Broken, send
from app.naming.drawing import shown_size
from app.naming.frames import Seen
from app.profile.file import read_profile
from model.errors import InputError
from model.frames import claimed_seconds, read_clip, square, stream

CLIP_SECONDS = 60.0  # on the clock, for one clip or photo
CLIP_CPU_SECONDS = 120  # of all its threads
CLIP_PIXELS = 20 * 10**9  # decoded, frames together: 120 s of 1080p at 60 frames a second and more
PROFILE_SECONDS = 120.0  # on the clock, for the 2,000 frames that a profile may have
VIDEO_SECONDS = 60 * 60.0  # on the clock, naming included
VIDEO_CPU_SECONDS = 15 * 60
VIDEO_PIXELS = 200 * 10**9  # 20,000 frames of 4K and more
MAX_VIDEO_FRAMES = 20_000
MAX_VIDEO_SECONDS = 2 * 60 * 60  # of its own time: its gaps are filled when it is written

TOO_MUCH_MEMORY = "This file needs too much memory; save it smaller, 1920 pixels wide say."


def look_through(path: str | Path) -> Iterator[Seen]:
    """Every frame of a video, squared and shrunk, in one pass; InputError past a limit."""
    claimed = claimed_seconds(path)
    size: tuple[int, int] | None = None
    for index, (time_s, frame) in enumerate(stream(path, VIDEO_PIXELS)):
        if index >= MAX_VIDEO_FRAMES:
            raise InputError(
                f"This video has more than {MAX_VIDEO_FRAMES} frames; cut it, or name it on the "
                "command line, which has no limit."
            )
        if time_s > MAX_VIDEO_SECONDS:
            raise InputError(
                f"This video is longer than {MAX_VIDEO_SECONDS // 3600} hours; cut it, or name it "
                "on the command line, which has no limit."
            )
        size = size or shown_size(*frame.shape[:2])
        picture = cv2.resize(frame, size[::-1], interpolation=cv2.INTER_AREA)
        yield Seen(time_s, square(frame), picture, min(1.0, time_s / claimed) if claimed else None)


def answer(line: socket.socket, verb: str, path: str) -> None:
    """Do `verb`, "clip", "profile" or "video", and say on the line what came of it."""
    try:
        if verb == "clip":
            clip = read_clip(path, budget=CLIP_PIXELS)
            send(line, {"frames": len(clip)}, clip.tobytes())
        elif verb == "profile":
            with read_profile(Path(path)) as (profile, clips):
                send(line, {}, profile.to_json())
                for clip in clips:
                    send(line, {"frames": len(clip)}, clip.tobytes())
        else:
            for seen in look_through(path):
                height, width = seen.picture.shape[:2]
                facts = {"time_s": seen.time_s, "share": seen.share, "size": [height, width]}
                send(line, facts, seen.square.tobytes() + seen.picture.tobytes())
            send(line, {"end": True})
    except InputError as error:
        send(line, {"problem": str(error)})
    except MemoryError:
        send(line, {"problem": TOO_MUCH_MEMORY})
    except Broken:  # nobody listens any more
        return
    except Exception as error:  # a file made for that brings any library to any exception
        send(line, {"failed": repr(error)[:500]})
