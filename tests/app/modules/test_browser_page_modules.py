"""The page's modules over stand-ins: the camera, what is said of it, and what a person is told."""

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import FilePayload, Page, expect

pytestmark = pytest.mark.browser


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


def test_a_hint_goes_with_the_line(page: Page) -> None:
    assert (
        page.evaluate("""async () => {
      const teach = await visit();
      const line = new EventTarget();
      teach.enter(Object.assign(line, { ask: async () => ({}), here: false }));
      const advice = teach.$(".advice");
      advice.textContent = "Cut off at the left.";
      line.dispatchEvent(new Event("lost"));
      return advice.textContent;
    }""")
        == ""
    )


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


def test_what_changes_elsewhere_takes_no_focus(page: Page) -> None:
    """A thing goes, comes or grows, or a moment comes, while somebody is at another one."""
    focused = page.evaluate("""async () => {
      const { Things } = await import("/page/things.js");
      document.body.innerHTML = `<ul></ul><details open><summary></summary><ul></ul></details>`;
      const [list, foreign] = [document.querySelector("ul"), document.querySelector("details")];
      const things = new Things(list, foreign, {});
      const clips = (...ids) => ids.map((id) => ({ id, frames: 1 }));
      for (const id of "abcdem") things.addClip({ id, thumbs: ["data:,"] });
      const mug = { id: "1", name: "mug", clips: clips("a") };
      const keys = { id: "2", name: "keys", clips: clips("b") };
      const pen = { id: "3", name: "pen", clips: clips("c") };
      const stays = [];
      const at = (find, next, moments = clips("m")) => {
        things.update([mug, keys], clips("m"));
        const all = list.children[1].querySelector("details");
        all.open = true;
        all.dispatchEvent(new Event("toggle"));
        const place = find(list.children[1]);
        place.focus();
        const before = document.activeElement === place;
        things.update(next, moments);
        stays.push(before && document.activeElement === place);
      };
      const rename = (card) => card.querySelector(".tools button:nth-of-type(2)");
      const frame = (card) => card.querySelector(".clips button, .clips [tabindex]");
      at(rename, [keys]);
      at(rename, [pen, mug, keys]);
      at(rename, [mug, { ...keys, clips: clips("b", "d") }]);
      at(frame, [{ ...mug, clips: clips("a", "e") }, keys, pen]);
      at(frame, [keys]);
      at(frame, [pen, mug, keys]);
      at(frame, [mug, keys], clips("m", "e"));
      at(() => foreign.querySelector("button"), [mug]);
      at(() => foreign.querySelector("button"), [mug, keys], clips("m", "e"));
      return stays;
    }""")
    assert focused == [True] * 9
