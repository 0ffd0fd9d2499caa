"""What several records say together: each method's mean, and how far the others are from the best.

Records of one benchmark have answered the same episodes, seed by seed, or they are refused; the
items of all seeds count together. Differences are paired, item by item; intervals are 95 %,
clustered by user or data set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.errors import InputError
from training.evaluation.intervals import Interval, clustered, pooled
from training.evaluation.record.record import Record


@dataclass(frozen=True)
class Row:
    """A method on a benchmark."""

    method: str
    seeds: tuple[int, ...]
    pooled: Interval  # over items, as the leaderboard has it
    people: Interval  # clustered by group
    others: dict[str, float]  # the other measures, pooled
    behind: Interval | None  # the best method less this one, paired; None for the best
    cost: dict[str, float]


@dataclass(frozen=True)
class Comparison:
    """A benchmark: its methods, the best first."""

    benchmark: str
    measure: str  # the one that counts
    groups: int
    items: int  # of all seeds
    rows: tuple[Row, ...]


def compare(records: Sequence[Record]) -> list[Comparison]:
    """InputError where records of one benchmark answered other episodes."""
    found = []
    for benchmark in sorted({record.benchmark for record in records}):
        own = [record for record in records if record.benchmark == benchmark]
        _check(benchmark, own)
        found.append(_comparison(benchmark, own))
    return found


def _check(benchmark: str, records: Sequence[Record]) -> None:
    by_seed: dict[int, Record] = {}
    for record in records:
        other = by_seed.setdefault(record.seed, record)
        if other.episodes != record.episodes:
            raise InputError(
                f"{benchmark}, seed {record.seed}: {other.method} and {record.method} answered "
                "different episodes, so that they cannot be compared; run both on the same data "
                "with the same options."
            )
    seeds = {m: sorted(r.seed for r in records if r.method == m) for m in methods(records)}
    for method, own in seeds.items():
        if len(set(own)) < len(own):
            raise InputError(f"{benchmark}: {method} was given twice with seed {own[0]}.")
        if own != sorted(by_seed):
            raise InputError(
                f"{benchmark}: {method} has the seeds {own}, others {sorted(by_seed)}; give the "
                "same of all."
            )


def methods(records: Sequence[Record]) -> list[str]:
    """Their names, each once, in order."""
    return list(dict.fromkeys(record.method for record in records))


def _comparison(benchmark: str, records: Sequence[Record]) -> Comparison:
    measures = records[0].measures()
    tables = {method: _table(records, method) for method in methods(records)}
    groups = _groups(records)
    best = max(tables, key=lambda method: clustered(tables[method][:, 0].tolist(), groups).mean)
    rows = []
    for method, values in tables.items():
        own = [record for record in records if record.method == method]
        behind = clustered((tables[best][:, 0] - values[:, 0]).tolist(), groups)
        rows.append(
            Row(
                method,
                tuple(sorted(record.seed for record in own)),
                pooled(values[:, 0].tolist()),
                clustered(values[:, 0].tolist(), groups),
                dict(zip(measures[1:], values[:, 1:].mean(0).tolist(), strict=True)),
                None if method == best else behind,
                {name: float(np.mean([r.cost[name] for r in own])) for name in own[0].cost},
            )
        )
    rows.sort(key=lambda row: -row.people.mean)
    return Comparison(benchmark, measures[0], len(set(groups)), len(groups), tuple(rows))


def _in_order(records: Sequence[Record], method: str) -> list[Record]:
    """Those of a method by seed: item i of all seeds together is the same for every method."""
    return sorted((r for r in records if r.method == method), key=lambda record: record.seed)


def _table(records: Sequence[Record], method: str) -> np.ndarray:
    """(items of all seeds, measures)."""
    scores = [score for record in _in_order(records, method) for score in record.scores]
    return np.array([list(score.values.values()) for score in scores])


def _groups(records: Sequence[Record]) -> list[str]:
    own = _in_order(records, records[0].method)
    return [score.group for record in own for score in record.scores]
