"""The page's modules one by one, in a real browser, over stand-ins for what they call."""

from collections.abc import Iterator

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import FilePayload, Page, expect, sync_playwright

from app.device.runtime import learning_files
from model import InputError
from tests.app.people import chromium
from tests.app.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

# Stand-ins for the camera, the voice of the machine and the workers: they note what is asked.
STUBS = """() => {
  const refusal = new DOMException("", "NotAllowedError");
  navigator.mediaDevices.getUserMedia = () => Promise.reject(refusal);
  window.said = [];
  const voice = { speak: ({ text, lang }) => said.push([text, lang]), cancel() {} };
  Object.defineProperty(window, "speechSynthesis", { value: voice });
  window.orders = [];
  window.broken = ""; // the order that fails
  window.manifest = null; // of the file that is opened
  const answers = {
    keep: ({ pictures }) => ({ count: pictures.length, thumbs: [] }),
    cut: () => ({ count: 2, thumbs: [] }),
    unpack: ({ ids }) => ({ manifest, thumbs: Object.fromEntries(ids.map((id) => [id, []])) }),
    learn: ({ order }) => ({ model: new ArrayBuffer(1), seconds: 0, made: order }),
  };
  window.Worker = class {
    async postMessage(order) {
      const { do: what, ref } = order;
      orders.push(order);
      const fails = what === broken && (what !== "unpack" || order.ids.length);
      const told = fails ? { text: "Cannot read x" } : answers[what]?.(order);
      await new Promise((settle) => setTimeout(settle, 5));
      if (ref) this.onmessage({ data: { type: fails ? "undone" : "done", ref, ...told } });
    }
  };
  window.local = async () => { // a page that learns by itself, and what it says it has
    orders.length = 0;
    const line = new (await import("/page/local.js")).Local();
    await new Promise((settle) => line.addEventListener("open", settle));
    line.addEventListener("state", ({ detail }) => { line.state = detail; });
    line.record = async (name, frames) => {
      await line.ask({ do: "record", name });
      for (let n = 0; n < frames; n++) line.frame(n, new ImageData(1, 1));
      return line.ask({ do: "keep" });
    };
    return line;
  };
  window.dropped = () => orders.filter((order) => order.do === "drop").flatMap(({ ids }) => ids);
  window.listing = (counts) => { // a profile of one thing with clips of so many frames
    const clips = counts.map((frames, n) => ({ id: `c${n}`, frames }));
    return { things: [{ id: "thing-0", name: "mug", clips }], foreign: [] };
  };
  window.visit = async () => { // the page of the app, as long as it has no line
    const { TeachAndWatch } = await import("/page/teach.js");
    if (!customElements.get("teach-and-watch"))
      customElements.define("teach-and-watch", class extends TeachAndWatch { begin() {} });
    const page = document.createElement("teach-and-watch");
    document.body.replaceChildren(page);
    return page;
  };
  window.line = (verbs) => Object.assign(new EventTarget(), {
    pace: { measure: () => ({ rate: 0, p95: 0, quiet: 0 }) }, ...verbs });
}"""


@pytest.fixture(scope="module")
def page(quick: Server) -> Iterator[Page]:
    """An empty one of the app's address."""
    with sync_playwright() as playwright, chromium(playwright) as browser:
        page = browser.new_page()
        blank = "<!doctype html><html lang='en'><title>Nothing</title>"
        page.route("**/empty", lambda route: route.fulfill(body=blank, content_type="text/html"))
        page.goto(f"{quick.url}/empty")
        page.evaluate(STUBS)
        yield page


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


def test_a_camera_that_nobody_waits_for_is_off(page: Page) -> None:
    found = page.evaluate("""async () => {
      const { Camera } = await import("/page/camera.js");
      const asked = [];
      const refuse = navigator.mediaDevices.getUserMedia;
      navigator.mediaDevices.getUserMedia = () => new Promise((...settle) => asked.push(settle));
      const stream = () => {
        const track = { on: true, stop() { this.on = false; }, addEventListener() {} };
        return { track, getTracks: () => [track], getVideoTracks: () => [track] };
      };
      const camera = new Camera({ removeAttribute() {}, load() {}, async play() {} });
      const streams = [stream(), stream(), stream()];
      const twice = [camera.start(), camera.start()];
      asked[0][0](streams[0]);
      asked[1][0](streams[1]);
      await Promise.all(twice);
      const on = [streams[0].track.on, streams[1].track.on, camera.playing];
      camera.stop();
      const [stopped, refused] = [camera.start(), camera.start()];
      camera.stop();
      asked[2][0](streams[2]);
      asked[3][1](new DOMException("", "NotAllowedError"));
      await Promise.all([stopped, refused]); // and nobody is told of a camera that was not wanted
      navigator.mediaDevices.getUserMedia = refuse;
      return [...on, ...streams.map(({ track }) => track.on), camera.playing];
    }""")
    assert found == [False, True, "camera", False, False, False, ""]


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


def test_who_saves_or_opens_before_there_is_a_line_waits_for_it(page: Page) -> None:
    page.evaluate("visit().then((page) => { window.teach = page; })")
    page.get_by_role("button", name="Save my things").click()
    expect(page.locator(".keep-state")).to_have_text("Making the file…")
    page.evaluate("""() => {
      const profile = async () => { throw new TypeError("Failed to fetch"); };
      teach.enter(line({ profile }));
      teach.line.dispatchEvent(new Event("open"));
    }""")
    expect(page.locator(".refused")).to_contain_text("That failed here")
    page.evaluate("visit().then((page) => { window.teach = page; })")
    mine: FilePayload = {"name": "mine.zip", "mimeType": "application/zip", "buffer": b""}
    page.locator(".profile-file").set_input_files(mine)
    expect(page.locator(".keep-state")).to_have_text("Opening mine.zip…")
    page.evaluate("teach.enter(null)")
    expect(page.locator(".refused")).to_have_text("The file could not be opened; try again.")
    expect(page.locator(".keep-state")).to_contain_text("What you teach is kept")
    page.get_by_role("button", name="Save my things").click()
    expect(page.locator(".refused")).to_have_text("The file could not be made; try again.")


def test_what_is_not_meant_for_a_person_is_not_shown(page: Page) -> None:
    told = page.evaluate("""async () => {
      const teach = await visit();
      const { Refused } = await import("/page/refused.js");
      const troubles = [new TypeError("Failed to fetch"), new Refused("clip-gone")];
      teach.enter(line({ ask: async () => { throw troubles.shift(); } }));
      teach.line.dispatchEvent(new Event("open"));
      const told = [];
      for (let n = 0; n < 2; n++) {
        await teach.order({ do: "samples" });
        told.push(teach.$(".trouble").textContent);
      }
      window.broken = "keep";
      told.push(await (await local()).record("mug", 2).catch(({ message }) => message));
      window.broken = "";
      return told;
    }""")
    ours = "That failed here; what you taught is safe. Please try again."
    assert told == [ours, "That clip is not here any more.", ours]


def test_a_camera_that_goes_or_does_not_come_is_said(page: Page) -> None:
    region, taken = page.locator("[role=status]"), "The camera was taken away"
    page.evaluate("visit().then((page) => { window.teach = page; })")
    expect(region).to_contain_text("The camera was refused")
    page.evaluate("teach.$('video').dispatchEvent(new Event('lost'))")
    expect(region).to_contain_text(taken)
    page.evaluate("""async () => {
      await import("/page/standalone.js");
      document.body.replaceChildren(document.createElement("see-things"));
    }""")
    expect(region).to_contain_text("The camera was refused")
    page.evaluate("document.querySelector('video').dispatchEvent(new Event('lost'))")
    expect(region).to_contain_text(taken)


def test_speak_everything_speaks_of_what_went_wrong(page: Page) -> None:
    before, said, region = page.evaluate("""async () => {
      const teach = await visit();
      const foreign = Object.assign(new Error("Rien ne va plus."), { lang: "fr" });
      const fail = (speak) => {
        teach.voice.speak = speak;
        teach.trouble.say([foreign, new Error("Two went wrong.")]);
        teach.trouble.say("");
        teach.alarm("The line is gone.");
        teach.alarm("The line is gone."); // tried again
        teach.alarm("");
      };
      await new Promise((settle) => setTimeout(settle)); // the camera has been refused
      said.length = 0;
      ["off", "changes"].forEach(fail);
      const before = said.length;
      fail("everything");
      teach.enter(null);
      teach.$(".keep .tools button").click(); // Save my things
      await new Promise((settle) => setTimeout(settle, 50));
      return [before, said, teach.$("[role=status]").textContent];
    }""")
    assert before == 0, "an alert has it for the screen reader"
    assert said == [
        ["Rien ne va plus.", "fr"],
        ["Two went wrong.", "en"],
        ["The line is gone.", "en"],
        ["The file could not be made; try again.", "en"],
    ]
    assert "wrong" not in region and "gone" not in region


def test_a_tone_leads_only_who_looks(page: Page) -> None:
    seen, old, hidden = page.evaluate("""async () => {
      const { Find } = await import("/page/find.js");
      document.body.innerHTML = "<p class=find><select></select></p><p class=finding></p>";
      let beeps = 0;
      const find = new Find(document.body, { beep: () => beeps++ }, { guide() {} }, () => false);
      find.offer(["keys"]);
      const answer = { names: ["keys"], p: [1], named: true, where: [0.3, 0.3, 0.7, 0.7] };
      const counted = async (ms, look) => {
        beeps = 0;
        const looking = setInterval(look, 50);
        await new Promise((settle) => setTimeout(settle, ms));
        clearInterval(looking);
        return beeps;
      };
      find.choice.value = "keys";
      find.choice.dispatchEvent(new Event("change"));
      const seen = await counted(1500, () => find.see(answer));
      await counted(1100, () => {}); // the camera stopped
      const old = await counted(800, () => {});
      document.body.hidden = true; // another tab is open
      const hidden = await counted(800, () => find.see(answer));
      document.body.hidden = false;
      find.choice.value = "";
      find.choice.dispatchEvent(new Event("change"));
      return [seen, old, hidden];
    }""")
    assert seen > 0 and old == 0 and hidden == 0


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
