"""The plan of a data set: read back, compared, refused in words."""

from pathlib import Path

import pytest

from model.errors import InputError
from training.episodes.plan import FILE, Plan, keep_plan, read_plan

DEALT = {"train": ["a"], "validation": ["b"], "test": ["c"]}


def test_a_plan_comes_back_and_may_be_kept_again(tmp_path: Path) -> None:
    plan = Plan({"seed": 0, "users": {"train": 2}}, DEALT, DEALT)
    keep_plan(tmp_path / "home", plan)
    keep_plan(tmp_path / "home", plan)
    assert read_plan(tmp_path / "home") == plan


def test_one_root_holds_one_data_set(tmp_path: Path) -> None:
    keep_plan(tmp_path, Plan({"seed": 0, "frames": 9}, DEALT, DEALT))
    with pytest.raises(InputError, match=r"was begun with other values of seed; go on with"):
        keep_plan(tmp_path, Plan({"seed": 1, "frames": 9}, DEALT, DEALT))
    with pytest.raises(InputError, match=r"was begun with other meshes or surfaces"):
        keep_plan(tmp_path, Plan({"seed": 0, "frames": 9}, DEALT | {"test": ["d"]}, DEALT))


@pytest.mark.parametrize(
    "text", [None, "", "[]", "{}", '{"settings": 1, "things": 2, "surfaces": 3}']
)
def test_what_is_no_plan_is_refused_in_words(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / FILE).write_text(text)
    with pytest.raises(InputError, match=r"plan\.json that can be read|is no plan of training"):
        read_plan(tmp_path)
