r"""The paper's comparison on ORBIT in one command: every method meta-trained on the same episodes
(MAML, whose step takes many, on fewer), then asked the same tasks, seed by seed.

    python -m training.comparison --orbit ROOT --out runs/comparison -- --clip-length 8
    python -m training.comparison --orbit HOME --steps 120 --tasks 1 --every 8 --least 1 \
        --out runs/comparison -- --way 5 --shots 4 --windows 0

What follows `--` are options of `training.train` for all trainings. Each stage is a command that
could be typed by hand; OUT/stages.jsonl has them with their hours, and one that was stopped goes on
where it stood. It ends with OUT/report.html and its Markdown twin. --methods and --seeds in several
OUT share the work; `training.evaluation.report` reads all their records together.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from model.errors import InputError
from training.episodes.orbit import read_split
from training.evaluation.orbit.protocol import PROTOCOLS, protocol_of, tasks_of
from training.evaluation.report.__main__ import main as report
from training.methods.catalogue import CHECKPOINT, FROZEN, add_backbone, known
from training.methods.maml import INNER_STEPS
from training.plan.stage import Stage, make
from training.settings.command_line import parse, parser_for

MODES = ("clu-ve", "cle-ve")
NETWORK, CHANGED = ("backbone", "weights"), ("tasks", "every", "least")
# What a training may not be told after `--`: it is the method's, or the comparison's.
SET = ("--method", "--features", "--context", "--orbit", "--steps", "--seed", "--threads", "--out",
       "--backbone", "--weights")  # fmt: skip
# Options of its training; what is not trained has none.
METHODS = {
    "protonets-cosine": "--method protonets",
    "case": "--method case",
    "simple-cnaps": "--method simple-cnaps",
    # A frame costs this set encoder as much as the backbone: as few of them carry a gradient.
    "simple-cnaps-published": "--method simple-cnaps --context published --back-embeddings 8",
    "cnaps": "--method cnaps",
    "protonets-euclidean": "--method protonets --features raw",
    "frozen": "",
    "maml": "--method maml",
    "film-tuner": "",
}


def stages(asked: argparse.Namespace, training: Sequence[str]) -> Iterator[Stage]:
    """A protocol after the other, of each every seed, of each every method."""
    trained = set()
    for protocol, seed, method in itertools.product(asked.protocols, asked.seeds, asked.methods):
        own = _training(asked, training, method, seed)
        if METHODS[method] and own.makes not in trained:
            trained.add(own.makes)
            yield own
        start = ["--checkpoint", str(own.makes)] if METHODS[method] else _given(asked, *NETWORK)
        for mode in MODES:
            out = asked.out / f"{protocol}-{mode}" / f"{method}-{seed}"
            words = ["--data", str(asked.orbit), "--protocol", protocol, "--mode", mode,
                     *_given(asked, *CHANGED), "--method", *_evaluated(method), *start,
                     *_given(asked, "threads"), "--seed", str(seed),
                     "--out", str(out)]  # fmt: skip
            yield Stage("training.evaluation.orbit.__main__", tuple(words), out)


def _training(asked: argparse.Namespace, training: Sequence[str], method: str, seed: int) -> Stage:
    run = asked.out / "trained" / f"{method}-{seed}"
    # MAML takes its inner steps where the others go forward once.
    steps = max(asked.steps // INNER_STEPS, 1) if method == "maml" else asked.steps
    words = [*METHODS[method].split(), *training, *_given(asked, *NETWORK, "orbit", "threads"),
             "--steps", str(steps), "--seed", str(seed), "--out", str(run)]  # fmt: skip
    return Stage("training.train", tuple(words), run / "last.safetensors")


def _given(asked: argparse.Namespace, *names: str) -> list[str]:
    """Options of ours that others have too, as far as they were given."""
    given = {name: getattr(asked, name) for name in names}
    return [
        w for name, value in given.items() if value is not None for w in (f"--{name}", str(value))
    ]


def _evaluated(method: str) -> tuple[str, ...]:
    """What the benchmark calls it: all frozen heads answer from the same features."""
    if method == "frozen":
        return tuple(FROZEN)
    return (method if method in ("maml", "film-tuner") else CHECKPOINT,)


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    words = list(sys.argv[1:] if argv is None else argv)
    own, training = (words, []) if "--" not in words else _split(words)
    parser = parser_for(__doc__)
    parser.prog = "python -m training.comparison"
    parser.add_argument("--orbit", type=Path, required=True, help="a data set in ORBIT's layout")
    parser.add_argument("--out", type=Path, required=True, help="folder of all that is made")
    parser.add_argument("--methods", nargs="+", default=[*METHODS], help=", ".join(METHODS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--protocols", nargs="+", default=["2022", "2021"], choices=[*PROTOCOLS])
    parser.add_argument("--steps", type=int, default=1000, help="of training, and "
                        f"{INNER_STEPS} times fewer of MAML")  # fmt: skip
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    add_backbone(parser)
    parser.set_defaults(backbone=None)  # theirs
    for name in CHANGED:
        parser.add_argument(f"--{name}", type=int, help="of the evaluation")
    asked = parser.parse_args(own)
    for name in ("methods", "seeds", "protocols"):
        setattr(asked, name, list(dict.fromkeys(getattr(asked, name))))
    try:
        _check(asked, training)
        plan = [*stages(asked, training)]
        for stage in plan:
            if stage.module == "training.train":
                parse(stage.argv, __doc__)  # InputError now, and not hours from now
        make(plan, asked.out)
    except InputError as error:
        sys.exit(str(error))
    records = sorted({path.parent for path in asked.out.glob("20*/**/record.json")})
    report([*map(str, records), "--out", str(asked.out / "report.html")])


def _check(asked: argparse.Namespace, training: Sequence[str]) -> None:
    """What a stage hours from now would refuse: InputError."""
    for method in asked.methods:
        known("method", method, METHODS)
    if own := [word for word in training if word.split("=")[0] in SET]:
        raise InputError(
            f"{own[0]} after -- is not for the trainings alone; give it before --, or leave it out."
        )
    if min(asked.seeds) < 0:
        raise InputError(f"A seed must be at least 0; there is {min(asked.seeds)}.")
    if any(METHODS[method] for method in asked.methods):
        for split in ("train", "validation"):
            read_split(asked.orbit, split)
    users, noted = read_split(asked.orbit, "test"), (asked.orbit / "annotations").is_dir()
    with warnings.catch_warnings(action="ignore"):  # the evaluations say them
        for name in asked.protocols:
            protocol = protocol_of(name, asked.tasks, asked.every, asked.least)
            for mode in MODES:
                tasks_of(users, protocol, mode, noted, asked.seeds[0])


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    at = words.index("--")
    return words[:at], words[at + 1 :]
