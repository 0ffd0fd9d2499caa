"""A browser that keeps nothing, or no more, says so; teaching goes on and nothing is lost."""

from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, expect

from app.profile.file import read_profile
from tests.app.people import person
from tests.app.server import Server

pytestmark = pytest.mark.browser

BLOCKED = """
const refuse = () => { throw new DOMException("The operation is insecure.", "SecurityError"); };
Object.defineProperty(window, "localStorage", { get: refuse });
IDBFactory.prototype.open = refuse;
"""
MISSING = "Object.defineProperty(window, 'indexedDB', { value: undefined });"
PRIVATE = """
IDBFactory.prototype.open = () => {
  const opening = { error: new DOMException("No mutation here.", "InvalidStateError") };
  setTimeout(() => opening.onerror());
  return opening;
};
"""


@pytest.mark.parametrize("why", [BLOCKED, MISSING, PRIVATE], ids=["blocked", "missing", "private"])
def test_where_nothing_is_kept_a_file_can_be_saved(
    browser: Browser, quick: Server, tmp_path: Path, why: str
) -> None:
    with person(browser, quick.url, script=why) as someone:
        page = someone.page
        someone.record("mug")
        state = page.locator(".keep-state")
        expect(state).to_have_text("Not kept: this browser keeps nothing. Save a file instead.")
        with page.expect_download() as download:
            someone.press("Save my things")
        download.value.save_as(tmp_path / "mine.zip")
        with read_profile(tmp_path / "mine.zip") as (kept, _):
            assert [thing.name for thing in kept.things] == ["mug"]


def test_what_finds_no_room_is_kept_once_there_is_some(browser: Browser, quick: Server) -> None:
    with person(browser, quick.url) as someone:
        page = someone.page
        storage = page.context.new_cdp_session(page)
        quota = {"origin": quick.url, "quotaSize": 1}
        storage.send("Storage.overrideQuotaForOrigin", quota)
        someone.record("mug")
        state = page.locator(".keep-state")
        expect(state).to_have_text("Not kept: this browser has no more room. Save a file instead.")
        storage.send("Storage.overrideQuotaForOrigin", {"origin": quick.url})
        someone.record("keys")
        expect(state).to_contain_text("Kept in this browser: 2 clips of 2 things")
        someone.wait_until_learned(2)
        page.reload()
        someone.wait_until_learned(2)
