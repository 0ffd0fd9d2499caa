"""The report card in words: what to expect of a model, and what would help most."""

from __future__ import annotations

import math

from model import Report

CONFUSED = 0.05  # share of one thing's looks given to another, from which on they are confused
ENOUGH = 4  # clips of a thing; more help little
SURE = 0.95  # share named right from which on a thing needs no more


def sentences(report: Report) -> list[str]:
    """From what to expect to what to do, each a sentence that can stand alone."""
    said = [*_expected(report), *_same(report), _confused(report), _odd(report), _advice(report)]
    return [sentence for sentence in said if sentence]


def _expected(report: Report) -> list[str]:
    untested = [name for name, share in zip(report.names, report.right, strict=True)
                if math.isnan(share)]  # fmt: skip
    if len(untested) == len(report.names):
        return ["There is too little to tell how good it will be: one frame of each thing."]
    tenths = round(10 * report.accuracy)
    share = {0: "Hardly any", 10: "Nearly all"}.get(tenths, f"About {tenths} of 10")
    what, but = "clips", "."
    if min(report.clips) < 2:
        what, but = "parts of clips", "; new places are harder."
    said = [f"{share} looks were named right in {what} that it had not learned from{but}"]
    if untested:
        said.append(f"Not tested, as there is one frame only: {', '.join(untested)}.")
    return said


def _same(report: Report) -> list[str]:
    return [
        f"{report.names[i]} and {report.names[j]} have the same picture: they cannot be told "
        "apart; remove it from one of them."
        for i, j in report.same
    ]


def _confused(report: Report) -> str:
    if not (pair := report.confused) or pair[::-1] in report.same or pair in report.same:
        return ""
    i, j = sorted(pair)
    pair = f"{report.names[i]} and {report.names[j]}"
    if max(report.named[i, j], report.named[j, i]) >= CONFUSED:
        return f"{pair} are the most easily confused."
    return f"No two of your things were confused; the most alike are {pair}."


def _odd(report: Report) -> str:
    if not report.odd:
        return ""
    k, clip = report.odd
    return (
        f"Clip {clip + 1} of {report.names[k]} looks unlike its other clips; remove it if it shows "
        "something else."
    )


def _advice(report: Report) -> str:
    """More clips of what has fewest of those that are not sure, as long as they help."""
    right = report.right
    weak = [
        k for k, clips in enumerate(report.clips) if clips < ENOUGH and not right[k] >= SURE
    ] or [k for k, clips in enumerate(report.clips) if clips < 2]
    if not weak:
        return ""
    k = min(weak, key=lambda k: (report.clips[k], right[k], report.alike[k, k]))
    more = max(1, min(2, ENOUGH - report.clips[k]))
    clips = "2 more clips" if more == 2 else "1 more clip"
    return f"{clips} of {report.names[k]}, in another place, would help most."
