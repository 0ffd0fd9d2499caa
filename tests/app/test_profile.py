"""The file of what one person taught: the same comes back, or nothing changes, whoever made it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.__main__ import main
from app.decode.decoder import Decoder
from app.live.gate import GONE
from app.live.profile import profile_routes
from app.profile.file import MAX_FILE_BYTES, read_profile, write_profile
from app.profile.manifest import FORMAT, VERSION
from app.profile.opening import MERGE, RENAME, Profiles, SameNames
from app.rooms import Room
from app.session import MAX_FOREIGN, MAX_FRAMES, MAX_THINGS, Clip, TaughtObjects
from model import InputError, load_adapted, load_model
from model.frames import encode_png
from tests.app.fakes import BLUE, GREEN, RED, House, Page, frames, jpeg
from tests.model.media import numbered, write_video
from tests.tiny import write_tiny

ODD = ("🔑 keys", "מפתחות", "../../etc/passwd", "x" * 100, "a/b\\c", "=cmd()", "café", "...", "CON")
VERSIONS = sorted((Path(__file__).parent / "profiles").glob("version-*.zip"))
PICTURE = encode_png(frames(RED, 1)[0])


@pytest.fixture
def profiles(home: House) -> Profiles:
    return Profiles(home.handlers, lambda room, path: read_profile(path))


@pytest.fixture
def two(home: House, room: Room) -> TaughtObjects:
    """A mug and keys, and a moment that is neither; what `room` is taught."""
    chance = np.random.default_rng(0)
    for name, count in (("mug", 3), ("keys", 2), ("mug", 1)):
        clip = room.keep(chance.integers(0, 256, (count, 224, 224, 3), np.uint8))
        home.handlers.change(room, lambda taught, n=name, c=clip: taught.add(n, c), [clip])
    clip = room.keep(frames(GREEN, 2))
    home.handlers.change(room, lambda taught: taught.reject(clip), [clip])
    return room.taught


def told(taught: TaughtObjects) -> list[Any]:
    """Everything that a profile keeps, pixels included."""
    things = [(thing.id, thing.name, *map(pixels, thing.clips)) for thing in taught.things]
    return [things, [pixels(clip) for clip in taught.foreign]]


def pixels(clip: Clip) -> tuple[str, bytes]:
    return clip.id, clip.frames.tobytes()


# ---- the same comes back ------------------------------------------------------------------------


def test_everything_comes_back_pixel_by_pixel(
    home: House, room: Room, two: TaughtObjects, profiles: Profiles, tmp_path: Path
) -> None:
    for name in ODD:
        clip = room.keep(frames(BLUE, 1))
        room.taught = room.taught.add(name, clip)
    assert [thing.name for thing in room.taught.things] == ["mug", "keys", *ODD]
    profiles.save(room, tmp_path / "a.zip", {"speak": "changes"})
    other = home.rooms.open()
    page = Page(other)
    opened = profiles.open(other, tmp_path / "a.zip")
    assert (opened.things, opened.frames) == (2 + len(ODD), 8 + len(ODD))
    assert opened.settings == {"speak": "changes"}
    assert told(other.taught) == told(room.taught)
    assert len(page.wait("clip")["thumbs"]) == 3, "the page is told what it shows"
    profiles.save(other, tmp_path / "b.zip", {"speak": "changes"})
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as file:
        names = file.namelist()
    assert all(name.isascii() and ".." not in name for name in names), "no name is an entry's"
    inside = {path.parent for path in tmp_path.rglob("*.npy")}
    assert inside == {room.folder, other.folder}


def test_one_clip_is_a_profile_of_its_own(
    home: House, room: Room, two: TaughtObjects, profiles: Profiles, tmp_path: Path
) -> None:
    """So a page keeps what is taught clip by clip, and hands it back in any order."""
    other = home.rooms.open()
    for clip in [*two.present()][::-1]:
        profiles.save(room, tmp_path / "one.zip", {}, clip.id)
        for times in range(2):  # also when the network made it uncertain whether it arrived
            assert profiles.open(other, tmp_path / "one.zip").frames == (0 if times else clip.count)
    mug, keys = two.things
    found = {thing.id: {clip.id for clip in thing.clips} for thing in other.taught.things}
    assert found == {t.id: {clip.id for clip in t.clips} for t in (mug, keys)}
    assert {thing.name for thing in other.taught.things} == {"mug", "keys"}
    assert other.taught.foreign_clips == two.foreign_clips


def test_a_file_of_every_version_is_kept_here_and_opens(
    home: House, room: Room, profiles: Profiles
) -> None:
    assert [path.name for path in VERSIONS] == [f"version-{n + 1}.zip" for n in range(VERSION)]
    for path in VERSIONS:
        opened = profiles.open(room, path)
        assert (opened.things, opened.frames, opened.settings) == (2, 6, {"speak": "changes"})
        assert [thing.name for thing in room.taught.things] == ["🔑 keys", "../mug"]
        assert [thing.shots for thing in room.taught.things] == [2, 3]
        assert (room.taught.foreign[0].frames == frames(BLUE, 1)).all()
        home.handlers.forget_everything(room)


# ---- beside what is there -----------------------------------------------------------------------


@pytest.fixture
def hers(home: House, profiles: Profiles, tmp_path: Path) -> Path:
    """Another person's file: her MUG, and a pen."""
    room = home.rooms.open()
    for name, colour in (("MUG", RED), ("pen", BLUE)):
        room.taught = room.taught.add(name, room.keep(frames(colour)))
    profiles.save(room, tmp_path / "hers.zip", {})
    return tmp_path / "hers.zip"


@pytest.mark.parametrize(
    ("same", "names", "mugs"),
    [(MERGE, ["mug", "keys", "pen"], 3), (RENAME, ["mug", "keys", "MUG 2", "pen"], 2)],
)
def test_two_peoples_things_of_one_name_are_put_together_or_told_apart(
    room: Room,
    two: TaughtObjects,
    profiles: Profiles,
    hers: Path,
    same: str,
    names: list,
    mugs: int,
) -> None:
    with pytest.raises(SameNames, match=r"by the same name: MUG\. Is it") as asked:
        profiles.open(room, hers)
    assert asked.value.names == ("MUG",) and room.taught is two
    assert profiles.open(room, hers, same).frames == 6
    assert [thing.name for thing in room.taught.things] == names
    assert len(room.taught.things[0].clips) == mugs
    files = len(list(room.folder.iterdir()))
    assert profiles.open(room, hers, MERGE).frames == 0, "what is here already stays as it is"
    assert len(list(room.folder.iterdir())) == files == len(list(room.taught.clips()))


def test_an_older_file_of_ones_own_brings_back_what_went_and_undo_still_works(
    home: House, room: Room, two: TaughtObjects, profiles: Profiles, tmp_path: Path
) -> None:
    profiles.save(room, tmp_path / "old.zip", {})
    mug, keys = two.things
    home.handlers.change(room, lambda taught: taught.rename(keys.id, "my keys"))
    home.handlers.change(room, lambda taught: taught.remove_clips(mug.id, [mug.clips[0].id]))
    home.handlers.change(room, lambda taught: taught.remove(keys.id))
    assert profiles.open(room, tmp_path / "old.zip").frames == 5
    assert [thing.name for thing in room.taught.things] == ["mug", "keys"]
    home.handlers.change(room, lambda taught: taught.undo())
    home.handlers.change(room, lambda taught: taught.undo())
    ids = [clip.id for clip in room.taught.present()]
    assert len(set(ids)) == len(ids) and [t.shots for t in room.taught.things] == [7, 2, 2]
    assert len({thing.id for thing in room.taught.things}) == 3


def test_what_would_be_too_much_is_refused_before_it_is_read(
    home: House, room: Room, profiles: Profiles, hers: Path
) -> None:
    for index in range(MAX_THINGS):
        clip = Clip(f"c{index}", 1, frames(RED, 1))
        room.taught = room.taught.add(f"thing {index}", clip)
    before = room.taught
    with pytest.raises(InputError, match=f"There are {MAX_THINGS} things; remove one"):
        profiles.open(room, hers)
    assert room.taught is before and not list(room.folder.iterdir())


# ---- whoever made it ----------------------------------------------------------------------------


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
    with zipfile.ZipFile(data, "w", kind) as file:
        if manifest is not None:
            file.writestr("profile.json", json.dumps(manifest))
        for name, content in ({"frames/a/0.png": PICTURE} | (entries or {})).items():
            file.writestr(name, content)
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
    with open(tmp_path / "huge.zip", "wb") as file:
        file.truncate(MAX_FILE_BYTES + 2**20)
    with pytest.raises(InputError, match="it has 321 MB, more than 320"):
        profiles.open(room, tmp_path / "huge.zip")
    with pytest.raises(InputError, match="There is no file"):
        profiles.open(room, tmp_path / "none.zip")


def test_there_must_be_something_to_save(room: Room, profiles: Profiles, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is nothing to save yet"):
        profiles.save(room, tmp_path / "a.zip", {})
    room.taught = TaughtObjects().add("mug", room.keep(frames(RED)))
    with pytest.raises(InputError, match="The file could not be made: No such file"):
        profiles.save(room, tmp_path / "none" / "a.zip", {})


# ---- from the page, and on the command line -----------------------------------------------------


@pytest.fixture
def client(home: House, tmp_path: Path) -> Iterator[TestClient]:
    """The routes, with the decoder's own child processes."""
    (tmp_path / "empty").mkdir()
    decoder, server = Decoder(tmp_path / "empty"), FastAPI()
    server.include_router(profile_routes(home.rooms, Profiles(home.handlers, decoder.read_profile)))
    with TestClient(server) as client:
        yield client
    decoder.close()


def test_a_page_saves_and_opens_by_its_token(
    home: House, room: Room, two: TaughtObjects, client: TestClient, tmp_path: Path
) -> None:
    own = {"authorization": f"Bearer {room.token}"}
    for headers in ({}, {"authorization": "Bearer guess"}):
        assert client.get("/profile", headers=headers).json() == {"problem": GONE}
        assert client.post("/profile", headers=headers, content=b"").status_code == 401
    saved = client.get("/profile", headers=own | {"x-settings": '{"speak": "off"}'})
    assert saved.headers["content-disposition"] == 'attachment; filename="my-things.zip"'
    for settings in ("[", "7", '{"speak": "\\ud800"}'):
        refused = client.get("/profile", headers=own | {"x-settings": settings})
        assert refused.status_code == 400 and "reload the page" in refused.json()["problem"]
    assert client.get("/profile?clip=gone", headers=own).status_code == 204
    other = home.rooms.open()
    hers = {"authorization": f"Bearer {other.token}"}
    opened = client.post("/profile", headers=hers, content=saved.content).json()
    assert opened == {"things": 2, "frames": 8, "settings": {"speak": "off"}}
    assert told(other.taught) == told(two)
    other.taught = TaughtObjects().add("keys", other.keep(frames(RED)))
    asked = client.post("/profile", headers=hers, content=saved.content).json()
    assert asked["same"] == ["keys"] and "Is it the same thing?" in asked["problem"]
    for content, says in ((REFUSED["a bomb"][0](), "301,056 bytes"), (b"x", "it is no zip")):
        named = hers | {"x-file": "a%20file.zip"}
        refused = client.post("/profile", headers=named, content=content)
        assert refused.status_code == 400 and says in refused.json()["problem"]
        assert refused.json()["problem"].startswith("a file.zip was not opened")
    assert [thing.name for thing in other.taught.things] == ["keys"]
    assert {path.suffix for path in room.folder.iterdir()} == {".npy"}, "no file is left behind"


def test_a_saved_file_is_a_support_set_on_the_command_line(
    room: Room, two: TaughtObjects, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, tiny = tmp_path / "mine.zip", str(write_tiny(tmp_path / "tiny"))
    write_profile(saved, two, {})
    video = write_video(tmp_path / "a.mp4", "libx264", [numbered(n, 64, 48) for n in range(3)])
    given, out = ["--profile", str(saved), "--checkpoint", tiny], tmp_path / "a.csv"
    model = tmp_path / "mine.onnx"
    assert main(["recognise", *given, "--video", str(video), "--out", str(out)]) == 0
    assert "mug,keys" in out.read_text().splitlines()[0]
    assert main(["report", *given]) == 0
    assert main(["export", *given, "--out", str(model)]) == 0
    capsys.readouterr()
    same = load_model(tiny).adapt(two.support())
    picture = frames(GREEN, 1)
    assert np.array_equal(load_adapted(model).predict(picture), same.predict(picture))
    assert main(["export", *given, "--out", str(saved)]) == 2
    assert "is one of the files given" in capsys.readouterr().err
    write_profile(saved, two.remove(two.things[0].id), {})
    assert main(["export", *given, "--out", str(model)]) == 2
    assert "holds 1 things with a clip; teach at least 2." in capsys.readouterr().err
    saved.write_bytes(b"x")
    assert main(["report", *given]) == 2
    assert capsys.readouterr().err.startswith("mine.zip was not opened: it is no zip")
