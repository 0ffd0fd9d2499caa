"""Words on a picture. OpenCV sets one character after the other from left to right, so what runs
from right to left is turned round before, and Arabic letters get their joined forms; vowel points
are left out. A character that neither of the two faces has stands as a question mark.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from importlib.resources import files

import cv2
import numpy as np
from arabic_reshaper import reshape
from bidi.algorithm import get_display  # `bidi.get_display` turns no brackets

SANS = "sans"  # OpenCV's own face: Latin, Greek, Cyrillic, Hebrew, Chinese, Japanese, Korean
NOTO = "fonts/ofl/notosansarabic/NotoSansArabic[wdth,wght].ttf"
ARABIC = str(files("justmytype_intl_rtl") / NOTO)
LARGER = 1.3  # OpenCV sizes a face by its line, of which Noto's letters take less
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
ARABIC_LETTER = re.compile("[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefc]")
FROM_LEFT, FROM_RIGHT, END = "\u202a", "\u202b", "\u202c"  # marks round a piece of text
MARKS = str.maketrans("", "", FROM_LEFT + FROM_RIGHT + END)
WHITE = (255, 255, 255)


def write(
    picture: np.ndarray, text: str, place: tuple[int, int], size: int, weight: int, room: int
) -> None:
    """Write on a picture (H, W, 3), shortened until it is at most `room` pixels wide.

    place: the left end of its base line, (x, y) in pixels. size: of the letters, in pixels.
    weight: 400 is regular, 700 bold.
    """
    name, height = _face(text, size)
    line = _fitting(text, size, weight, room)
    cv2.putText(picture, line, place, WHITE, cv2.FontFace(name), height, weight)


def isolated(name: str) -> str:
    """A name that keeps its own direction in a sentence of the other one."""
    strong = (unicodedata.bidirectional(letter) for letter in name)
    first = next((way for way in strong if way in ("L", "R", "AL")), "L")
    return f"{FROM_LEFT if first == 'L' else FROM_RIGHT}{name}{END}"


@lru_cache(512)  # the names of a video stand on each of its frames
def _fitting(text: str, size: int, weight: int, room: int) -> str:
    name, height = _face(text, size)
    face, kept, line = cv2.FontFace(name), len(text), _as_drawn(text)
    while kept > 1 and cv2.getTextSize((0, 0), line, (0, 0), face, height, weight)[2] > room:
        kept -= 1
        line = _as_drawn(f"{text[:kept]}…")
    return line


def _face(text: str, size: int) -> tuple[str, int]:
    """What has the letters of `text`, and how high OpenCV has to make it."""
    return (ARABIC, round(LARGER * size)) if ARABIC_LETTER.search(text) else (SANS, size)


def _as_drawn(text: str) -> str:
    """`text` as it stands from left to right, Arabic letters in their joined forms."""
    if not RIGHT_TO_LEFT.search(text):
        return text.translate(MARKS)
    unpointed = "".join(letter for letter in text if unicodedata.category(letter) != "Mn")
    drawn = get_display(reshape(unpointed))
    assert isinstance(drawn, str)
    return drawn
