"""A file of what one person taught, whoever made it: refused in a sentence, and nothing changes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.profile import file
from app.profile.file import MAX_FILE_BYTES
from app.profile.manifest import FORMAT
from app.profile.opening import MERGE, Profiles
from app.rooms import Room
from app.session import MAX_FOREIGN, MAX_FRAMES, MAX_THINGS, TaughtObjects
from model import InputError
from model.frames import encode_png
from tests.app.fakes import RED, frames, jpeg, told

PICTURE = encode_png(frames(RED, 1)[0])


def about(**changes: Any) -> dict[str, Any]:
    """A profile.json of one thing with a clip of one frame."""
    thing = {"id": "thing-a", "name": "mug", "clips": [{"id": "a", "frames": 1}]}
    whole = {"format": FORMAT, "version": 1, "things": [thing], "foreign": [], "settings": {}}
    return whole | changes


def things(count: int = 1, **changes: Any) -> dict[str, Any]:
    """A profile.json of many such things."""
    return about(things=[thing(n) | changes for n in range(count)])


def thing(n: int, name: str = "", frames: int = 1) -> dict[str, Any]:
    return {"id": f"t{n}", "name": name or f"n{n}", "clips": [{"id": f"c{n}", "frames": frames}]}


def packed(manifest: object, entries: dict[str, bytes] | None = None, kind: int = 0) -> bytes:
    """A zip with this profile.json, and a picture as its frame."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", kind) as made:
        if manifest is not None:
            made.writestr("profile.json", json.dumps(manifest))
        for name, content in ({"frames/a/0.png": PICTURE} | (entries or {})).items():
            made.writestr(name, content)
    return data.getvalue()


def locked() -> bytes:
    data = bytearray(packed(about()))
    for mark, place in ((b"PK\1\2", 8), (b"PK\3\4", 6)):  # the flags of an entry: it has a password
        data[data.find(mark) + place] |= 1
    return bytes(data)


def png(side: int) -> bytes:
    return encode_png(np.zeros((side, side, 3), np.uint8))


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "it is no zip, or damaged"),
    "text": (lambda: b"my things", "it is no zip, or damaged"),
    "half": (lambda: packed(about())[:-40], "it is no zip, or damaged"),
    "foreign zip": (lambda: packed(None), "holds no profile.json"),
    "no JSON": (lambda: packed(None, {"profile.json": b"{"}), "its profile.json is no JSON"),
    "deep": (lambda: packed(None, {"profile.json": b"[" * 10**5}), "its profile.json is no JSON"),
    "another app's": (lambda: packed(about(format="x")), "not one of this app"),
    "newer": (lambda: packed(about(version=99)), "is of version 99 and this app reads up to 1"),
    "no version": (lambda: packed(about(version=None)), "does not say its version"),
    "no number": (lambda: packed(about(version=True)), "does not say its version"),
    "no things": (lambda: packed(about(things=7)), "does not list its things"),
    "a bad name": (lambda: packed(things(name="a\0b")), "characters that cannot be shown"),
    "a long name": (lambda: packed(things(name="x" * 101)), "101 characters; use at most 100"),
    "a path for an id": (lambda: packed(things(id="../../x")), "one of its parts has no id"),
    "the same name": (lambda: packed(things(2, name="a")), "two of its names are the same"),
    "the same thing": (lambda: packed(things(2, id="a")), "two of its things are the same"),
    "too many things": (lambda: packed(things(51)), f"it has 51 things, more than {MAX_THINGS}"),
    "too many frames": (
        lambda: packed(
            about(
                things=[thing(0) | {"clips": [{"id": f"c{n}", "frames": 20} for n in range(101)]}]
            )
        ),
        f"it has 2020 frames, more than {MAX_FRAMES}",
    ),
    "too many moments": (
        lambda: packed(about(foreign=[{"id": f"f{n}", "frames": 1} for n in range(11)])),
        f"more than {MAX_FOREIGN}",
    ),
    "a long clip": (lambda: packed(about(things=[thing(0, frames=21)])), "1 to 20 frames"),
    "settings": (lambda: packed(about(settings={"a": 1})), "a setting is no word"),
    "half a letter": (lambda: packed(about(settings={"a": "\ud800"})), "a setting is no word"),
    "a missing frame": (
        lambda: packed(about(foreign=[{"id": "b", "frames": 2}])),
        "2 of its frames are",
    ),
    "a path": (
        lambda: packed(about(), {"../../home/.ssh/x": b""}),
        r"holds 1 entries that no profile has, such as '\.\./\.\./home/\.ssh/x'",
    ),
    "a program": (lambda: packed(about(), {"run.sh": b"rm"}), "such as 'run.sh'"),
    "a bomb": (
        lambda: packed(about(), {"frames/a/0.png": bytes(10**8)}, zipfile.ZIP_DEFLATED),
        "frames/a/0.png has more than the 301,056 bytes",
    ),
    "a bomb of JSON": (
        lambda: packed(None, {"profile.json": b" " * 10**8}, zipfile.ZIP_DEFLATED),
        "profile.json has more than the 1,048,576 bytes",
    ),
    "packed strangely": (lambda: packed(about(), {}, zipfile.ZIP_LZMA), "packed or locked"),
    "locked": (locked, "packed or locked"),
    "a JPEG": (lambda: packed(about(), {"frames/a/0.png": jpeg(RED)}), "no whole PNG"),
    "a large picture": (lambda: packed(about(), {"frames/a/0.png": png(225)}), "no whole PNG"),
    "half a picture": (lambda: packed(about(), {"frames/a/0.png": PICTURE[:-50]}), "no whole PNG"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_profile_is_refused_in_a_sentence_and_nothing_changes(
    room: Room, two: TaughtObjects, profiles: Profiles, tmp_path: Path, what: str
) -> None:
    make, says = REFUSED[what]
    (tmp_path / "hers.zip").write_bytes(make())
    before, files = told(two), sorted(room.folder.iterdir())
    with pytest.raises(InputError, match=says) as refused:
        profiles.open(room, tmp_path / "hers.zip", MERGE)
    sentence = str(refused.value)
    assert sentence.startswith("hers.zip was not opened: ") and "; nothing was changed." in sentence
    assert "\n" not in sentence and len(sentence) < 250
    assert room.taught is two and told(two) == before and sorted(room.folder.iterdir()) == files


def test_a_huge_file_is_not_even_looked_at(room: Room, profiles: Profiles, tmp_path: Path) -> None:
    with open(tmp_path / "huge.zip", "wb") as huge:
        huge.truncate(MAX_FILE_BYTES + 2**20)
    with pytest.raises(InputError, match="it has 321 MB, more than 320"):
        profiles.open(room, tmp_path / "huge.zip")
    with pytest.raises(InputError, match="There is no file"):
        profiles.open(room, tmp_path / "none.zip")


def test_what_may_not_be_read_is_not_called_damaged(
    room: Room, profiles: Profiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hers.zip").write_bytes(packed(about()))

    def forbidden(_: Path) -> None:  # for root no file is
        raise PermissionError

    monkeypatch.setattr(file.zipfile, "ZipFile", forbidden)
    with pytest.raises(InputError, match=r"^You may not read .*hers\.zip; ask whoever"):
        profiles.open(room, tmp_path / "hers.zip")
