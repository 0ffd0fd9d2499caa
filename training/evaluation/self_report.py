"""Does the report card tell the truth? What it says of a task, beside what then happens.

    python -m training.evaluation.self_report --clips CLIPS --orbit ROOT

A task is a handful of objects, of a folder of clips (as for `training.evaluation.clips`) or of a
test user of an ORBIT tree. A few frames of some of their clean clips are taught, frames of the
cluttered ones asked. Prints Spearman's correlation of the card's figures with the true accuracy,
with a 95 % interval by bootstrap over tasks, and how often the pair that the card names is among
the three that are most taken for each other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats
from tqdm import tqdm

from model import InputError, Personaliser, SupportSet, load_model
from model.frames import square, stream
from training.episodes.orbit import Video, load_frame, read_split
from training.evaluation.clips import clips_of, objects_of
from training.settings.command_line import parser_for

MOST = 8  # objects of a task
EVERY = 3  # of the cluttered frames, every third is asked
DRAWS = 2000  # of the bootstrap


@dataclass(frozen=True)
class Filmed:
    """An object: clean clips, each (T, 224, 224, 3), and frames of cluttered ones."""

    clean: tuple[np.ndarray, ...]
    clutter: np.ndarray


@dataclass(frozen=True)
class Told:
    """One task: what the card said, and what was true."""

    accuracy: float
    certainty: float
    true: float
    pair_found: bool | None  # None: with fewer than 4 objects there are no more than three pairs


def told(
    personaliser: Personaliser, things: Mapping[str, Filmed], rng: np.random.Generator
) -> Told:
    """One task of some of the things."""
    way = int(rng.integers(2, min(MOST, len(things)) + 1))
    names = tuple(sorted(rng.choice(list(things), way, replace=False)))
    clips = tuple(_some_clips(things[name].clean, rng) for name in names)
    seen = personaliser.see(SupportSet(names, clips))
    adapted, card = personaliser.fit(seen), personaliser.report(seen)
    answers = [adapted.predict(things[name].clutter) for name in names]
    given = np.stack([rows.mean(0) for rows in answers])
    right = [(rows.argmax(1) == k).mean() for k, rows in enumerate(answers)]
    both = given + given.T
    pairs = sorted(((i, j) for i in range(way) for j in range(i)), key=lambda p: -both[p])
    found = card.confused in pairs[:3] if way > 3 else None
    return Told(card.accuracy, card.certainty, float(np.mean(right)), found)


def _some_clips(clean: Sequence[np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Some of the clips, of each a few frames: people differ in how much they film."""
    chosen = rng.choice(len(clean), rng.integers(1, len(clean) + 1), replace=False)
    frames = int(rng.integers(2, 11))  # of a clip that has so many
    return tuple(
        clean[i][np.linspace(0, len(clean[i]) - 1, min(frames, len(clean[i]))).astype(int)]
        for i in chosen
    )


def filmed_clips(
    folder: Path, names: Sequence[str] | None = None, every: int = EVERY
) -> dict[str, Filmed]:
    """Some objects of a folder of clips, or all; of the cluttered frames every n-th."""
    found = {}
    for name in names or objects_of(folder):
        clean = SupportSet.read({name: clips_of(folder / name / "clean")}).clips[0]
        frames = [square(frame) for clip in clips_of(folder / name / "clutter")
                  for i, (_, frame) in enumerate(stream(clip)) if i % every == 0]  # fmt: skip
        found[name] = Filmed(clean, np.stack(frames))
    return found


def filmed_users(root: Path) -> Iterator[dict[str, Filmed]]:
    """The objects of each test user of an ORBIT tree."""
    for user in read_split(root, "test"):
        yield {
            thing.name: Filmed(
                tuple(_frames(video, 1) for video in thing.clean),
                np.concatenate([_frames(video, EVERY) for video in thing.clutter]),
            )
            for thing in user.objects
            if thing.clean and thing.clutter
        }


def _frames(video: Video, every: int) -> np.ndarray:
    return np.stack([load_frame(path) for path in video.frames()[::every]])


def spearman(said: np.ndarray, true: np.ndarray, seed: int = 0) -> tuple[float, float, float]:
    """Rank correlation of (E,) and (E,), and the 95 % interval of a bootstrap over E."""
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(said), (DRAWS, len(said)))
    with np.errstate(invalid="ignore"):  # a draw of one value only has no correlation
        found = [_correlation(said[rows], true[rows]) for rows in draws]
    low, high = np.nanquantile(found, (0.025, 0.975))
    return _correlation(said, true), float(low), float(high)


def _correlation(said: np.ndarray, true: np.ndarray) -> float:
    return float(np.corrcoef(stats.rankdata(said), stats.rankdata(true))[0, 1])


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    parser.add_argument("--clips", type=Path, help="a folder of clips")
    parser.add_argument("--orbit", type=Path, help="a data set in ORBIT's layout")
    default = Path("assets/simple_cnaps")
    parser.add_argument("--personaliser", type=Path, default=default, metavar="DIR")
    parser.add_argument("--tasks", type=int, default=60, help="of each of the two (60)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    try:
        sources = {}
        if args.clips:
            sources["clips"] = [filmed_clips(args.clips)]
        if args.orbit:
            sources["users"] = list(filmed_users(args.orbit))
        if not sources or args.tasks < 3:
            raise InputError("Give --clips or --orbit, and at least 3 --tasks.")
        personaliser = load_model(args.personaliser)
        for source, pools in sources.items():
            rng = np.random.default_rng(args.seed)
            if not (pools := [pool for pool in pools if len(pool) > 1]):
                raise InputError("Nobody has two objects to make a task of.")
            found = [told(personaliser, pools[n % len(pools)], rng)
                     for n in tqdm(range(args.tasks), source, leave=False)]  # fmt: skip
            _print(source, found)
    except InputError as error:
        sys.exit(str(error))


def _print(source: str, found: Sequence[Told]) -> None:
    true = np.array([task.true for task in found])
    print(f"{source}: {len(found)} tasks, true accuracy {100 * true.mean():.1f} %")
    for figure in ("certainty", "accuracy"):
        rho, low, high = spearman(np.array([getattr(task, figure) for task in found]), true)
        print(f"  {figure} of the card and true accuracy: {rho:.2f} ({low:.2f} to {high:.2f})")
    hits = [task.pair_found for task in found if task.pair_found is not None]
    print(f"  the pair it names is among the three most confused: {100 * np.mean(hits):.0f} % "
          f"of {len(hits)} tasks of 4 objects and more")  # fmt: skip


if __name__ == "__main__":
    main()
