"""The card of a personaliser: what is in its folder, its settings, whether its files are whole."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from model.confidence.unknown import MOST_POWER, Calibration
from model.errors import InputError
from model.frames import SIDE
from model.head import KINDS

GRID = SIDE // 32  # cells a side of the last map
FINE = SIDE // 16  # of the fine one
MIDDLE = 4  # of the middle of the fine one, where whoever films a thing has it
# 4 brought clutter; 3 `kind` of head and `together`; 1 had one size of windows, or null
FORMAT = CLUTTER_FORMAT = 4
Fields = TypeVar("Fields")
PARTS = ("set_encoder.onnx", "film_generator.onnx", "backbone.onnx")
# F (R, D) of `model.head`, row after row, little-endian float32; where the card names none there is
# none
CLUTTER = "clutter.f32"
CALIBRATION = "calibration.json"  # without it a folder opens, and its models know no unknown things


@dataclass(frozen=True)
class Site:
    """A FiLM site: the convolution of `backbone.onnx` into which gamma and beta are folded."""

    name: str
    channels: int
    weight: str
    bias: str


@dataclass(frozen=True)
class HeadSettings:
    """How features become logits; chosen by measurement when the personaliser was exported."""

    features: str  # raw | unit: scale features to length sqrt(D) or not
    temperature: float  # t > 0: logit = -t * squared distance
    windows: tuple[int, ...]  # sides w of the windows of the last map, w x w, of which the best
    # scores; none: the whole frame
    window_floor: float  # leave out windows shorter than this share of the median support feature
    kind: str = "mahalanobis"  # one of `model.head.KINDS`


@dataclass(frozen=True)
class Card:
    """card.json, read and checked."""

    name: str
    trained: bool
    features: int  # D
    embedding: int  # E
    sites: tuple[Site, ...]
    head: HeadSettings
    sha256: str  # of the backbone and of all that was trained: which personaliser this is
    calibration: Calibration | None = None
    clutter: NDArray[np.float32] | None = None  # F (R, D)
    together: int = 0  # support frames that the set encoder must see at once, whose batch it
    # normalises; 0: each by itself


def read_card(folder: Path) -> Card:
    """Read folder/card.json and compare every part with its SHA-256; raises InputError."""
    where = f"The personaliser folder {folder.name!r}"
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"{where} has no card.json; make one with `python -m training.export`."
        ) from error
    except OSError as error:
        raise InputError(f"{where} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} has a card.json that is not a personaliser's card.") from error
    try:
        if card["format"] < 1:
            raise ValueError(f"format is {card['format']}")
        if card["format"] > FORMAT:
            raise InputError(
                f"{where} has format {card['format']}, newer than "
                f"the {FORMAT} this program reads; update it."
            )
        parsed = _parse(card)
        parts = (*PARTS, CLUTTER) if CLUTTER in card["sha256"] else PARTS
        expected = {part: card["sha256"][part] for part in parts}
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where} has a card.json that is not a personaliser's card.") from error
    known = card["sha256"].get(CALIBRATION)
    if known and (folder / CALIBRATION).is_file():
        expected[CALIBRATION] = known
    for part, digest in expected.items():
        if not (folder / part).is_file():
            raise InputError(f"{where} lacks {part}; copy the whole folder again.")
        if hashlib.sha256((folder / part).read_bytes()).hexdigest() != digest:
            raise InputError(
                f"{where} is damaged: {part} is not the file its card names; copy it again."
            )
    if CLUTTER in expected:
        parsed = replace(parsed, clutter=_clutter(folder / CLUTTER, parsed.features, where))
    if CALIBRATION not in expected:
        return parsed
    try:
        return replace(parsed, calibration=_calibration((folder / CALIBRATION).read_bytes()))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"{where} has a {CALIBRATION} that this program does not know; make it again with "
            "`python -m training.calibrate`."
        ) from error


def sides(windows: list[int] | int | None) -> tuple[int, ...]:
    """The sides of windows as a file has them: a list, or in format 1 one number or null.

    Raises ValueError for anything else.
    """
    found = [] if windows is None else windows if isinstance(windows, list) else [windows]
    # True is an int to Python, and no side
    whole = all(type(side) is int and 1 <= side <= GRID for side in found)
    if not whole or len(set(found)) < len(found):
        raise ValueError(f"windows is {windows!r}, not different sides from 1 to {GRID}")
    return tuple(found)


def _parse(card: dict[str, Any]) -> Card:
    head = _typed(HeadSettings, card["head"] | {"windows": sides(card["head"]["windows"])})
    sites = tuple(_typed(Site, site) for site in card["sites"])
    known = card["side"] == SIDE and head.features in ("raw", "unit") and head.kind in KINDS
    sizes = [card[key] for key in ("features", "embedding")]
    known = known and all(type(size) is int and size > 0 for size in sizes)
    if not known or not 0 < head.temperature < math.inf or not 0 <= head.window_floor <= 1:
        raise ValueError("settings this program does not know")
    trained = [card["sha256"][part] for part in (*PARTS, CLUTTER) if part in card["sha256"]]
    digest = hashlib.sha256("".join(trained).encode()).hexdigest()
    own = {key: card[key] for key in ("name", "trained", "features", "embedding")}
    if (together := card.get("together", 0)) < 0:
        raise ValueError(f"together is {together!r}")
    return _typed(
        Card, own | {"sites": sites, "head": head, "sha256": digest, "together": together}
    )


def clutter_bytes(clutter: np.ndarray) -> bytes:
    """F (R, D) as the content of CLUTTER."""
    return clutter.astype("<f4").tobytes()


def _clutter(path: Path, features: int, where: str) -> NDArray[np.float32]:
    """InputError for what is none."""
    file = path.read_bytes()
    rows, rest = divmod(len(file), 4 * features)
    if rest or not rows:
        raise InputError(
            f"{where} has a {CLUTTER} of {len(file)} bytes, not of {4 * features} for each "
            "direction; make it again with `python -m training.calibration.clutter`."
        )
    found = np.frombuffer(file, "<f4").reshape(rows, features)
    if not np.isfinite(found).all():
        raise InputError(
            f"{where} has a {CLUTTER} with numbers that are not finite; make it again with "
            "`python -m training.calibration.clutter`."
        )
    return found


def _calibration(text: bytes) -> Calibration:
    """ValueError or TypeError for what is none."""
    found = _typed(Calibration, json.loads(text))
    numbers = list(vars(found).values())
    positive = found.sharpness > 0 and found.steepness > 0 and found.colour >= 0
    powers = max(abs(found.by_frames), abs(found.by_objects))
    if not all(map(math.isfinite, numbers)) or not positive or powers > MOST_POWER:
        raise ValueError("numbers that calibrate nothing")
    return found


def _typed(kind: type[Fields], values: dict[str, Any]) -> Fields:
    """A dataclass from values of JSON; ValueError where one has another type than its field."""
    made = kind(**values)
    for name, wanted in get_type_hints(kind).items():
        if name not in values:
            continue  # it has a default
        wanted = get_origin(wanted) or wanted
        # True is an int to Python, and no number; a whole number is a float that JSON wrote short
        if type(value := getattr(made, name)) not in (
            (float, int) if wanted is float else (wanted,)
        ):
            raise ValueError(f"{name} is {value!r}, not a {wanted.__name__}")
    return made
