"""The rule for what is named: smoothed, and steady between its two thresholds."""

import numpy as np

from app.naming.sight import NAMED_BELOW, NOTHING_FROM, Watch
from app.naming.smoothing import SECONDS
from model.adapted import Answers

BOX = np.array([[0.1, 0.2, 0.6, 0.7]])


def answers(unknown: float, probability: float = 0.8) -> Answers:
    return Answers(np.array([[probability, 1 - probability]]), np.array([unknown]), BOX)


def named(scores: list[float]) -> list[bool]:
    """What the rule says of scores that are further apart than smoothing reaches."""
    watch = Watch()
    return [watch.see(2 * SECONDS * i, answers(score)).named for i, score in enumerate(scores)]


def test_a_name_goes_and_comes_back_with_a_band_between() -> None:
    middle = (NOTHING_FROM + NAMED_BELOW) / 2
    assert named([0.1, middle, NOTHING_FROM - 0.01, NOTHING_FROM, middle, NAMED_BELOW, 0.39]) == [
        True, True, True, False, False, False, True
    ]  # fmt: skip


def test_scores_that_waver_about_the_middle_do_not_flicker() -> None:
    rng = np.random.default_rng(0)
    said = named(rng.uniform(NAMED_BELOW + 0.001, NOTHING_FROM - 0.001, 200).tolist())
    assert len(set(said)) == 1


def test_the_first_frame_is_judged_by_the_middle() -> None:
    assert named([0.49]) == [True] and named([0.5]) == [False]


def test_all_is_smoothed_together() -> None:
    watch = Watch()
    watch.see(0.0, answers(0.0, 1.0))
    seen = watch.see(0.1, answers(1.0, 0.0))
    assert seen.unknown == 0.5 and seen.probabilities.tolist() == [0.5, 0.5]
    assert seen.where is not None and np.allclose(seen.where, BOX[0])


def test_a_model_without_the_score_always_names() -> None:
    seen = Watch().see(0.0, Answers(np.array([[0.3, 0.7]]), None, None))
    assert seen.named and seen.best == 1 and seen.unknown is None and seen.where is None
    both = Watch().see(0.0, Answers(np.array([[0.3, 0.7]]), None, BOX))
    assert both.where is None or np.allclose(both.where, BOX[0])


def test_batches_are_put_together() -> None:
    whole = Answers.together([answers(0.1), answers(0.9)])
    assert whole.unknown is not None and whole.unknown.tolist() == [0.1, 0.9]
    assert Answers.together([Answers(np.ones((1, 1)), None, None)] * 2).unknown is None
