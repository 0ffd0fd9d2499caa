"""The report card in words: what to expect of a model, and what would help most."""

from __future__ import annotations

import math

from app.words.language import Said
from model import Report

CONFUSED = 0.05  # share of one thing's looks given to another, from which on they are confused
ENOUGH = 4  # clips of a thing; more help little
SURE = 0.95  # share named right from which on a thing needs no more


def sentences(report: Report) -> list[str]:
    """The same in English."""
    return [str(said) for said in told(report)]


def told(report: Report) -> list[Said]:
    """From what to expect to what to do, each a sentence that can stand alone."""
    said = [*_expected(report), *_same(report), _confused(report), _odd(report), _advice(report)]
    return [sentence for sentence in said if sentence]


def _expected(report: Report) -> list[Said]:
    untested = [name for name, share in zip(report.names, report.right, strict=True)
                if math.isnan(share)]  # fmt: skip
    if len(untested) == len(report.names):
        return [Said("report-too-little")]
    tenths = round(10 * report.accuracy)
    what = "report-parts" if min(report.clips) < 2 else "report-clips"
    share = {0: "-hardly", 10: "-nearly"}.get(tenths, "")
    said = [Said(what + share, {} if share else {"tenths": tenths})]
    if untested:
        said.append(Said("report-untested", {"names": untested}))
    return said


def _same(report: Report) -> list[Said]:
    said = []
    for group in _groups(report.same):
        first, *others = (report.names[k] for k in group)
        if len(others) == 1:
            said.append(Said("report-same", {"name": first, "other": others[0]}))
        else:
            said.append(Said("report-same-all", {"names": [first, *others]}))
    return said


def _groups(pairs: tuple[tuple[int, int], ...]) -> list[list[int]]:
    """Objects of which each shares a picture with each, so that every pair is in a group."""
    groups: list[list[int]] = []
    for i, j in pairs:
        if any(i in group and j in group for group in groups):
            continue
        group = [i, j]
        for k in sorted({k for pair in pairs for k in pair} - {i, j}):
            if all((min(k, own), max(k, own)) in pairs for own in group):
                group.append(k)
        groups.append(sorted(group))
    return groups


def _confused(report: Report) -> Said | None:
    if not (pair := report.confused) or pair[::-1] in report.same or pair in report.same:
        return None
    i, j = sorted(pair)
    confused = max(report.named[i, j], report.named[j, i]) >= CONFUSED
    names = {"name": report.names[i], "other": report.names[j]}
    return Said("report-confused" if confused else "report-alike", names)


def _odd(report: Report) -> Said | None:
    if not report.odd:
        return None
    k, clip = report.odd
    return Said("report-odd", {"number": clip + 1, "name": report.names[k]})


def _advice(report: Report) -> Said | None:
    """More clips of what has fewest of those that are not sure, as long as they help."""
    right = report.right
    weak = [
        k for k, clips in enumerate(report.clips) if clips < ENOUGH and not right[k] >= SURE
    ] or [k for k, clips in enumerate(report.clips) if clips < 2]
    if not weak:
        return None
    k = min(weak, key=lambda k: (report.clips[k], right[k], report.alike[k, k]))
    more = max(1, min(2, ENOUGH - report.clips[k]))
    return Said("report-advice", {"count": more, "name": report.names[k]})
