"""A script at the top of Gradio's page, before Gradio's own.

What Gradio takes as `head` it adds only once it runs, and then its language is chosen already.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOP = b"<head>"


class FirstScript:
    """Adds the script to every page of HTML. Pure ASGI: what streams goes on streaming.

    script: its address, as seen from the page.
    """

    def __init__(self, app: ASGIApp, script: str) -> None:
        self._app = app
        self._added = TOP + f'<script src="{script}"></script>'.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun: Message | None = None  # an answer of HTML whose body is on its way
        body = b""

        async def send_more(message: Message) -> None:
            nonlocal begun, body
            if message["type"] == "http.response.start":
                if _is_page(message):
                    begun = message
                    return
            elif begun:
                body += message.get("body", b"")
                if message.get("more_body"):
                    return
                message["body"] = body.replace(TOP, self._added, 1)
                if body:  # HEAD has none, but says how long it would be
                    headers = MutableHeaders(raw=begun["headers"])
                    headers["content-length"] = str(len(message["body"]))
                await send(begun)
            await send(message)

        await self._app(scope, receive, send_more)


def _is_page(message: Message) -> bool:
    headers = MutableHeaders(raw=message["headers"])
    kind, packed = headers.get("content-type", ""), headers.get("content-encoding")
    return kind.startswith("text/html") and not packed
