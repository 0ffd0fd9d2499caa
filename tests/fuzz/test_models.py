"""A short run of the fuzzing of models; `make fuzz` goes on for longer."""

from tests.fuzz import models


def test_mutated_models_are_refused_in_one_sentence_or_answer() -> None:
    assert models.run(120, seed=0) == []
