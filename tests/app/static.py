"""The site on a static host, and adapting in its page to what Python gives it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from uuid import uuid4

import numpy as np
from playwright.sync_api import Page

from app.profile.file import write_profile
from app.session import Clip, TaughtObjects

# A worker of its own keeps what a profile holds and adapts to it: {seconds, model in base64}.
ADAPT = """async ([url, things, foreign]) => {
  globalThis.worker ??= new Worker("./page/adapt/worker.js", { type: "module" });
  globalThis.order = (globalThis.order ?? 0) + 1;
  const ask = (order) => new Promise((settle, reject) => {
    worker.onmessage = ({ data }) => {
      if (data.type === "done") settle(data);
      if (data.type === "undone") reject(new Error(data.text));
    };
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(order);
  });
  if (globalThis.order === 1) await ask({ do: "open" });
  const ids = [...things.flatMap((one) => one.clips), ...foreign];
  await ask({ do: "unpack", name: "it", file: await (await fetch(url)).blob(), ids });
  const { model, seconds } = await ask({ do: "learn", things, foreign, order: globalThis.order });
  await ask({ do: "drop", ids });
  const file = new FileReader();
  const read = new Promise((settle) => { file.onload = () => settle(file.result.split(",")[1]); });
  file.readAsDataURL(new Blob([model]));
  return { seconds, model: await read };
}"""


class Quiet(SimpleHTTPRequestHandler):
    """As http.server has it, without its log; what is kept is the service worker's doing alone."""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def static_host(folder: Path) -> Iterator[tuple[str, ThreadingHTTPServer]]:
    """`python -m http.server` in a folder."""
    handler = partial(Quiet, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as host:
        Thread(target=host.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{host.server_port}/", host
        host.shutdown()


def profile(
    path: Path, objects: dict[str, list[np.ndarray]], foreign: Sequence[np.ndarray] = ()
) -> TaughtObjects:
    """Write one of clips (T, 224, 224, 3) and of moments."""
    taught, new = TaughtObjects(), uuid4().hex[:8]  # what a clip's id is known for stays known
    for k, (name, clips) in enumerate(objects.items()):
        for n, clip in enumerate(clips):
            taught = taught.add(name, Clip(f"{new}-{k}-{n}", len(clip), clip))
    for n, clip in enumerate(foreign):
        taught = taught.reject(Clip(f"{new}-{n}", len(clip), clip))
    write_profile(path, taught, {})
    return taught


def adapt_in_page(
    page: Page,
    folder: Path,
    objects: dict[str, list[np.ndarray]],
    foreign: Sequence[np.ndarray] = (),
) -> tuple[bytes, float]:
    """The file that the page makes of clips (T, 224, 224, 3), and its seconds; folder: the site."""
    taught = profile(folder / "taught.zip", objects, foreign)
    things = [{"name": t.name, "clips": [c.id for c in t.clips]} for t in taught.things]
    moments = [clip.id for clip in taught.foreign]
    found = page.evaluate(ADAPT, ["./taught.zip", json.loads(json.dumps(things)), moments])
    return base64.b64decode(found["model"]), found["seconds"]
