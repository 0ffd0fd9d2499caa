"""Clips that a page sends: taken, or refused in a sentence; a few at once."""

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

import app.live
import app.live.receiving
from app.live import GONE
from app.live.receiving import COMING, MAX_UPLOADS, one_more, receive
from app.rooms import Room
from model import InputError


def upload(client: TestClient, token: str, name: str, body: bytes, title: str = "a.mp4"):
    headers = {"authorization": f"Bearer {token}", "x-thing": name, "x-file": title}
    return client.post("/clips", content=body, headers=headers)


def test_uploads(client: TestClient, room: Room) -> None:
    assert upload(client, room.token, "my%20%F0%9F%94%91", b"red").json() == {"kept": 3}
    assert [thing.name for thing in room.taught.things] == ["my 🔑"]
    assert [p.suffix for p in room.folder.iterdir()] == [".npy"], "the upload itself is deleted"
    refused = upload(client, room.token, "%20", b"red")
    told = refused.json()
    assert (refused.status_code, told["problem"]) == (400, "An object needs a name.")
    assert told["said"]["key"] == "name-missing"
    stranger = upload(client, "guess", "mug", b"red")
    assert (stranger.status_code, stranger.json()["said"]) == (401, GONE.message)


def test_an_upload_that_is_too_large_is_refused(
    client: TestClient, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.live, "MAX_UPLOAD_BYTES", 2**20)
    assert "larger than 1 MB" in upload(client, room.token, "mug", b"x" * 2**21).json()["problem"]
    pieces = (b"x" * 2**19 for _ in range(4))  # without a content-length
    headers = {"authorization": f"Bearer {room.token}", "x-thing": "mug", "x-file": "a.mp4"}
    told = client.post("/clips", content=pieces, headers=headers).json()["problem"]
    assert "larger than 1 MB" in told and list(room.folder.iterdir()) == []


def test_an_upload_to_a_full_disk_says_so(
    client: TestClient, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(client, room.token, "red", b"red")

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("builtins.open", full)
    told = upload(client, room.token, "blue", b"blue").json()["problem"]
    assert told == "This file could not be saved: No space left on device; what you taught is safe."
    assert [thing.name for thing in room.taught.things] == ["red"]


def test_a_page_sends_a_few_files_at_once_and_another_page_as_well() -> None:
    receiving: Counter[str] = Counter()
    with (
        one_more(receiving, "ada", MAX_UPLOADS, COMING),
        one_more(receiving, "ada", MAX_UPLOADS, COMING),
        one_more(receiving, "bob", MAX_UPLOADS, COMING),
        pytest.raises(InputError, match=f"{MAX_UPLOADS} files are on their way already"),
        one_more(receiving, "ada", MAX_UPLOADS, COMING),
    ):
        raise AssertionError
    assert not receiving


def test_an_upload_that_never_ends_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silence() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    monkeypatch.setattr(app.live.receiving, "UPLOAD_SECONDS", 0.05)
    request = Request({"type": "http", "headers": []}, silence)
    with pytest.raises(InputError, match="The upload took more than"):
        asyncio.run(receive(request, tmp_path / "a.mp4", 2**20, "cut it"))
