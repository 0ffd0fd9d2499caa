"""The sources of a training over many domains, and what each of them is worth.

What one FiLM cannot serve at once: `characters` and their fonts, `textures`, things told apart by
one property (`choices`), classes of photos, and photos and things through other `cameras`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.episodes.composites import CompositeRules, Composites
from training.episodes.domains.cameras import Through
from training.episodes.domains.characters import Characters, Scripts
from training.episodes.domains.choices import Choices
from training.episodes.domains.textures import Textures
from training.episodes.episode import Source
from training.episodes.photos import PhotoEpisodes, Photos

CAMERAS = ("grey", "infrared", "cast", "dark", "coarse")
# Sources whose episodes a camera sees alike are of one domain (`model.nn.blend`).
DOMAIN_OF = {"characters": "writing", "fonts": "writing", "textures": "textures",
             "colour": "things", "print": "things", "shape": "things", "composites": "things",
             "classes": "photos", "hues": "photos", "cameras": "cameras",
             "drawings": "drawings"}  # fmt: skip
SHARES = {"characters": 1.0, "fonts": 1.0, "textures": 1.0, "colour": 1.0, "print": 1.0,
          "shape": 1.0, "classes": 1.0, "composites": 1.0, "cameras": 1.0, "drawings": 1.0,
          "hues": 0.7}  # fmt: skip


def every_source(
    photos: Photos,
    grounds: Photos,
    views: Sequence[Sequence[tuple[str, np.ndarray]]],
    scripts: Scripts,
    way: int,
    shots: tuple[int, int],
    queries: int,
) -> dict[str, Source]:
    """Every source by its name in SHARES."""
    rules = CompositeRules(way, shots, queries, query_scale=(0.2, 0.9))
    things = Composites(rules, photos, grounds, views)
    classes = PhotoEpisodes(photos, way, shots, queries)
    return {
        "textures": Textures(photos, way, shots, queries),
        "colour": Choices("colour", rules, photos, grounds, views),
        "print": Choices("print", rules, photos, grounds, views),
        "shape": Choices("shape", rules, photos, grounds, views),
        "classes": classes,
        "composites": things,
        "cameras": Through(things, CAMERAS),
        "drawings": Through(classes, ("lines",)),
        "hues": Through(classes, ("hues",)),
        "characters": Characters(scripts, way, shots, queries, ask_font=0),
        "fonts": Characters(scripts, way, shots, queries, ask_font=1),
    }


def read_scripts(folder: str, validation: bool, held_out: int) -> Scripts:
    """The training or validation scripts of a folder of fonts."""
    scripts = Scripts.read(Path(folder))
    # letters of many fonts are few scripts: the first of each share is for validation
    names = sorted(scripts.letters)
    return scripts.only([s for i, s in enumerate(names) if (i % held_out == 0) == validation])
