"""Words on a picture, in any script: OpenCV sets one character after the other from left to right,
so what runs from right to left is turned round before, and Arabic letters get their joined forms.
"""

from __future__ import annotations

import re
from importlib.resources import files

import cv2
import numpy as np
from arabic_reshaper import reshape
from bidi.algorithm import get_display  # `bidi.get_display` turns no brackets

SANS = "sans"  # OpenCV's own face, which has no joined forms
NOTO = "fonts/ofl/notosansarabic/NotoSansArabic[wdth,wght].ttf"
ARABIC = str(files("justmytype_intl_rtl") / NOTO)
LARGER = 1.3  # OpenCV sizes a face by its line, of which its letters take less
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
WHITE = (255, 255, 255)


def write(
    picture: np.ndarray, text: str, place: tuple[int, int], size: int, weight: int, room: int
) -> None:
    """Write on a picture (H, W, 3), shortened until it is at most `room` pixels wide.

    place: the left end of its base line, (x, y) in pixels. size: of the letters, in pixels.
    weight: 400 is regular, 700 bold.
    """
    turned = RIGHT_TO_LEFT.search(text) is not None
    face, height = cv2.FontFace(SANS), size
    if turned:
        face, height = cv2.FontFace(ARABIC), round(LARGER * size)

    def width(line: str) -> int:
        return cv2.getTextSize(picture.shape[1::-1], line, (0, 0), face, height, weight)[2]

    line, kept = _as_drawn(text) if turned else text, len(text)
    while kept > 1 and width(line) > room:
        kept -= 1
        short = f"{text[:kept]}…"
        line = _as_drawn(short) if turned else short
    cv2.putText(picture, line, place, WHITE, face, height, weight)


def _as_drawn(text: str) -> str:
    """`text` as it stands from left to right, Arabic letters in their joined forms."""
    drawn = get_display(reshape(text))
    assert isinstance(drawn, str)
    return drawn
