"""What can be taught, and what is refused in a sentence that names the object."""

from __future__ import annotations

import numpy as np
import pytest

from model import InputError, SupportSet
from model.frames import SIDE

SMALL = np.zeros((1, 8, 8, 3), np.uint8)
CLIP = np.zeros((1, SIDE, SIDE, 3), np.uint8)


@pytest.mark.parametrize(
    ("objects", "sentence"),
    [
        ({}, "There is nothing to learn from"),
        ({"mug": []}, "'mug' has no clip yet"),
        ({" ": [SMALL]}, "An object needs a name"),
        ({"x" * 300: [SMALL]}, "has 300 characters; use at most 100"),
        ({"a\u202eb": [SMALL]}, "holds characters that cannot be shown"),
        ({"a\nb": [SMALL]}, "holds characters that cannot be shown"),
        ({"mug": [SMALL.astype(np.float32)]}, "mug: frames must be uint8 RGB"),
        ({"mug": [SMALL[0, 0]]}, "mug: frames must be uint8 RGB"),
        ({"mug": [SMALL[:0]]}, "mug: frames must be uint8 RGB"),
        ({"mug": [5]}, "mug: give paths or frames; got int"),
        ({"mug": "mug.mp4"}, r"mug: give a list of clips, even of one: \['mug\.mp4'\]"),
        ({"mug": CLIP}, r"mug: give a list of clips, even of one: \[frames\]"),
        ({"mug": np.repeat(CLIP, 3, 0)}, r"mug: give a list of clips, even of one: \[frames\]"),
        ({"mug": ["nowhere.mp4"]}, "^mug: .*nowhere.mp4"),
    ],
)
def test_what_cannot_be_learned_is_said(objects: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        SupportSet.read(objects)


@pytest.mark.parametrize(
    ("names", "clips", "sentence"),
    [
        (("mug", "mug"), ((CLIP,), (CLIP,)), "Two objects are called 'mug'"),
        (("mug", "key"), ((CLIP,),), "2 names do not fit 1 lists of clips"),
        (("mug",), ((),), "'mug' has no clip yet"),
        (("mug",), ((CLIP[:0],),), r"mug: a clip must be .* got uint8 \(0, 224, 224, 3\)"),
        (("mug",), ((CLIP[0],),), r"mug: a clip must be .* got uint8 \(224, 224, 3\)"),
        (("mug",), ((SMALL,),), r"mug: a clip must be .* got uint8 \(1, 8, 8, 3\)"),
        (("mug",), ((CLIP.astype(np.float32),),), "mug: a clip must be .* got float32"),
    ],
)
def test_what_is_no_support_set_is_said(names: tuple, clips: tuple, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        SupportSet(names, clips)
