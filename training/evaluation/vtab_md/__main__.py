"""VTAB+MD, as far as torchvision reads its data sets, of any method.

    python -m training.evaluation.vtab_md --root DIR --method frozen-cosine --out runs/cosine
    torchrun --nproc-per-node 2 -m training.evaluation.vtab_md --root DIR ...

DIR holds each data set as torchvision lays it out; --download fetches what is not there. What is
missing is listed with the reason, and averages say what they cover. A run that was stopped goes on.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.distributed as dist

from model.errors import InputError
from training.evaluation.vtab_md.episodes import EPISODES, asked_of
from training.evaluation.vtab_md.readers import open_all
from training.evaluation.vtab_md.run import evaluate
from training.methods.catalogue import NAMES, add_backbone, choose, open_backbone
from training.settings.command_line import parser_for


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--download", action="store_true", help="fetch what is not there")
    parser.add_argument("--method", required=True, help=", ".join(NAMES))
    parser.add_argument("--checkpoint", type=Path, help="ours, or imported")
    add_backbone(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of this run")
    parser.add_argument(
        "--episodes", type=int, default=EPISODES, help="a data set of Meta-Dataset (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--threads", type=int, default=torch.get_num_threads(), help="of torch, a process"
    )
    args = parser.parse_args(argv)
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if several:
        dist.init_process_group("gloo")
    try:
        if args.episodes < 1:
            raise InputError(f"--episodes must be at least 1; it is {args.episodes}.")
        torch.set_num_threads(args.threads)
        backbone = open_backbone(args.backbone, args.weights)
        method = choose(args.method, args.checkpoint, backbone)
        opened, missing = open_all(args.root, args.download)
        file = args.checkpoint or args.weights
        weights = file and hashlib.sha256(file.read_bytes()).hexdigest()
        settings = {"data": args.root.name, "seed": args.seed, "weights": weights}
        asked = asked_of(opened, args.episodes, args.seed)
        if (found := evaluate(asked, method, settings, args.out)) is not None:
            print(found)
            for name, reason in sorted(missing.items()):
                print(f"not asked: {name}: {reason}")
    except InputError as error:
        sys.exit(str(error))
    finally:
        if several:
            dist.destroy_process_group()


if __name__ == "__main__":
    main()
