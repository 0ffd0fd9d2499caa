"""What the tests of training share."""

import json
import string
from pathlib import Path

import cv2
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve 'classes' of two photos."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for k in range(12):
        (folder / f"class {k:02d}").mkdir()
        base = cv2.resize(rng.integers(0, 256, (6, 6, 3), np.uint8), (240, 240))
        for i in range(2):
            cv2.imwrite(str(folder / f"class {k:02d}" / f"{i}.jpg"), np.roll(base, 30 * i, 1))
    return folder


@pytest.fixture(scope="session")
def views(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Views of 44 discs in 22 groups; the red of a disc is its group, times 10."""
    rgba = np.zeros((44, 2, 32, 32, 4), np.uint8)
    for k in range(44):
        cv2.circle(rgba[k, 0], (16, 16), 12, (10 * (k // 2) + 10, 90, 120, 255), -1)
        rgba[k, 1] = rgba[k, 0]
    path = tmp_path_factory.mktemp("views") / "views.npy"
    np.save(path, rgba)
    names = [f"disc {k:02d}" for k in range(44)]
    about = {"names": names, "labels": names, "groups": [f"group {k // 2:02d}" for k in range(44)]}
    path.with_suffix(".json").write_text(json.dumps(about | {"sizes": [0.1] * 44}))
    return path


def write_font(path: Path, letters: str, width: int) -> None:
    """Every letter a bar, taller from one to the next; the fonts differ in its width."""
    names = [f"u{ord(letter):04X}" for letter in letters]
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", *names])
    font.setupCharacterMap({ord(letter): name for letter, name in zip(letters, names, strict=True)})
    glyphs = {".notdef": TTGlyphPen(None).glyph()}
    for k, name in enumerate(names):
        pen = TTGlyphPen(None)
        top = 100 + 50 * k
        pen.moveTo((50, 0))
        for corner in ((50, top), (50 + width, top), (50 + width, 0)):
            pen.lineTo(corner)
        pen.closePath()
        glyphs[name] = pen.glyph()
    font.setupGlyf(glyphs)
    font.setupHorizontalMetrics({name: (width + 100, 50) for name in (".notdef", *names)})
    font.setupHorizontalHeader(ascent=1000, descent=-200)
    font.setupNameTable({"familyName": path.stem, "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(path)


@pytest.fixture(scope="session")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three fonts of one script, and one of another."""
    folder = tmp_path_factory.mktemp("fonts")
    for name, width in (("thin", 40), ("wide", 400), ("square", 200)):
        write_font(folder / f"{name}.ttf", string.ascii_lowercase[:14], width)
    write_font(folder / "greek.ttf", "".join(chr(0x3B1 + k) for k in range(13)), 100)
    return folder
