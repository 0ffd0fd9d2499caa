"""A browser with tabs, of which one can hide another.

Playwright keeps every page visible, as it would be for somebody who looks at it; what a page does
while nobody sees it is asked by Chromium's own protocol.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import connect
from websockets.sync.connection import Connection

from tests.app.decode.files import until

# In a browser's profile: the port that it took, and the path of its socket.
PORT_FILE = "DevToolsActivePort"


class Tabs:
    """The first tab is the page; another hides it."""

    def __init__(self, socket: Connection) -> None:
        self._socket, self._asked = socket, 0
        found = self._ask("Target.getTargets")["targetInfos"]
        self._page = next(one["targetId"] for one in found if one["type"] == "page")
        attached = self._ask("Target.attachToTarget", targetId=self._page, flatten=True)
        self._session = attached["sessionId"]

    def open(self, url: str) -> None:
        self._ask("Page.navigate", self._session, url=url)

    def evaluate(self, script: str) -> Any:
        """What the page answers; promises are waited for."""
        told = self._ask(
            "Runtime.evaluate",
            self._session,
            expression=script,
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def wait_for(self, script: str, seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not self.evaluate(script):
            assert time.monotonic() < end, f"waited in vain for {script}"
            time.sleep(0.1)

    def hide(self) -> None:
        """Open another tab in front of it."""
        self._ask("Target.createTarget", url="about:blank")
        self.wait_for("document.hidden")

    def show(self) -> None:
        self._ask("Target.activateTarget", targetId=self._page)
        self.wait_for("!document.hidden")

    def _ask(self, method: str, session: str | None = None, **values: Any) -> dict[str, Any]:
        self._asked += 1
        order = {"id": self._asked, "method": method, "params": values}
        self._socket.send(json.dumps(order | ({"sessionId": session} if session else {})))
        while True:
            told = json.loads(self._socket.recv(timeout=60))
            if told.get("id") == self._asked:
                assert "error" not in told, told
                return told["result"]


@contextmanager
def tabs(profile: Path, *flags: str) -> Iterator[Tabs]:
    """A browser of its own, which keeps its things in the empty folder `profile`."""
    program = shutil.which("chromium")
    assert program
    own = ("--headless=new", "--no-sandbox", "--remote-debugging-port=0")
    command = [program, *own, f"--user-data-dir={profile}", *flags, "about:blank"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as browser:
        try:
            told = profile / PORT_FILE
            until(lambda: told.exists() and len(told.read_text().splitlines()) == 2, 60)
            where = told.read_text().splitlines()
            with connect(f"ws://127.0.0.1:{where[0]}{where[1]}", max_size=None) as socket:
                yield Tabs(socket)
        finally:
            browser.terminate()
