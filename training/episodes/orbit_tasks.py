"""User-centric tasks from an ORBIT split: one user, their objects, clean clips, then clutter.

CLU-VE asks for clutter videos, CLE-VE for clean videos that the support does not show. A clip is
`clip_length` frames in a row; frames that a filter leaves out do not break a row, they are not
there. Same rules for training and for evaluation; what differs is how much is taken.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from model.errors import InputError
from training.episodes.episode import Episode, make_episode
from training.episodes.orbit import Filter, OrbitObject, User, Video, load_frame

EVERY = Filter()


@dataclass(frozen=True)
class OrbitRules:
    """How a task is drawn from one user."""

    way: tuple[int, int] = (2, 10)  # objects, at least and at most; a user with fewer gives all
    shots: tuple[int, int] = (1, 4)  # support clips an object; one number for a task
    queries: int = 2  # query clips an object
    clip_length: int = 1  # T frames
    query: Literal["clutter", "clean"] = "clutter"
    frames: Literal["random", "uniform"] = "random"  # uniform: evenly over each video
    videos: int = 15  # of an object, at most, for support and for query each
    support_filter: Filter = EVERY
    query_filter: Filter = EVERY


class OrbitEpisodes:
    """A source of episodes: every one asks a single user's objects."""

    def __init__(
        self,
        users: Sequence[User],
        rules: OrbitRules,
        bad: Literal["error", "skip"] = "error",
    ) -> None:
        """bad: what to do about users that cannot be asked and frames that cannot be read."""
        self.rules, self.bad = rules, bad
        kept = []
        for user in users:
            objects = tuple(thing for thing in user.objects if all(self._videos(thing)))
            kind = "clean and clutter videos" if rules.query == "clutter" else "two clean videos"
            if len(objects) >= 2:
                kept.append(User(user.name, objects))
                if lacking := sorted({t.name for t in user.objects} - {t.name for t in objects}):
                    what = f"{', '.join(lacking)} of user {user.name}, without {kind}"
                    warnings.warn(f"Left out: {what}.", stacklevel=2)
                continue
            have = f"{len(objects)} object{'s' * (len(objects) != 1)}"
            self._complain(f"User {user.name} has {have} with {kind}; a task needs 2.")
        if not kept:
            raise InputError("No user has two objects that could be told apart.")
        self.users = tuple(kept)

    def episode(self, rng: np.random.Generator) -> Episode:
        """A task of a user drawn at random; of the next one where --skip-bad leaves too little."""
        for i in rng.permutation(len(self.users)):
            try:
                return self.episode_of(self.users[i], rng)
            except InputError as error:
                if self.bad == "error":
                    raise
                warnings.warn(f"Left out: {error}", stacklevel=2)
        raise InputError("No user is left with two objects that can be read.")

    def episode_of(self, user: User, rng: np.random.Generator) -> Episode:
        """A task over a random choice of a user's objects, labelled in alphabetical order."""
        rules = self.rules
        most = min(rules.way[1], len(user.objects))
        way = int(rng.integers(min(rules.way[0], most), most + 1))
        chosen = sorted(rng.choice(len(user.objects), way, replace=False))
        shots = int(rng.integers(rules.shots[0], rules.shots[1] + 1))
        support, query, names = [], [], []
        for thing in (user.objects[i] for i in chosen):
            shown, asked = self._videos(thing)
            taught = self._clips(shown, shots, rules.support_filter, rules.frames, rng)
            wanted = self._clips(asked, rules.queries, rules.query_filter, "random", rng)
            if not taught or not wanted:
                self._complain(f"No usable frame of {user.name}/{thing.name} is left.")
                continue
            support.append(taught)
            query.append(wanted)
            names.append(thing.name)
        if len(names) < 2:
            raise InputError(f"User {user.name} has fewer than 2 objects with usable frames.")
        return make_episode(support, query, names, "orbit", user.name)

    def _videos(self, thing: OrbitObject) -> tuple[Sequence[Video], Sequence[Video]]:
        """The videos that teach an object and those that ask for it."""
        if self.rules.query == "clutter":
            return thing.clean, thing.clutter
        count = min(5, len(thing.clean) - 1)
        return thing.clean[:count], thing.clean[count:] if count else ()

    def _clips(
        self,
        videos: Sequence[Video],
        count: int,
        chosen: Filter,
        how: str,
        rng: np.random.Generator,
    ) -> list[np.ndarray]:
        """At most `count` clips (T, S, S, 3), spread over the videos."""
        order = rng.permutation(len(videos))[: self.rules.videos]
        rows = [rows for i in order if (rows := self._rows(self._frames(videos[i], chosen)))]
        taken: list[list[Path]] = []
        for i, own in enumerate(rows):
            share = count // len(rows) + (i < count % len(rows))
            if how == "uniform":
                share = min(share, len(own))  # the middles of so many equal parts
                picked = ((np.arange(share) + 0.5) * len(own) / max(share, 1)).astype(int)
            else:
                picked = rng.permutation(len(own))[:share]
            taken += [own[j] for j in picked]
        clips = (self._load(paths) for paths in taken)
        return [clip for clip in clips if clip is not None]

    def _frames(self, video: Video, chosen: Filter) -> Sequence[Path]:
        try:
            return chosen.frames(video)
        except InputError as error:
            self._complain(str(error))
            return ()

    def _rows(self, frames: Sequence[Path]) -> list[list[Path]]:
        """Frames in rows of T that do not overlap; the last is filled up with the last frame."""
        length = self.rules.clip_length
        rows = [list(frames[i : i + length]) for i in range(0, len(frames), length)]
        return [row + [row[-1]] * (length - len(row)) for row in rows]

    def _load(self, paths: list[Path]) -> np.ndarray | None:
        try:
            return np.stack([load_frame(path) for path in paths])
        except InputError as error:
            self._complain(str(error))
            return None

    def _complain(self, what: str) -> None:
        if self.bad == "error":
            raise InputError(f"{what} Pass --skip-bad to go on without it.")
        warnings.warn(f"Left out: {what}", stacklevel=3)
