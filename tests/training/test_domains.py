"""Episodes of other domains: what a camera does to all frames, what alone tells things apart."""

from __future__ import annotations

import string
from pathlib import Path

import numpy as np
import pytest

from model import InputError
from training.episodes.composites import CompositeRules
from training.episodes.domains.cameras import CAMERAS, Through
from training.episodes.domains.characters import Characters, Scripts
from training.episodes.domains.sources import SHARES, every_source, read_scripts
from training.episodes.episode import Episode
from training.episodes.photos import PhotoEpisodes, Photos
from training.episodes.views import load_views


def frames(episode: Episode) -> np.ndarray:
    task = episode.task
    return np.concatenate([task.support[:, 0].numpy(), task.query[:, 0].numpy()])


def test_letters_that_most_fonts_of_a_script_have(fonts: Path) -> None:
    scripts = Scripts.read(fonts)
    assert scripts.letters["LATIN"] == string.ascii_lowercase[:14]
    assert len(scripts.fonts["LATIN"]) == 3 and len(scripts.letters["GREEK"]) == 13
    one, other = (read_scripts(str(fonts), held, 2) for held in (False, True))
    assert one and other and not set(one.letters) & set(other.letters)


def test_characters_ask_for_the_letter_or_for_the_font(fonts: Path) -> None:
    scripts = Scripts.read(fonts)
    rng = np.random.default_rng(0)
    letter = Characters(scripts, 5, (2, 2), 2, ask_font=0).episode(rng)
    assert letter.kind == "characters" and letter.task.ways == 5
    assert set(letter.names) <= set("".join(scripts.letters.values()))
    font = Characters(scripts, 5, (2, 2), 2, ask_font=1).episode(rng)
    assert font.kind == "fonts" and set(font.names) == {"thin", "wide", "square"}
    assert frames(font).std() > 20, "ink on paper"


def test_a_folder_without_fonts_and_a_broken_font_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no font"):
        Scripts.read(tmp_path)
    (tmp_path / "broken.ttf").write_bytes(b"\0\1\0\0" + b"x" * 50)
    with pytest.raises(InputError, match=r"broken\.ttf cannot be read"):
        Scripts.read(tmp_path)


def test_every_frame_of_an_episode_goes_through_one_camera(photos: Path) -> None:
    classes = PhotoEpisodes(Photos.read([photos]), 3, (1, 1), 1)
    for name in CAMERAS:
        plain = classes.episode(np.random.default_rng([5, 0]))
        seen = Through(classes, (name,)).episode(np.random.default_rng([5, 0]))
        assert (
            seen.kind.endswith(f", {name}") and seen.task.support.shape == plain.task.support.shape
        )
        if name in ("grey", "infrared", "lines"):
            assert np.ptp(frames(seen).astype(int), axis=-1).max() == 0, name
        if name == "dark":
            assert frames(seen).mean() < 70


def test_all_sources_give_episodes_of_their_kind(photos: Path, views: Path, fonts: Path) -> None:
    read, loaded = Photos.read([photos]), load_views(views)
    shown = [list(zip(loaded.groups, loaded.rgba, strict=True))]
    sources = every_source(read, read, shown, Scripts.read(fonts), 3, (1, 2), 1)
    assert set(sources) == set(SHARES)
    for name, source in sources.items():
        one, same = (source.episode(np.random.default_rng(7)) for _ in range(2))
        assert one.task.ways == 3 and len(one.task.query) == 3, name
        assert (frames(one) == frames(same)).all(), "an episode depends on its number alone"


def test_choices_differ_in_one_property_alone(photos: Path, views: Path, fonts: Path) -> None:
    read, loaded = Photos.read([photos]), load_views(views)
    shown = [list(zip(loaded.groups, loaded.rgba, strict=True))]
    sources = every_source(read, read, shown, Scripts.read(fonts), 4, (1, 2), 1)
    for name, shapes in (("colour", 1), ("print", 1), ("shape", 4)):
        things = sources[name]._classes(np.random.default_rng(3))  # type: ignore[attr-defined]
        assert len({thing.key for thing in things}) == shapes, name
        assert len(things) == 4
    assert CompositeRules().clip_length == 1
