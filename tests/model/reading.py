"""Reading media in tests: to the end, refused in words, or not decoded at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pillow_heif
import pytest
from PIL import ImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.WebPImagePlugin import WebPImageFile

from model.errors import InputError
from model.frames import stream
from model.media import video
from tests.model.media import open_files


def listed(path: Path) -> None:
    for _ in stream(path):
        pass


def says(read: Callable[[Path], object], path: Path, sentence: str) -> None:
    """Reading `path` is refused with exactly this sentence, and the file is let go."""
    with pytest.raises(InputError) as refusal:
        read(path)
    assert str(refusal.value) == sentence
    assert str(path) not in open_files()
    assert "\n" not in sentence and str(path.parent) not in sentence


def nothing_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("a decoder was given the file")

    monkeypatch.setattr(video.av, "open", opened)
    for reader in (ImageFile.ImageFile, GifImageFile, WebPImageFile):
        monkeypatch.setattr(reader, "load", opened)
    monkeypatch.setattr(pillow_heif.HeifFile, "to_pillow", opened)
