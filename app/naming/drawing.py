"""Drawing on frames: thumbnails, and names with bars at the top of a frame: players cover its foot.

Only drawing; never decodes media.
"""

from __future__ import annotations

import base64

import cv2
import numpy as np

from app.naming.lettering import isolated, write
from app.naming.sight import Sight
from app.words.language import ENGLISH, Said

MAX_SIDE = 960  # pixels of an annotated frame; larger ones shrink
MIN_SIDE = 64  # pixels: text wants some room
THUMB = 72  # pixels
BARS = 3  # the likeliest things drawn on a frame
NOTHING = Said("video-nothing")  # what is said where no thing is seen

Colour = tuple[int, int, int]
# Okabe and Ito's colours, told apart by colour-blind people too; written as RGB.
COLOURS: tuple[Colour, ...] = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (204, 121, 167), (213, 94, 0), (0, 114, 178),
)  # fmt: skip


def thumbnail(frame: np.ndarray) -> str:
    """A frame (S, S, 3) as the data URL of a small JPEG."""
    small = cv2.resize(frame, (THUMB, THUMB), interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 75]
    )
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()


def annotate(
    frame: np.ndarray, names: tuple[str, ...], sight: Sight, language: str = ENGLISH
) -> np.ndarray:
    """A copy of a frame (H, W, 3) with the likeliest things on a dark band at its top, and a frame
    around where the first of them is; where none is seen, words in `language` that say so.
    """
    height, width = frame.shape[:2]
    size = max(12, min(height // 16, width // 14))  # pixels of the text
    line, edge = round(1.5 * size), max(4, size // 2)
    probabilities = sight.probabilities
    order = np.argsort(-probabilities)[:BARS]
    rows = len(order) if sight.named else 2
    picture = frame.copy()
    if sight.named and sight.where:
        _outline(picture, sight.where, COLOURS[order[0] % len(COLOURS)])
    band = picture[: line * rows + edge]
    band[:] = (band * 0.35).astype(np.uint8)
    if not sight.named:
        nearest = Said("nearest", {"name": isolated(names[order[0]])})
        for row, said in enumerate((NOTHING, nearest)):
            place, weight = (edge, edge // 2 + row * line + size), 400 if row else 700
            write(picture, said.in_language(language), place, size, weight, width - 2 * edge)
        return picture
    middle = round(0.58 * width)
    for row, k in enumerate(order):
        y = edge // 2 + row * line
        weight = 700 if row == 0 else 400
        write(picture, names[k], (edge, y + size), size, weight, middle - 2 * edge)
        room = width - middle - edge - round(3.2 * size)
        cv2.rectangle(picture, (middle, y + size // 4), (middle + room, y + size), (90, 90, 90), -1)
        full = middle + round(room * float(probabilities[k]))
        cv2.rectangle(
            picture, (middle, y + size // 4), (full, y + size), COLOURS[k % len(COLOURS)], -1
        )
        percent = f"{100 * probabilities[k]:.0f} %"
        write(picture, percent, (middle + room + edge // 2, y + size), size, weight, width)
    return picture


def _outline(picture: np.ndarray, where: tuple[float, ...], colour: Colour) -> None:
    height, width = picture.shape[:2]
    left, top, right, bottom = (
        round(share * side) for share, side in zip(where, (width, height) * 2, strict=True)
    )
    thick = max(2, min(height, width) // 120)
    cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), colour, thick, cv2.LINE_AA)


def shown_size(height: int, width: int) -> tuple[int, int]:
    """(height, width) at which a frame is shown: even, as VP8 wants it, and not too large."""
    scale = min(1.0, MAX_SIDE / max(height, width))
    small, wide = (max(MIN_SIDE, round(side * scale / 2) * 2) for side in (height, width))
    return small, wide
