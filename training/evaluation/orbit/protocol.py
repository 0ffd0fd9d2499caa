"""ORBIT's two protocols (Massiceti et al., 2021; the benchmark's README since December 2022): which
frames teach and which are asked.

A task is one user with all their objects, labelled in alphabetical order. CLU-VE: clean videos
teach, clutter videos are asked. CLE-VE: the first min(5, n - 1) clean videos of an object teach,
its others are asked. Everywhere the first 1,000 frames of a video, and at most 15 videos an object.

2021: 5 tasks a user. From every video that teaches 1 to 10 clips of 8 frames in a row, which do not
overlap; the last is filled up with the last frame. Every frame is asked, with the 7 before it.
2022: 50 tasks a user. Every 30th frame teaches, at most 200 a video. Of a video 200 frames are
asked, drawn from those that show the object; videos with fewer than 50 of them are left out.

A task depends on the seed, the user and its number alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from model.errors import InputError
from training.episodes.orbit import Filter, OrbitObject, User, Video

Mode = Literal["cle-ve", "clu-ve"]
VIDEOS = 15  # of an object, that teach and that are asked
WAYS = 15  # objects of a user
SHOWN = Filter(("no_object_not_present_issue",))


@dataclass(frozen=True)
class Protocol:
    """What the two protocols differ in."""

    name: Literal["2021", "2022"]
    tasks: int  # a user
    clip_length: int  # frames whose rows are averaged
    every: int = 1  # 2022: of a video that teaches, every such frame
    most_taught: int = 200  # 2022: frames of a video that teach
    most_asked: int | None = None  # frames of a video that are asked; None: all
    least_asked: int = 0  # a video with fewer is left out


PROTOCOLS = {
    "2021": Protocol("2021", tasks=5, clip_length=8),
    "2022": Protocol("2022", 50, 1, every=30, most_asked=200, least_asked=50),
}
CLIPS = (1, 10)  # 2021: of a video that teaches, at least and at most


def protocol_of(
    name: str, tasks: int | None = None, every: int | None = None, least: int | None = None
) -> Protocol:
    """A protocol with what is asked for in place of its own; InputError for numbers below 1."""
    given = {"tasks": tasks, "every": every, "least": least}
    for option, value in given.items():
        if value is not None and value < 1:
            raise InputError(f"--{option} must be at least 1; it is {value}.")
    fields = {"tasks": tasks, "every": every, "least_asked": least}
    return replace(PROTOCOLS[name], **{n: v for n, v in fields.items() if v is not None})


@dataclass(frozen=True)
class Asked:
    """A query video: all of these frames have to be named."""

    name: str
    label: int
    frames: tuple[Path, ...]  # in order


@dataclass(frozen=True)
class UserTask:
    """One user: N clips that teach K objects, and the videos to name."""

    user: str
    number: int  # of the user's tasks, from 0
    objects: tuple[str, ...]  # K
    clips: tuple[tuple[Path, ...], ...]  # N, of T frames
    labels: tuple[int, ...]  # N
    videos: tuple[Asked, ...]


def tasks_of(
    users: Sequence[User], protocol: Protocol, mode: Mode, noted: bool, seed: int
) -> list[UserTask]:
    """Every task of every user, in order; InputError where nobody can be asked.

    noted: the tree has annotations, which say whether a frame shows the object.
    """
    found = []
    for place, user in enumerate(users):
        rngs = [np.random.default_rng([seed, place, number]) for number in range(protocol.tasks)]
        tasks = [_task(user, i, protocol, mode, noted, rng) for i, rng in enumerate(rngs)]
        usable = [task for task in tasks if len(task.objects) > 1 and task.videos]
        if len(usable) < len(tasks):
            warnings.warn(
                f"Left out: user {user.name}, with {len(tasks[0].objects)} objects that teach and "
                f"{len(tasks[0].videos)} videos to ask; a task needs 2 and 1.",
                stacklevel=2,
            )
        found += usable
    if not found:
        raise InputError(
            f"Nobody can be asked by the protocol of {protocol.name}, {mode}: no user has 2 "
            f"objects that teach and a video with {max(protocol.least_asked, 1)} frames to ask."
        )
    return found


def _task(
    user: User, number: int, protocol: Protocol, mode: Mode, noted: bool, rng: np.random.Generator
) -> UserTask:
    things = [(thing, *_videos(thing, mode)) for thing in user.objects]
    things = [entry for entry in things if entry[1]]
    if len(things) > WAYS:
        things = [things[i] for i in sorted(rng.choice(len(things), WAYS, replace=False))]
    clips, labels, asked = [], [], []
    for label, (_, teaching, querying) in enumerate(things):
        for video in _some(teaching, rng):
            taken = _clips(video.frames(), protocol, rng)
            clips += taken
            labels += [label] * len(taken)
        for video in _some(querying, rng):
            if frames := _asked(video, protocol, noted, rng):
                asked.append(Asked(video.folder.name, label, frames))
    names = tuple(thing.name for thing, _, _ in things)
    return UserTask(user.name, number, names, tuple(clips), tuple(labels), tuple(asked))


def _videos(thing: OrbitObject, mode: Mode) -> tuple[Sequence[Video], Sequence[Video]]:
    """The videos that teach an object, and those that are asked."""
    if mode == "clu-ve":
        return thing.clean, thing.clutter
    count = max(min(5, len(thing.clean) - 1), 0)
    return thing.clean[:count], thing.clean[count:]


def _some(videos: Sequence[Video], rng: np.random.Generator) -> Sequence[Video]:
    if len(videos) <= VIDEOS:
        return videos
    return [videos[i] for i in sorted(rng.choice(len(videos), VIDEOS, replace=False))]


def _clips(
    frames: Sequence[Path], protocol: Protocol, rng: np.random.Generator
) -> list[tuple[Path, ...]]:
    """Clips of one video that teach."""
    if protocol.name == "2022":
        return [(frame,) for frame in frames[:: protocol.every][: protocol.most_taught]]
    length = protocol.clip_length
    rows = [tuple(frames[i : i + length]) for i in range(0, len(frames), length)]
    rows[-1] += (rows[-1][-1],) * (length - len(rows[-1]))
    count = int(rng.integers(CLIPS[0], min(CLIPS[1], len(rows)) + 1))
    return [rows[i] for i in sorted(rng.choice(len(rows), count, replace=False))]


def _asked(
    video: Video, protocol: Protocol, noted: bool, rng: np.random.Generator
) -> tuple[Path, ...]:
    if protocol.most_asked is None:
        return tuple(video.frames())
    frames = SHOWN.frames(video) if noted else video.frames()
    if len(frames) < protocol.least_asked:
        return ()
    if len(frames) <= protocol.most_asked:
        return tuple(frames)
    kept = sorted(rng.choice(len(frames), protocol.most_asked, replace=False))
    return tuple(frames[i] for i in kept)
