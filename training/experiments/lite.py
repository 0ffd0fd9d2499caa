"""What LITE costs and what it is worth: the plots of the README and their numbers.

    python -m training.experiments.lite --out plots
    python -m training.experiments.lite --out plots --frames 10 50 200 1000 --full 10 20 50

gradient.svg: bias and error against H, by enumerating every draw (`gradient`); cost.svg: peak
memory and time against N at 224 px (`cost`); numbers.json: both.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from model.errors import InputError
from training.experiments.cost import Cost, cost
from training.experiments.gradient import Quality, qualities
from training.plots import plot
from training.settings.command_line import parser_for

H = 8


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the plots")
    parser.add_argument("--frames", type=int, nargs="*", default=[10, 50, 200, 1000], metavar="N",
                        help="support frames for LITE (10 50 200 1000)")  # fmt: skip
    parser.add_argument("--full", type=int, nargs="*", default=[10, 20, 50], metavar="N",
                        help="and for full back-propagation, 0.05 GB each (10 20 50)")  # fmt: skip
    parser.add_argument("--num-backprop", "--back", type=int, default=H, help=f"H ({H})")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args(argv)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        found = qualities()
        _print_qualities(found)
        lite, full = f"LITE, H = {args.num_backprop}", "full back-propagation"
        costs: dict[str, dict[int, Cost]] = {lite: {}, full: {}}
        for name, counts, back in ((lite, args.frames, args.num_backprop), (full, args.full, None)):
            for n in counts:
                measured = costs[name][n] = cost(n, back, args.device, args.threads)
                print(f"{name}, N = {n}: {measured.gigabytes:.3f} GB, {measured.seconds:.2f} s")
    except InputError as error:
        sys.exit(str(error))
    write(args.out, found, costs)


def write(
    out: Path, found: dict[str, dict[int, Quality]], costs: dict[str, dict[int, Cost]]
) -> None:
    """numbers.json and both plots."""
    numbers = {
        kind: {name: {k: asdict(v) for k, v in own.items()} for name, own in values.items()}
        for kind, values in (("gradient", found), ("cost", costs))
    }
    (out / "numbers.json").write_text(json.dumps(numbers, indent=1) + "\n")
    bias = {name: {h: q.bias for h, q in own.items()} for name, own in found.items()}
    error = {name: {h: q.error for h, q in own.items()} for name, own in found.items()}
    plot(
        out / "gradient.svg", "H of N = 6 support frames", {"bias": bias, "error of a draw": error}
    )
    memory = {name: {n: c.gigabytes for n, c in own.items()} for name, own in costs.items()}
    seconds = {name: {n: c.seconds for n, c in own.items()} for name, own in costs.items()}
    plot(out / "cost.svg", "N support frames", {"peak, GB": memory, "seconds": seconds}, log=True)


def _print_qualities(found: dict[str, dict[int, Quality]]) -> None:
    for name, own in found.items():
        row = "  ".join(f"H = {h}: {q.bias:.3f} / {q.error:.3f}" for h, q in own.items())
        print(f"{name:28s} bias / error  {row}")


if __name__ == "__main__":
    main()
