"""ORBIT's benchmark, by either protocol, of any method.

    python -m training.evaluation.orbit --data ROOT --protocol 2022 --mode clu-ve \
        --method checkpoint --checkpoint assets/simple_cnaps/trained.safetensors --out runs/ours
    python -m training.evaluation.orbit --data ROOT --protocol 2022 --mode clu-ve \
        --method frozen-cosine frozen-knn film-tuner --out runs/frozen

Writes record.json (for `python -m training.evaluation.report`), results.json (the challenge's) and
worst.jpg to --out, of several methods to a folder each in it. A run that was stopped goes on where
it was.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch

from model.errors import InputError
from training.episodes.orbit import SPLITS, read_split
from training.evaluation.orbit.protocol import PROTOCOLS, protocol_of, tasks_of
from training.evaluation.orbit.run import Question, evaluate
from training.methods.catalogue import NAMES, add_backbone, choose, open_backbone
from training.settings.command_line import parser_for


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a data set in ORBIT's layout")
    parser.add_argument("--split", default="test", choices=SPLITS)
    parser.add_argument("--protocol", required=True, choices=tuple(PROTOCOLS))
    parser.add_argument("--mode", required=True, choices=("cle-ve", "clu-ve"))
    parser.add_argument("--method", nargs="+", required=True, help=", ".join(NAMES))
    parser.add_argument("--checkpoint", type=Path, help="ours, or imported")
    add_backbone(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of this run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch")
    own = "; the protocol's own if left out, and the result says so if not"
    parser.add_argument("--tasks", type=int, help=f"a user{own}")
    parser.add_argument("--every", type=int, help=f"2022: every such frame teaches{own}")
    parser.add_argument("--least", type=int, help=f"2022: frames of a video that is asked{own}")
    args = parser.parse_args(argv)
    try:
        protocol = protocol_of(args.protocol, args.tasks, args.every, args.least)
        torch.set_num_threads(args.threads)
        backbone = open_backbone(args.backbone, args.weights)
        methods = [choose(name, args.checkpoint, backbone) for name in args.method]
        users = read_split(args.data, args.split)
        noted = (args.data / "annotations").is_dir()
        warnings.showwarning = _on_one_line
        tasks = tasks_of(users, protocol, args.mode, noted, args.seed)
        question = Question(args.data, protocol, args.mode, args.seed, tuple(tasks))
        for method in methods:
            out = args.out / method.name if len(methods) > 1 else args.out
            print(f"{method.name}:")
            print(evaluate(question, method, args.checkpoint or args.weights, out))
    except InputError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(f"Stopped; the same command goes on where it was ({args.out}).")


def _on_one_line(message: Warning | str, *_: object) -> None:
    print(message, file=sys.stderr)


if __name__ == "__main__":
    main()
