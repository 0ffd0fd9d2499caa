"""The report card's sentences: what to expect, what is confused, what is odd, what would help."""

from dataclasses import replace

import numpy as np
import pytest

from app.words.report_card import _groups, sentences
from model import Report

GOOD = Report(
    names=("mug", "can", "keys"),
    clips=(4, 4, 4),
    named=np.eye(3),
    alike=np.array([[0.7, 0.1, 0.2], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]),
    odd=None,
    same=(),
)


def test_a_good_one_needs_nothing() -> None:
    assert sentences(GOOD) == [
        "Nearly all looks were named right in clips that it had not learned from.",
        "No two of your things were confused; the most alike are mug and keys.",
    ]


def test_the_share_the_pair_and_the_advice() -> None:
    named = np.array([[0.6, 0.4, 0.0], [0.1, 0.9, 0.0], [0.0, 0.0, 1.0]])
    card = replace(GOOD, named=named, alike=named, clips=(2, 3, 1))
    assert sentences(card) == [
        "About 8 of 10 looks were named right in parts of clips that it had not learned from; new "
        "places are harder.",
        "mug and can are the most easily confused.",
        "2 more clips of mug, in another place, would help most.",
    ]


@pytest.mark.parametrize(
    ("clips", "says"),
    [((3, 4, 4), "1 more clip of mug"), ((1, 1, 2), "2 more clips of mug"), ((2, 3, 4), None)],
)
def test_what_would_help_most(clips: tuple[int, ...], says: str | None) -> None:
    weak = GOOD if clips != (3, 4, 4) else replace(GOOD, named=0.5 * GOOD.named)
    last = sentences(replace(weak, clips=clips))[-1]
    assert (says in last) if says else "would help" not in last


def test_an_odd_clip_and_one_picture_under_two_names() -> None:
    said = sentences(replace(GOOD, odd=(0, 2), same=((0, 2),)))
    assert "mug and keys have the same picture: they cannot be told apart" in said[1]
    assert "Clip 3 of mug looks unlike its other clips" in said[2]


def test_a_picture_under_many_names_is_one_sentence() -> None:
    every = tuple((i, j) for j in range(3) for i in range(j))
    said = [text for text in sentences(replace(GOOD, same=every)) if "same picture" in text]
    assert said == [
        "mug, can, keys have the same picture: they cannot be told apart; keep it in one of them "
        "only."
    ]


@pytest.mark.parametrize(
    ("pairs", "groups"),
    [
        ((), []),
        (((0, 1), (1, 2)), [[0, 1], [1, 2]]),  # the first and the last share none
        (((0, 1), (0, 2), (1, 2), (2, 3)), [[0, 1, 2], [2, 3]]),
        (tuple((i, j) for i in range(11) for j in range(i + 1, 11)), [list(range(11))]),
    ],
)
def test_each_pair_is_in_a_group_and_a_group_shares_it(
    pairs: tuple[tuple[int, int], ...], groups: list[list[int]]
) -> None:
    assert _groups(pairs) == groups


def test_single_frames_tell_too_little() -> None:
    nothing = np.full((3, 3), np.nan)
    said = sentences(replace(GOOD, named=nothing, alike=nothing, clips=(1, 1, 1), same=((0, 1),)))
    assert said[0].startswith("There is too little to tell") and len(said) == 3
    assert said[-1].startswith("2 more clips of mug")


def test_what_was_not_tested_is_said_and_nothing_right_is_hardly_any() -> None:
    named = np.array([[0.04, 0.96, 0.0], [0.96, 0.04, 0.0], [np.nan, np.nan, np.nan]])
    said = sentences(replace(GOOD, named=named, alike=named, clips=(2, 2, 1)))
    assert said[0].startswith("Hardly any looks were named right")
    assert said[1] == "Not tested, as there is one frame only: keys."
    assert said[2] == "mug and can are the most easily confused."
