"""Characters of many scripts and fonts as a source of episodes: a domain far from photographs.

    FOLDER/**/*.ttf, *.otf     for example /usr/share/fonts after
                               apt install fonts-noto-core fonts-dejavu-extra fonts-liberation
                               (Noto and Liberation: SIL Open Font License 1.1; DejaVu: Bitstream
                               Vera's free licence)

Half of the episodes ask which character it is, in whatever font; the others ask which font it is,
whatever is written. The same pixels, and what tells in one must be ignored in the other.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont, TTLibError
from PIL import Image, ImageDraw, ImageFont

from model.errors import InputError
from model.frames import SIDE
from training.episodes.augment import camera_augment
from training.episodes.episode import Episode, make_episode

LEAST = 12  # letters of a script that a font must have to be of it
Ink = tuple[np.ndarray, np.ndarray]  # colour of the paper and of the ink, (3,)


@dataclass(frozen=True)
class Scripts:
    """By script, the letters and the fonts that have all of them."""

    letters: dict[str, str]
    fonts: dict[str, tuple[Path, ...]]

    @classmethod
    def read(cls, folder: Path) -> Scripts:
        """All fonts below a folder; InputError where there is none that can be read."""
        have: dict[str, dict[Path, set[str]]] = {}
        for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".ttf", ".otf")):
            for letter in _letters_of(path):
                script = unicodedata.name(letter).split()[0]
                have.setdefault(script, {}).setdefault(path, set()).add(letter)
        letters, fonts = {}, {}
        for script, by_font in have.items():
            most = max(len(own) for own in by_font.values())
            full = {p: own for p, own in by_font.items() if len(own) > most / 2}
            shared = set.intersection(*full.values())
            if len(shared) >= LEAST:
                letters[script] = "".join(sorted(shared)[:200])
                fonts[script] = tuple(sorted(full))
        if not letters:
            raise InputError(
                f"{folder} holds no font (.ttf, .otf) with {LEAST} letters of a script."
            )
        return cls(letters, fonts)

    def only(self, scripts: Sequence[str]) -> Scripts:
        return Scripts({s: self.letters[s] for s in scripts}, {s: self.fonts[s] for s in scripts})


@dataclass(frozen=True)
class Characters:
    """A source of episodes: which character is this, or which font."""

    scripts: Scripts
    way: int
    shots: tuple[int, int]
    queries: int
    ask_font: float = 0.5

    def episode(self, rng: np.random.Generator) -> Episode:
        many = [s for s, fonts in self.scripts.fonts.items() if len(fonts) >= 2]
        fonts_asked = bool(many) and rng.random() < self.ask_font
        script = str(rng.choice(many if fonts_asked else sorted(self.scripts.letters)))
        letters, fonts = self.scripts.letters[script], self.scripts.fonts[script]
        shots = int(rng.integers(self.shots[0], self.shots[1] + 1))
        ink = _ink(rng)
        classes = range(len(fonts) if fonts_asked else len(letters))
        chosen = rng.choice(len(classes), min(self.way, len(classes)), replace=False)
        clips = []
        for k in chosen:
            frames = []
            for _ in range(shots + self.queries):
                letter = letters[rng.integers(len(letters))] if fonts_asked else letters[k]
                font = fonts[k] if fonts_asked else fonts[rng.integers(len(fonts))]
                frames.append(written(letter, font, ink, rng)[None])
            clips.append(frames)
        names = [str(fonts[k].stem if fonts_asked else letters[k]) for k in chosen]
        kind = "fonts" if fonts_asked else "characters"
        return make_episode([c[:shots] for c in clips], [c[shots:] for c in clips], names, kind)


def written(text: str, font: Path, ink: Ink, rng: np.random.Generator) -> np.ndarray:
    """Text on paper as a camera sees it, (S, S, 3): any size and place, a little turned."""
    drawn = _font(font)
    left, top, right, bottom = drawn.getbbox(text)
    width, height = max(right - left, 1), max(bottom - top, 1)
    size = SIDE * rng.uniform(0.35, 0.8) / max(width, height)
    mask = Image.new("L", (int(width) + 2, int(height) + 2))
    ImageDraw.Draw(mask).text((1 - left, 1 - top), text, 255, drawn)
    scaled = mask.resize(
        (max(round(mask.width * size), 1), max(round(mask.height * size), 1)),
        Image.Resampling.BOX if size < 1 else Image.Resampling.BILINEAR,
    ).rotate(rng.normal(0, 6), Image.Resampling.BILINEAR, expand=True)
    whole = Image.new("L", (SIDE, SIDE))
    room = (SIDE - scaled.width, SIDE - scaled.height)
    left, top = (round(r * rng.uniform(0.2, 0.8)) for r in room)
    whole.paste(scaled, (left, top))
    alpha = np.asarray(whole, np.float32)[..., None] / 255
    paper, colour = ink
    return camera_augment((paper + alpha * (colour - paper)).astype(np.uint8), rng, moving=0.2)


def _ink(rng: np.random.Generator) -> Ink:
    """Paper and ink that can be told apart, dark on light or the other way round."""
    light, dark = rng.uniform(170, 255, 3), rng.uniform(0, 90, 3)
    return (light, dark) if rng.random() < 0.7 else (dark, light)


def _letters_of(path: Path) -> list[str]:
    try:
        with path.open("rb") as file, TTFont(file, lazy=True) as font:
            known = font.getBestCmap() or {}
    except (TTLibError, OSError, ValueError, KeyError, struct.error) as error:
        raise InputError(f"The font {path} cannot be read ({error}).") from error
    letters = [chr(c) for c in known if unicodedata.category(chr(c)) in ("Lu", "Ll", "Lo")]
    return [letter for letter in letters if unicodedata.name(letter, "")]


@lru_cache(maxsize=512)
def _font(path: Path) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), 128, layout_engine=ImageFont.Layout.BASIC)
