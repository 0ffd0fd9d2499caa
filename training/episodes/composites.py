"""Episodes of things pasted into scenes: taught large and alone, asked for small among others.

RECIPE: near-duplicates on purpose, one background for all classes half of the time so that none
says which class it is, hands, distractors, occlusion, and a camera's faults. The things are
rendered views (`training.synthetic.views`), pieces of photos, or both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from model.errors import InputError
from model.frames import SIDE
from training.episodes.augment import add_hand, camera_augment, cropped, paste, plain_ground
from training.episodes.episode import Episode, make_episode
from training.episodes.looks import HueTurn, Paint, Sprite, as_it_is, colours, has_colour, patterns
from training.episodes.photos import Photos, cut_out, patch, photo, ready_cut


@dataclass(frozen=True)
class CompositeRules:
    """What varies, and how much. Scales are the thing's longer side over the frame's."""

    way: int = 10
    shots: tuple[int, int] = (1, 4)  # support frames a class, at least and at most
    queries: int = 2  # query frames a class
    clip_length: int = 1  # frames a support clip, on one ground
    meshes: float = 0.7  # share of rendered things; the others are pieces of photos
    ready: float = 0.4  # share of pictures that are cut out already among those, if there are any
    alike: float = 0.9  # share of classes with near-duplicates in the episode, roughly
    support_scale: tuple[float, float] = (0.35, 0.8)
    query_scale: tuple[float, float] = (0.15, 0.55)
    plain: float = 0.4  # supports on plain ground
    one_ground: float = (
        0.5  # episodes with one background for all supports, and one for all queries
    )
    hand: float = 0.4


class Composites:
    """A source of composite episodes."""

    def __init__(
        self,
        rules: CompositeRules,
        photos: Photos,
        grounds: Photos,
        views: Sequence[Sequence[tuple[str, np.ndarray]]] | None,
        ready: Sequence[Path] = (),
    ) -> None:
        """views: collections, equally often shown, of what each rendered thing is to the eye and
        its (V, S, S, 4) uint8 premultiplied; None: pieces of photos only. ready: pictures on
        transparent ground.
        """
        if views is None and rules.meshes > 0:
            raise InputError("Composites of rendered things need their views; give --views.")
        self.rules, self.views = rules, views
        self.kind = "photos" if views is None else "composites"
        self.photos, self.grounds, self.ready = photos.all, grounds.all, ready

    def episode(self, rng: np.random.Generator) -> Episode:
        rules = self.rules
        things = self._classes(rng)
        taken = {thing.key for thing in things}
        others = [self._thing(rng, taken) for _ in range(8)]
        shots = int(rng.integers(rules.shots[0], rules.shots[1] + 1))
        teach, ask = self._ground(rng, rules.plain), self._ground(rng, 0.05)
        if rng.random() < rules.one_ground:
            teach, ask = (_fixed(ground()) for ground in (teach, ask))
        support = [[self._clip(thing, teach(), rng) for _ in range(shots)] for thing in things]
        query = [
            [self._asked(k, things, others, ask(), rng)[None] for _ in range(rules.queries)]
            for k in range(len(things))
        ]
        return make_episode(support, query, [str(k) for k in range(len(things))], self.kind)

    def _classes(self, rng: np.random.Generator) -> list[Sprite]:
        """K things, some in groups of 2 to 5 near-duplicates; no other two look the same."""
        things: list[Sprite] = []
        while (left := self.rules.way - len(things)) > 0:
            base = self._thing(rng, {thing.key for thing in things})
            if left == 1 or rng.random() > self.rules.alike / 2.5:  # a group brings 3.5 at once
                things.append(_recoloured(base, rng))
                continue
            count = min(int(rng.integers(2, 6)), left)
            if rng.random() < 0.6:
                looks = colours(count, rng)
                if isinstance(looks[0], HueTurn) and not has_colour(base.view(rng)):
                    looks = [Paint(turn.degrees, 0.8, 0.9) for turn in looks
                             if isinstance(turn, HueTurn)]  # fmt: skip
            else:
                looks = patterns([self._picture(rng) for _ in range(count)], rng)
            things += [replace(base, look=look) for look in looks]
        return things

    def _thing(self, rng: np.random.Generator, taken: set[str]) -> Sprite:
        """A thing that is none of those taken."""
        for _ in range(100):
            if self.views is not None and rng.random() < self.rules.meshes:
                collection = self.views[int(rng.integers(len(self.views)))]
                key, views = collection[int(rng.integers(len(collection)))]
                if key not in taken:
                    return Sprite(key, views, as_it_is)
                continue
            ready = bool(self.ready) and rng.random() < self.rules.ready
            paths = self.ready if ready else self.photos
            path = paths[int(rng.integers(len(paths)))]
            if str(path) not in taken:
                return Sprite(
                    str(path), (ready_cut(path) if ready else _piece(path, rng),), as_it_is
                )
        raise InputError(
            f"{len(taken)} things are not enough for episodes of {self.rules.way}; give more "
            "photos or views, or a smaller --way."
        )

    def _picture(self, rng: np.random.Generator) -> np.ndarray:
        return cropped(photo(self.photos[rng.integers(len(self.photos))]), rng, 0.5)

    def _ground(self, rng: np.random.Generator, plain: float) -> Callable[[], np.ndarray]:
        def ground() -> np.ndarray:
            if rng.random() < plain:
                return plain_ground(rng)
            pool = self.grounds if rng.random() < 0.6 else self.photos
            return cropped(photo(pool[rng.integers(len(pool))]), rng, 0.5)

        return ground

    def _clip(self, thing: Sprite, ground: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.stack([self._taught(thing, ground, rng) for _ in range(self.rules.clip_length)])

    def _taught(self, thing: Sprite, ground: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A support frame: the thing alone, large, near the middle, perhaps in a hand."""
        frame = ground.copy()
        size = SIDE * rng.uniform(*self.rules.support_scale)
        centre = SIDE * rng.normal(0.5, 0.07, 2)
        self._lay(frame, thing, centre, size, rng)
        return camera_augment(frame, rng, moving=0.25)

    def _asked(
        self, k: int, things: list[Sprite], others: list[Sprite], ground: np.ndarray,
        rng: np.random.Generator,
    ) -> np.ndarray:  # fmt: skip
        """A query frame: the thing small, anywhere, among distractors."""
        frame = ground.copy()
        size = SIDE * rng.uniform(*self.rules.query_scale)
        centre = rng.uniform(0.4 * size, SIDE - 0.4 * size, 2)
        around = [others[i] for i in rng.permutation(len(others))[: rng.integers(0, 4)]]
        if len(things) > 1 and rng.random() < 0.2:
            around.append(things[(k + rng.integers(1, len(things))) % len(things)])
        for other in around:
            where = rng.uniform(0, SIDE, 2)
            if np.linalg.norm(where - centre) > 0.6 * size:
                smaller = size * rng.uniform(0.3, 0.85)  # the answer is the largest
                paste(frame, other.view(rng), where, smaller, rng.uniform(-40, 40))
        self._lay(frame, things[k], centre, size, rng)
        return camera_augment(frame, rng, moving=0.5)

    def _lay(
        self, frame: np.ndarray, thing: Sprite, centre: np.ndarray, size: float,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        held = rng.random() < self.rules.hand
        behind = held and rng.random() < 0.5
        if behind:
            add_hand(frame, centre, size, rng)
        stretch = float(np.exp(rng.normal(0, 0.08)))
        paste(frame, thing.view(rng), centre, size, rng.normal(0, 15), stretch)
        if held and not behind:
            add_hand(frame, centre, size * 0.8, rng)


def _piece(path: Path, rng: np.random.Generator) -> np.ndarray:
    """What a photo shows, (h, w, 4), or a patch of it."""
    whole = cut_out(path) if rng.random() < 0.5 else None
    return patch(photo(path), rng) if whole is None else whole


def _recoloured(thing: Sprite, rng: np.random.Generator) -> Sprite:
    """The thing, now and then in one colour: shapes alone must not be enough either."""
    if rng.random() < 0.3:
        hue, saturation = float(rng.uniform(0, 360)), rng.uniform(0.3, 1)
        return replace(thing, look=Paint(hue, saturation, rng.uniform(0.4, 1)))
    return thing


def _fixed(frame: np.ndarray) -> Callable[[], np.ndarray]:
    return lambda: frame
