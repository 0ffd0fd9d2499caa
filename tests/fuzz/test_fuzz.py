"""Short runs of the fuzzing; `make fuzz` goes on for longer."""

from tests.fuzz import media, models, profiles


def test_mutated_models_are_refused_in_one_sentence_or_answer() -> None:
    assert models.run(120, seed=0) == []


def test_mutated_media_are_refused_in_one_sentence_or_shown() -> None:
    assert media.run(200, seed=0) == []


def test_five_hundred_mutated_profiles_are_refused_in_one_sentence_and_nothing_is_lost() -> None:
    refused, failures = profiles.outcomes(650, seed=0)
    assert failures == [] and refused >= 500
