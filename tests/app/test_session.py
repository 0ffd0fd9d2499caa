"""What one person taught: every transition makes a new value, refuses in words, loses nothing."""

import random

import numpy as np
import pytest

from app.session import MAX_FRAMES, MAX_THINGS, MAX_UNDO, Clip, TaughtObjects
from model import InputError

FRAMES = np.zeros((2, 224, 224, 3), np.uint8)


def clip(name: str = "c", count: int = 2) -> Clip:
    return Clip(name, count, np.broadcast_to(FRAMES[:1], (count, 224, 224, 3)))


def names(taught: TaughtObjects) -> list[str]:
    return [thing.name for thing in taught.things]


@pytest.fixture
def two() -> TaughtObjects:
    return TaughtObjects().add("mug", clip("a")).add("keys", clip("b"))


def test_a_clip_of_a_known_name_goes_to_that_thing(two: TaughtObjects) -> None:
    taught = two.add("  MUG ", clip("c"))
    assert names(taught) == ["mug", "keys"]
    assert [c.id for c in taught.things[0].clips] == ["a", "c"]
    assert len(two.things[0].clips) == 1, "the value before is as it was"


def test_names_that_look_alike_are_alike() -> None:
    taught = TaughtObjects().add("caf\u00e9  cup", clip("a")).add("cafe\u0301 cup", clip("b"))
    assert names(taught) == ["caf\u00e9 cup"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "An object needs a name."),
        ("   ", "An object needs a name."),
        ("x" * 300, "has 300 characters; use at most 100"),
        ("a\x00b", "characters that cannot be shown"),
    ],
)
def test_a_bad_name_is_refused_in_words(two: TaughtObjects, name: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        two.add(name, clip())
    with pytest.raises(InputError, match=says):
        two.rename(two.things[0].id, name)


@pytest.mark.parametrize("name", ["🔑 keys", 'Ada\'s "mug"', "a/b\\c", "=cmd()", "<b>bold</b>"])
def test_a_strange_name_is_kept_as_it_is(name: str) -> None:
    assert names(TaughtObjects().add(name, clip())) == [name]


def test_two_things_of_one_name_are_refused(two: TaughtObjects) -> None:
    with pytest.raises(InputError, match="Another thing is called ‘mug’ already"):
        two.rename(two.things[1].id, "Mug")
    assert names(two.rename(two.things[0].id, "Mug")) == ["Mug", "keys"], "its own name is free"


def test_a_removed_thing_comes_back_in_its_place(two: TaughtObjects) -> None:
    less = two.remove(two.things[0].id)
    assert names(less) == ["keys"]
    assert [c.id for c in less.clips()] == ["b", "a"], "its frames are still needed"
    assert names(less.undo()) == ["mug", "keys"]
    later = less.add("pen", clip("p"))
    assert [c.id for c in later.clips()] == ["b", "p", "a"]
    assert names(later.undo()) == ["mug", "keys", "pen"], "also after something new"
    none = less.remove(less.things[0].id)
    assert [c.id for c in none.clips()] == ["a", "b"], "every removal can be taken back"
    assert names(none.undo()) == ["keys"] and names(none.undo().undo()) == ["mug", "keys"]


def test_everything_that_is_removed_comes_back_step_by_step() -> None:
    chance = random.Random(0)
    for _ in range(50):
        taught = TaughtObjects()
        for n in range(12):
            taught = taught.add(f"thing {chance.randrange(4)}", clip(f"c{n}", 3))
        for n in range(3):
            taught = taught.reject(clip(f"m{n}"))
        before = [taught]
        for n in range(8):
            if less := removed_something(taught, chance, f"s{n}"):
                before.append(taught := less)
        while taught.removed:
            before.pop()
            taught = taught.undo()
            assert (taught.things, taught.foreign) == (before[-1].things, before[-1].foreign)
        assert len(before) == 1


def removed_something(
    taught: TaughtObjects, chance: random.Random, new: str
) -> TaughtObjects | None:
    """Without a thing, some clips of one, a frame or a moment; None if that is not there."""
    thing = chance.choice(taught.things)
    what = chance.randrange(4) if thing.clips else 3
    if what == 0:
        some = chance.sample(thing.clips, chance.randint(1, len(thing.clips)))
        return taught.remove_clips(thing.id, {one.id for one in some})
    if what == 1:
        return taught.replace_clip(thing.id, chance.choice(thing.clips).id, clip(new))
    if what == 2 and len(taught.things) > 1:
        return taught.remove(thing.id)
    if taught.foreign:
        return taught.forget(chance.choice(taught.foreign).id)
    return None


def test_removals_give_way_when_they_are_many_or_large() -> None:
    taught = TaughtObjects()
    for index in range(MAX_UNDO + 5):
        taught = taught.add("mug", clip(str(index))).remove_clips("thing-0", [str(index)])
    assert len(taught.removed) == MAX_UNDO
    for index in "ab":
        taught = taught.add("mug", clip(index, MAX_FRAMES)).remove_clips("thing-0", [index])
    assert [c.id for c in taught.clips()] == ["b"], "no more frames than can be taught"
    assert str(taught.removed[-1].what) == "a clip of mug"


def test_undo_says_why_it_cannot(two: TaughtObjects) -> None:
    with pytest.raises(InputError, match="nothing to bring back"):
        two.undo()
    gone = two.remove(two.things[0].id)
    with pytest.raises(InputError, match="There is a new ‘mug’ now"):
        gone.rename(gone.things[0].id, "mug").undo()


def test_learning_needs_two_things_with_a_clip(two: TaughtObjects) -> None:
    with pytest.raises(InputError, match=r"Teach at least 2 things first; you have 0\."):
        TaughtObjects().support()
    with pytest.raises(InputError, match=r"you have 1\."):
        TaughtObjects().add("mug", clip()).support()
    empty = two.remove_clips(two.things[1].id, ["b"])
    with pytest.raises(InputError, match="you have 1 and ‘keys’ has no clip yet"):
        empty.support()
    support = empty.add("pen", clip("p", 3)).support()
    assert support.names == ("mug", "pen") and list(support.shots) == [2, 3]


def test_there_is_a_bound_on_things_and_on_frames() -> None:
    taught = TaughtObjects()
    for index in range(MAX_THINGS):
        taught = taught.add(f"thing {index}", clip(str(index)))
    with pytest.raises(InputError, match=f"There are {MAX_THINGS} things"):
        taught.add("one more", clip())
    taught.add("thing 3", clip())
    with pytest.raises(InputError, match=f"more than the {MAX_FRAMES}"):
        taught.add("thing 3", clip("big", MAX_FRAMES))


def test_undo_respects_both_bounds() -> None:
    taught = TaughtObjects().add("big", clip("a", MAX_FRAMES - 10)).add("small", clip("b", 10))
    full = taught.remove(taught.things[1].id).add("new", clip("c", 10))
    with pytest.raises(InputError, match=f"more than the {MAX_FRAMES}"):
        full.undo()
    assert names(full.remove_clips(full.things[1].id, ["c"]).undo()) == ["big", "small", "new"]
    taught = TaughtObjects()
    for index in range(MAX_THINGS):
        taught = taught.add(f"thing {index}", clip(str(index)))
    full = taught.remove(taught.things[0].id).add("one more", clip())
    with pytest.raises(InputError, match=f"There are {MAX_THINGS} things"):
        full.undo()


def test_a_thing_that_is_gone_is_named_so(two: TaughtObjects) -> None:
    for transition in (
        two.remove,
        lambda i: two.rename(i, "x"),
        lambda i: two.remove_clips(i, ["a"]),
        lambda i: two.remove_clips("thing-a", [i]),
        lambda i: two.replace_clip("thing-a", i, clip("new")),
    ):
        with pytest.raises(InputError, match="not here any more"):
            transition("thing-99")
