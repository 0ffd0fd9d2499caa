"""The file of what one person taught: the same comes back, or nothing changes, whoever made it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.__main__ import main
from app.decode.decoder import Decoder
from app.live.gate import GONE
from app.live.profile import profile_routes
from app.profile.file import write_profile
from app.profile.manifest import VERSION
from app.profile.opening import MERGE, RENAME, Profiles, SameNames
from app.rooms import Room
from app.session import MAX_THINGS, Clip, TaughtObjects
from model import InputError, load_adapted, load_model
from model.frames import encode_png
from tests.app.fakes import BLUE, GREEN, RED, House, Page, frames, told
from tests.model.media import numbered, write_video
from tests.tiny import write_tiny

ODD = ("🔑 keys", "מפתחות", "../../etc/passwd", "x" * 100, "a/b\\c", "=cmd()", "café", "...", "CON")
VERSIONS = sorted((Path(__file__).parent / "profiles").glob("version-*.zip"))
PICTURE = encode_png(frames(RED, 1)[0])


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
        assert client.get("/profile", headers=headers).json()["said"] == GONE.message
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
    named = hers | {"x-file": "a%20file.zip"}
    refused = client.post("/profile", headers=named, content=b"x")
    assert refused.status_code == 400
    assert refused.json()["problem"].startswith("a file.zip was not opened: it is no zip")
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
