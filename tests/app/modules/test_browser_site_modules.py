"""What the site does in place of the app: what is taught, opened, kept and undone."""

from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page

from app.device.runtime import learning_files
from model import InputError
from tests.model.media import number_of, numbered, write_video

pytestmark = pytest.mark.browser

# The middle row of each picture that the page makes of a clip; lacks: this browser tells no frames.
READ = """async ([bytes, lacks]) => {
  const { prototype } = HTMLVideoElement;
  const tell = prototype.requestVideoFrameCallback;
  if (lacks) delete prototype.requestVideoFrameCallback;
  try {
    const { pictures } = await import("/page/decode.js");
    const clip = await (await fetch(`data:video/webm;base64,${bytes}`)).blob();
    const wide = 4 * 224;
    const middle = ({ data }) => [...data.slice(112 * wide, 113 * wide)];
    return (await pictures(clip, "clip.webm")).map(middle);
  } finally {
    prototype.requestVideoFrameCallback = tell;
  }
}"""


@pytest.mark.parametrize("lacks", [False, True], ids=["as it plays", "by seeking"])
def test_a_clip_is_looked_at_evenly(page: Page, tmp_path: Path, lacks: bool) -> None:
    """Also one as a browser records it, which does not say how long it is."""
    options = {} if lacks else {"live": "1"}
    frames = (numbered(number) for number in range(120))
    clip = write_video(tmp_path / "clip.webm", "libvpx", frames, container_options=options)
    rows = page.evaluate(READ, [b64encode(clip.read_bytes()).decode(), lacks])
    squares = (np.tile(np.reshape(row, (1, 224, 4)), (224, 1, 1))[..., :3] for row in rows)
    numbers = [number_of(square) for square in squares]
    assert len(numbers) == 40
    assert all(abs(number - (3 * look + 1)) <= 3 for look, number in enumerate(numbers)), numbers


def test_a_full_disk_keeps_no_answer_back(page: Page) -> None:
    found = page.evaluate("""async () => {
      const [open, plain] = [CacheStorage.prototype.open, window.fetch];
      const [kept, beside] = [[], []];
      const put = (request, { status }) => (kept.push(status), Promise.reject(new Error("full")));
      CacheStorage.prototype.open = async () => ({ put, match: async () => undefined });
      await import("/page/offline.js");
      const answers = [];
      for (const status of [200, 206, 404]) {
        window.fetch = async () => new Response("", { status });
        const event = { request: new Request("/one"), waitUntil: (work) => beside.push(work) };
        answers.push(await new Promise((respondWith) =>
          dispatchEvent(Object.assign(new Event("fetch"), event, { respondWith }))).catch(String));
      }
      await Promise.all(beside);
      [CacheStorage.prototype.open, window.fetch] = [open, plain];
      return [answers.map((answer) => answer.status ?? answer), kept];
    }""")
    assert found == [[200, 206, 404], [200]]


def test_of_two_frames_removed_at_once_the_second_is_refused(page: Page) -> None:
    first, second, clips, undo, left = page.evaluate("""async () => {
      const line = await local();
      await line.record("mug", 3);
      const [{ id: thing, clips: [{ id: clip }] }] = line.state.things;
      const remove = (frame) => line.ask({ do: "remove frame", thing, clip, frame });
      const told = await Promise.allSettled([remove(0), remove(1)]);
      const cut = orders.filter((order) => order.do === "cut").map(({ id }) => id);
      const clips = line.state.things[0].clips.map(({ id }) => cut.indexOf(id));
      await line.ask({ do: "undo" });
      const left = dropped().map((id) => cut.indexOf(id));
      return [told[0].status, told[1].reason?.message, clips, line.state.undo, left];
    }""")
    assert first == "fulfilled"
    assert second == "That clip is not here any more."
    assert clips == [0] and undo is None, "one removal, taken back by one undo"
    assert left == [1, 0], "the worker has neither of what was cut"


def test_a_thing_that_is_recorded_in_other_capitals_is_the_one_that_is_taught(page: Page) -> None:
    name = page.evaluate("""async () => {
      const line = await local();
      await line.record("Mug", 3);
      return (await line.ask({ do: "record", name: " mUG " })).name;
    }""")
    assert name == "Mug"


def test_capitals_are_those_of_the_app(page: Page) -> None:
    """A file of the site's may have no two names that the app takes for one, nor the other way."""
    names = [
        "straße",
        "STRASSE",
        "ΣΑΣ",
        "σασ",
        "ﬁn",
        "FIN",
        "Éclair",
        "éclair",
        "mug",
        "mugs",
        "ключ",
    ]
    told = page.evaluate(
        """async (names) => {
          const { Taught } = await import("/page/taught.js");
          const of = (name) => new Taught([{ id: "a", name, clips: [] }]);
          return names.map((one) => names.map((other) => Boolean(of(one).named(other))));
        }""",
        names,
    )
    assert told == [[one.casefold() == other.casefold() for other in names] for one in names]


def test_what_is_refused_leaves_no_frames_in_the_worker(page: Page) -> None:
    full, asked, broken, broken_left, refused, refused_left = page.evaluate("""async () => {
      const line = await local();
      window.manifest = listing(Array(31).fill(20));
      const full = await line.openProfile(new Blob(), "", "big.zip");
      const asked = orders.filter((order) => order.do === "unpack").map(({ ids }) => ids.length);
      window.manifest = listing([...Array(29).fill(20), 10]);
      window.broken = "unpack";
      const broken = await line.openProfile(new Blob(), "", "half.zip");
      window.broken = "";
      const brokenLeft = dropped().length;
      await line.openProfile(new Blob(), "", "whole.zip");
      const refused = await line.record("mug", 20).catch(({ message }) => message);
      const { id } = orders.find((order) => order.do === "keep");
      const text = ({ problem }) => problem?.message ?? problem;
      const refusedLeft = dropped().slice(brokenLeft).map((one) => one === id);
      return [text(full), asked, text(broken), brokenLeft, refused, refusedLeft];
    }""")
    assert full.startswith("That would make 620 frames, more than the 600")
    assert asked == [0], "which its list says already"
    assert broken.startswith("That failed here") and broken_left == 30
    assert refused.startswith("That would make 610 frames") and refused_left == [True]


def test_a_file_that_lists_nonsense_is_refused(page: Page) -> None:
    try:
        learning_files()
    except InputError as missing:
        pytest.skip(str(missing))
    found = page.evaluate("""async () => {
      const { unpack } = await import("/page/adapt/profile.js");
      const { zipSync } = await import("/runtime/learning.min.mjs");
      const opened = async (thing, clip) => {
        const clips = [{ id: "c0", frames: 1, ...clip }];
        const things = [{ id: "thing-0", name: "mug", clips, ...thing }];
        const manifest = { format: "teach-it-your-things", version: 1, things, foreign: [] };
        const zip = zipSync({ "profile.json": new TextEncoder().encode(JSON.stringify(manifest)) });
        const refused = ({ values }) => values.reason.key;
        return unpack(new Blob([zip]), "it", new Set()).then(({ found }) => found.size, refused);
      };
      return Promise.all([
        opened({ name: 5 }), opened({ id: 5 }), opened({}, { id: 5 }), opened({}, { frames: 1.5 }),
        opened({}, { frames: "1" }), opened({}, { frames: 21 }),
        opened({}, {}), // of which nothing was wanted
      ]);
    }""")
    assert found == [*["profile-list"] * 6, 0]


def test_an_undo_brings_back_no_clip_that_a_file_has_brought(page: Page) -> None:
    found = page.evaluate("""async () => {
      const { Taught } = await import("/page/taught.js");
      const { join } = await import("/page/joining.js");
      const [one, other] = [{ id: "c0", frames: 3 }, { id: "c1", frames: 2 }];
      const taught = new Taught().add("mug", one).add("mug", other);
      const file = { things: taught.things, foreign: [] };
      const ids = ({ present }) => present.map(({ id }) => id);
      const [mug] = taught.things;
      const shorter = taught.replaceClip(mug.id, "c0", { id: "c2", frames: 2 });
      const gone = join(taught.remove(mug.id), file, "");
      return [
        ids(join(taught.removeClips(mug.id, ["c0"]), file, "").undo()),
        ids(join(shorter, file, "").undo()),
        ids(gone.rename(gone.things[0].id, "cup").undo()),
        ids(taught.removeClips(mug.id, ["c0"]).undo()),
      ].map((one) => one.toSorted());
    }""")
    assert found == [["c0", "c1"]] * 4


def test_what_undo_holds_is_bounded_by_frames(page: Page) -> None:
    many, few, back = page.evaluate("""async () => {
      const { Taught, MAX_FRAMES } = await import("/page/taught.js");
      const clip = (id, frames) => ({ id, frames });
      let [many, few] = [new Taught(), new Taught()];
      for (let n = 0; n < 5; n++) many = many.add(`${n}`, clip(`c${n}`, 250)).remove(`thing-c${n}`);
      for (let n = 0; n < 30; n++)
        few = few.add("cup", clip(`${n}`, 1)).removeClips("thing-0", [`${n}`]);
      // A thing that finds no room is what comes back once a clip has made some.
      let full = new Taught().add("mug", clip("m", 300)).remove("thing-m");
      full = full.add("cup", clip("a", 300)).add("cup", clip("b", MAX_FRAMES - 300));
      const { removed } = full.removeClips("thing-a", ["a"]);
      return [many.needed.toSorted(), few.removed.length, removed.at(-1).thing?.name];
    }""")
    assert many == ["c3", "c4"], "and the worker forgets the others"
    assert few == 20 and back == "mug"


def test_no_model_is_given_that_is_older_than_the_things(page: Page) -> None:
    one, early, names, renamed, now = page.evaluate("""async () => {
      const line = await local();
      const model = () => line.model().then(({ names }) => names, ({ message }) => message);
      const learned = () => new Promise((settle) => {
        line.addEventListener("learned", settle, { once: true });
      });
      await line.record("mug", 2);
      const one = await model();
      let lesson = learned();
      await line.record("keys", 2);
      const early = await model();
      await lesson;
      const names = await model();
      lesson = learned();
      await line.ask({ do: "rename", thing: line.state.things[0].id, name: "cup" });
      const renamed = await model();
      await lesson;
      return [one, early, names, renamed, await model()];
    }""")
    assert one == "Nothing is learned yet; teach two things first."
    assert early.startswith("Your things are not learned yet; wait")
    assert names == ["mug", "keys"] and renamed == early and now == ["cup", "keys"]
