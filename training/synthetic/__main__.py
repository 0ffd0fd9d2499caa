"""Command line: `python -m training.synthetic orbit|views|furniture|samples --help`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from model.errors import InputError
from training.episodes.orbit import SPLITS
from training.synthetic.geometry.objects import read_catalogue


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0].startswith("--") and words[0] != "--help":
        words = ["orbit", *words]
    args = _parser().parse_args(words)
    try:
        args.run(args)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.synthetic", description=__doc__)
    commands = parser.add_subparsers(required=True)
    samples = commands.add_parser("samples", help="the clips of assets/samples")
    _common(samples)
    samples.add_argument("--surfaces", type=Path, required=True, help="pictures with index.csv")
    samples.add_argument("--bottle", type=Path, help="the real water bottle's clips")
    samples.set_defaults(run=_samples)
    orbit = commands.add_parser("orbit", help="a data set in ORBIT's layout; resumes")
    _common(orbit)
    orbit.add_argument("--surfaces", type=Path, required=True, help="pictures with index.csv")
    for split, count in zip(SPLITS, (20, 4, 6), strict=True):
        orbit.add_argument(f"--{split}", type=int, default=count, help="users (%(default)s)")
    orbit.add_argument(
        "--splits", nargs="+", choices=SPLITS, default=SPLITS,
        help="whose videos are rendered now (all three)",
    )  # fmt: skip
    orbit.add_argument("--clean", type=int, default=4, help="clean videos an object (%(default)s)")
    orbit.add_argument("--clutter", type=int, default=2, help="in clutter (%(default)s)")
    orbit.add_argument("--frames", type=int, default=24, help="frames a video (%(default)s)")
    orbit.add_argument("--processes", type=int, default=2)
    orbit.set_defaults(run=_orbit)
    views = commands.add_parser("views", help="each object from many sides, on nothing (.npy)")
    _common(views)
    views.add_argument("--views", type=int, default=32, help="sides of each object (%(default)s)")
    views.add_argument("--side", type=int, default=176, help="pixels (%(default)s)")
    views.add_argument("--processes", type=int, default=2)
    views.set_defaults(run=_views)
    furniture = commands.add_parser("furniture", help="objects made of Sweet Home 3D's libraries")
    furniture.add_argument("libraries", type=Path, nargs="+", help=".sh3f")
    furniture.add_argument("--out", type=Path, required=True)
    furniture.set_defaults(run=_furniture)
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--objects", type=Path, required=True, help="folder or .zip of meshes with manifest.csv"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)


def _samples(args: argparse.Namespace) -> None:
    from training.synthetic.dataset.samples import write_samples

    write_samples(args.objects, args.surfaces, args.bottle, args.out, args.seed)


def _orbit(args: argparse.Namespace) -> None:
    from training.synthetic.dataset.orbit import DataSet, write_orbit

    data = DataSet(
        args.objects,
        args.surfaces,
        args.out,
        {split: getattr(args, split) for split in SPLITS},
        tuple(args.splits),
        args.clean,
        args.clutter,
        args.frames,
        args.seed,
    )
    started = time.monotonic()
    rendered = 0

    def report(done: int, total: int, video: str) -> None:
        nonlocal rendered
        rendered += 1
        each = (time.monotonic() - started) / rendered
        left = each * (total - done) / 60
        print(f"{done}/{total}  {each:.1f} s a video, {left:.0f} min left  {video}", flush=True)

    write_orbit(data, args.processes, report)


def _views(args: argparse.Namespace) -> None:
    from training.synthetic.filming.views import write_views

    things = read_catalogue(args.objects)
    write_views(args.objects, things, args.out, args.views, args.side, args.seed, args.processes)


def _furniture(args: argparse.Namespace) -> None:
    from training.synthetic.geometry.furniture import write_furniture

    print(f"{write_furniture(args.libraries, args.out)} things in {args.out}")


if __name__ == "__main__":
    sys.exit(main())
