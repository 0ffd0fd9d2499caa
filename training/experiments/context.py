"""Whether a task's own context earns its place: the set encoder by statistics beside one FiLM for
all tasks, on episodes that ask for different features.

    python -m training.experiments.context draw FOLDER --photos DIR ... --surfaces DIR --views FILE
    python -m training.experiments.context train FOLDER --arm constant
    python -m training.experiments.context train FOLDER --arm statistics
    python -m training.experiments.context compare FOLDER --arm statistics

draw keeps episodes of `training.episodes.domains` at 112 px, for training and held out (other
photos, things and scripts), and the frozen net's channel means of their supports. train is LITE on
the frozen backbone; whatever the arm, the same episodes in the same order, the same draws and
steps. It saves its state and goes on from it. Arms:

    constant     gamma = 1 + b                one FiLM for all tasks
    statistics   gamma = 1 + b + V e + h(u)   `model.nn.statistics`
    code         gamma = 1 + b + V e          the same without h
    kinds        gamma = 1 + b + V e          e by what tells the sources apart, not the tasks
    domains      gamma = 1 + b + V e          e by what tells the six domains apart
    source       gamma = 1 + b + V e          e names the source of the episode: what is there to
                                              gain for a set encoder that told the sources apart

compare answers every held-out episode under its own context, the mean of all contexts, that of an
episode of another domain, the constant FiLM and no FiLM, and prints paired differences with 95 %
intervals over episodes, by source and by domain; of several seeds (--seeds) their mean.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.errors import InputError
from model.nn.cnaps import CnapsConfig, SimpleCnaps
from model.nn.statistics import ChannelRows, StatisticsFilm, statistics
from model.saving import atomic_write
from training.episodes.domains.sources import DOMAIN_OF
from training.episodes.episode import Task
from training.experiments.given import (
    GivenFilm,
    accuracy,
    by_group,
    effective_rank,
    from_elsewhere,
    no_film,
)
from training.experiments.kept_episodes import SOURCES, Shown, draw, read
from training.lite import backward
from training.settings.command_line import parser_for
from training.settings.config import LiteConfig

ARMS = ("constant", "statistics", "code", "kinds", "domains", "source")
RATES = {"constant": 1.5e-3, "blend": 5e-4, "first": 1e-3, "last": 1e-3, "log_temperature": 5e-3}
LITE = LiteConfig(num_backprop=8, query_batch=64, chunk=64)
WARM_UP, SAVE_EVERY = 20, 50  # steps
PENALTY = 1e-4


def train(options: argparse.Namespace) -> None:
    """LITE on `steps` times `tasks` episodes; goes on where it stopped."""
    shown = read(options.folder, held=False)
    model = _started(options, shown)
    contexts = [_context(model, options.arm, s) for s in shown]
    film = _generator(model)
    trained = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(
        [{"params": [p], "rate": RATES[_part(n)]} for n, p in trained], betas=(0.9, 0.99)
    )
    state, first = _state(options, options.arm, options.seed), 0
    if state.exists():
        kept = torch.load(state, weights_only=True)
        model.load_state_dict(kept["model"], strict=False)
        optimiser.load_state_dict(kept["optimiser"])
        first = kept["step"]
    order = [
        int(i)
        for epoch in range(1 + options.steps * options.tasks // len(shown))
        for i in np.random.default_rng([options.seed, epoch]).permutation(len(shown))
    ]
    facts, started = [], time.perf_counter()
    for step in range(first, options.steps):
        numbers = range(step * options.tasks, (step + 1) * options.tasks)
        tasks = [(k, contexts[order[k]], shown[order[k]].task) for k in numbers]
        share = 0.5 + 0.5 * math.cos(math.pi * step / options.steps)
        for group in optimiser.param_groups:
            group["lr"] = group["rate"] * options.rate * min(1, (step + 1) / WARM_UP) * share
        facts += _step(model, optimiser, tasks, options.seed)
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == options.steps:
            loss, right = np.mean(facts, 0)
            sizes = [p.square().mean().sqrt().item() for p in (film.constant, film.blend)]
            print(
                f"{options.arm} {step + 1:5} {time.perf_counter() - started:6.0f} s  loss "
                f"{loss:.3f}  {100 * right:.1f} %  b {sizes[0]:.4f}  V {sizes[1]:.5f}",
                flush=True,
            )
            facts = []
            ours = {n: t for n, t in model.state_dict().items() if not n.startswith("backbone.")}
            with atomic_write(state) as unfinished:
                torch.save(
                    {"model": ours, "optimiser": optimiser.state_dict(), "step": step + 1},
                    unfinished,
                )


def _step(
    model: SimpleCnaps,
    optimiser: torch.optim.Optimizer,
    tasks: Sequence[tuple[int, Tensor, Task]],
    seed: int,
) -> list[tuple[float, float]]:
    """One of Adam, over tasks with their numbers and contexts; loss and accuracy of each."""
    film, found = _generator(model), []
    optimiser.zero_grad()
    for number, context, task in tasks:
        generator = torch.Generator().manual_seed(seed * 1_000_003 + number)
        method = GivenFilm(model, lambda context=context: film(context))
        found.append(backward(method, task, LITE, generator))
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    for p in parameters:
        if p.grad is not None:
            p.grad /= len(tasks)
    (PENALTY * film.penalty()).backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimiser.step()
    return found


@torch.no_grad()
def compare(options: argparse.Namespace) -> None:
    """Held-out accuracy under five kinds of FiLM, means over the seeds, and paired differences."""
    shown = read(options.folder, held=True)
    models = [_loaded(options, options.arm, seed) for seed in options.seeds]
    constants = [_loaded(options, ARMS[0], seed) for seed in options.seeds]
    contexts = [_context(models[0], options.arm, s) for s in shown]
    pairs = zip(models, constants, strict=True)
    found = np.stack([_found(*pair, contexts, shown) for pair in pairs])
    _print(100 * found.mean(0), [s.source for s in shown])
    each = 100 * (found[:, :, 0] - found[:, :, 3]).mean(1)
    print("own - constant, seed by seed: " + "  ".join(f"{gain:+.1f}" for gain in each))
    for model in models:
        _spread(model, contexts, shown)


def _found(
    model: SimpleCnaps, constant: SimpleCnaps, contexts: list[Tensor], shown: Sequence[Shown]
) -> np.ndarray:
    """Accuracy (episodes, 5): own context, mean, another domain's, constant FiLM, no FiLM."""
    film = _generator(model)
    one, mean = _generator(constant)(contexts[0]), film(torch.stack(contexts).mean(0))
    rows = []
    elsewhere = from_elsewhere([DOMAIN_OF[s.source] for s in shown])
    for s, context, k in zip(shown, contexts, elsewhere, strict=True):
        other = mean if k is None else film(contexts[k])
        films = [(model, f) for f in (film(context), mean, other)] + [
            (constant, one),
            (model, no_film(one)),
        ]
        rows.append([accuracy(m, f, s.task, LITE) for m, f in films])
    return np.array(rows)


def _print(found: np.ndarray, sources: Sequence[str]) -> None:
    names = ("own", "mean", "other", "constant", "frozen")
    print("source        n " + "".join(f"{n:>9}" for n in names)
          + "".join(f"{'own-' + n:>16}" for n in names[1:]))  # fmt: skip
    for group, rows, gains in by_group(found, sources, [DOMAIN_OF[s] for s in sources]):
        print(f"{group:11}{len(rows):4} " + "".join(f"{a:9.1f}" for a in rows.mean(0))
              + "".join(f"{g.mean:+10.1f} +-{g.half:4.1f}" for g in gains))  # fmt: skip


def _spread(model: SimpleCnaps, contexts: list[Tensor], shown: Sequence[Shown]) -> None:
    """How far FiLM moves between tasks, and whether codes of one source lie together."""
    film = _generator(model)
    films = torch.stack([film(c) for c in contexts])
    around = films - films.mean(0)
    codes = torch.stack([film.code(c - film.centre) for c in contexts])
    apart = torch.cdist(codes, codes).fill_diagonal_(torch.inf).argmin(1)
    same = np.mean([shown[i].source == shown[int(j)].source for i, j in enumerate(apart)])
    near = np.mean([DOMAIN_OF[shown[i].source] == DOMAIN_OF[shown[int(j)].source]
                    for i, j in enumerate(apart)])  # fmt: skip
    print(
        f"FiLM: {around.square().mean().sqrt():.4f} between tasks, effective rank "
        f"{effective_rank(films):.1f}, "
        f"{(films.mean(0) - no_film(films[0])).square().mean().sqrt():.4f} from the frozen net; "
        f"the nearest code is of the same source {100 * same:.0f} %, of the same domain "
        f"{100 * near:.0f} %"
    )


def _model(code: int) -> SimpleCnaps:
    torch.manual_seed(0)
    model = SimpleCnaps(CnapsConfig(context="statistics", sites="deep", embedding=code, windows=()))
    model.backbone.to(memory_format=torch.channels_last)
    return model


def _generator(model: SimpleCnaps) -> StatisticsFilm:
    assert isinstance(model.film_generator, StatisticsFilm)
    return model.film_generator


def _started(options: argparse.Namespace, shown: Sequence[Shown]) -> SimpleCnaps:
    """The model of step 0: rows standardised, codes whitened, and what the arm trains."""
    model = _model(options.code)
    film, encoder = _generator(model), model.set_encoder
    assert isinstance(encoder, ChannelRows)
    rows = torch.cat([s.means for s in shown])
    encoder.centre.copy_(rows.mean(0))
    encoder.scale.copy_(1 / (rows.std(0) + 1e-3))
    if options.arm == "source":
        film.code.weight.data.zero_()
        each = torch.arange(min(len(SOURCES), options.code))
        film.code.weight.data[each, each] = len(SOURCES) ** 0.5
    else:
        tasks = torch.stack([_context(model, options.arm, s) for s in shown])
        if options.arm in ("kinds", "domains"):
            names = [s.source if options.arm == "kinds" else DOMAIN_OF[s.source] for s in shown]
            known = sorted(set(names))
            film.separate(tasks, torch.tensor([known.index(name) for name in names]))
        else:
            film.whiten(tasks)
    film.code.requires_grad_(False)
    if options.arm == "constant":
        film.only_constant()
    if options.arm != "statistics":
        film.first.requires_grad_(False)
        film.last.requires_grad_(False)
    return model


def _context(model: SimpleCnaps, arm: str, shown: Shown) -> Tensor:
    """The statistics (3C,) of an episode's support, or for `source` its source's number."""
    encoder = model.set_encoder
    assert isinstance(encoder, ChannelRows)
    if arm == "source":
        named = torch.zeros(3 * len(encoder.centre))
        named[SOURCES.index(shown.source)] = 1
        return named
    return statistics(encoder(shown.means), shown.task.labels)


def _loaded(options: argparse.Namespace, arm: str, seed: int) -> SimpleCnaps:
    model = _model(options.code)
    path = _state(options, arm, seed)
    if not path.exists():
        raise InputError(f"There is no {path}; train that arm first.")
    model.load_state_dict(torch.load(path, weights_only=True)["model"], strict=False)
    return model


def _part(name: str) -> str:
    return next(part for part in RATES if part in name.split("."))


def _state(options: argparse.Namespace, arm: str, seed: int) -> Path:
    return options.folder / f"{arm}_{options.name}{seed}.pt"


def main(argv: Sequence[str] | None = None) -> None:
    assert __doc__
    parser = parser_for(__doc__)
    parser.add_argument("stage", choices=("draw", "train", "compare"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=Path, nargs="+", default=[])
    parser.add_argument("--surfaces", type=Path)
    parser.add_argument("--views", type=Path)
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"))
    parser.add_argument("--episodes", type=int, default=396, help="to train on")
    parser.add_argument("--held", type=int, default=220, help="to compare on")
    parser.add_argument("--arm", choices=ARMS, default="statistics")
    parser.add_argument("--name", default="", help="of a training with other options")
    parser.add_argument("--seed", type=int, default=0, help="of order and draws")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="to compare over")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--tasks", type=int, default=2, help="a step")
    parser.add_argument("--rate", type=float, default=1.0, help="times all learning rates")
    parser.add_argument("--code", type=int, default=16, help="E")
    options = parser.parse_args(argv)
    try:
        torch.set_num_threads(1)
        if options.stage == "draw":
            draw(options, _model(1))
        else:
            {"train": train, "compare": compare}[options.stage](options)
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
