"""A short crowd at a real server: nobody gets an error or another's names; `make load` measures."""

import asyncio
from pathlib import Path

import pytest

from tests.app.server import start
from tests.load.__main__ import crowd


@pytest.mark.slow
def test_four_people_at_once_are_answered_and_see_only_their_own(tmp_path: Path) -> None:
    server = start(tmp_path)
    try:
        met = asyncio.run(crowd(server, range(1, 5), 20))
    finally:
        server.stop()
    assert [error for person in met.people for error in person.errors] == []
    assert not any(person.foreign for person in met.people)
    assert all(person.learned and len(person.delays) > 20 for person in met.people)
