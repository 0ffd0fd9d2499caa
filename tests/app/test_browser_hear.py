"""In a real browser: tones and shaking while one records, and a tone that leads to a thing."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, expect

from tests.app.people import PHONE, Person, person
from tests.app.server import Server

pytestmark = pytest.mark.browser
# Stand-ins for loudspeaker, voice and motor, which note what they were to do.
STUB = """
window.tones = [];
window.said = [];
window.shaken = [];
window.AudioContext = class {
  currentTime = 0;
  state = "running";
  createOscillator() {
    const frequency = { value: 0 };
    const start = () => tones.push(frequency.value);
    return { frequency, connect: (next) => next, start, stop() {} };
  }
  createGain() {
    const gain = { setValueAtTime() {}, linearRampToValueAtTime() {} };
    return { gain, connect: (next) => next };
  }
};
navigator.vibrate = (pattern) => shaken.push(pattern);
Object.defineProperty(window, "speechSynthesis", {
  value: { speak: (sentence) => said.push(sentence.text), cancel() {} },
});
"""
START, TICK, STOP, KEPT, WRONG = 660, 990, 440, [523, 784], 196
# An answer that sees `names[0]` with probability p in a box around x, y.
SEEN = """(x, y, p = 0.95, named = true) => ({
  names: ["keys", "mug"], p: [p, 1 - p], named, where: [x - 0.2, y - 0.2, x + 0.2, y + 0.2] })"""

# The page's own finder sees the thing at (x, 0.5), until it is told otherwise.
LOOK = """([seen, x]) => {
  const { find } = document.querySelector("teach-and-watch").sight;
  find.lose = () => {}; // nothing is learned here, so the page itself sees nothing
  clearInterval(window.look);
  const look = () => find.see(eval(seen)(x, 0.5));
  window.look = setInterval(look, 20);
  look();
  tones.length = 0;
}"""


@pytest.fixture
def someone(browser: Browser, quick: Server) -> Iterator[Person]:
    with person(browser, quick.url, script=STUB, **PHONE) as someone:
        expect(someone.page.locator(".toggle")).to_have_text("Stop camera", timeout=15_000)
        yield someone


def test_a_recording_is_heard_and_felt(someone: Person) -> None:
    page = someone.page
    someone.press("Record")
    expect(page.locator(".trouble")).to_be_visible()
    assert page.evaluate("tones") == [WRONG] and page.evaluate("shaken.length") == 1
    page.evaluate("tones.length = shaken.length = 0")
    page.get_by_label("Speak").select_option("everything")
    someone.name("mug")
    someone.press("Record")
    expect(page.locator(".card .count")).to_contain_text("1 clip", timeout=15_000)
    page.wait_for_function("said.some((text) => text.startsWith('Kept'))")
    assert page.evaluate("tones") == [START, *[TICK] * 4, STOP, *KEPT], "a tick each second"
    assert page.evaluate("shaken.length") == 3
    kept = page.locator(".outcome").inner_text()
    assert page.evaluate("said") == ["Recording mug", *"4321", f"{kept} Now a second thing."]
    page.get_by_label("Tones").uncheck()
    page.evaluate("tones.length = 0")
    someone.press("Record")
    expect(page.locator(".trouble")).to_be_visible()
    assert page.evaluate("tones") == []


def test_a_tone_leads_to_a_thing(someone: Person) -> None:
    page = someone.page
    ways = page.evaluate(
        """async (seen) => {
          const { bearing } = await import("/page/find.js");
          const at = eval(seen);
          const way = (answer, target = "keys", flip = false) => bearing(answer, target, flip).way;
          const middle = at(0.5, 0.5);
          return [
            way(at(0.2, 0.5)), way(at(0.8, 0.6)), way(at(0.5, 0.2)), way(at(0.5, 0.8)),
            way(middle), way(at(0.5, 0.5, 0.6)), way(at(0.5, 0.5, 0.95, false)), way(middle, "mug"),
            way(at(0.2, 0.5), "keys", true), way(at(0.5, 0.2), "keys", true),
          ];
        }""",
        SEEN,
    )
    assert ways == ["left", "right", "up", "down", "here", "closer", "away", "away", "right", "up"]
    expect(page.locator(".find")).to_be_hidden()
    page.evaluate("document.querySelector('teach-and-watch').sight.find.offer(['keys', 'mug'])")
    page.get_by_label("Find").select_option("keys")
    heard = []
    for x in (0.05, 0.2, 0.3, 0.4, 0.5):
        page.evaluate(LOOK, [SEEN, x])
        page.wait_for_function("tones.length > 2")
        heard.append(page.evaluate("tones.at(-1)"))
    assert all(one < nearer for one, nearer in pairwise(heard)), heard
    expect(page.locator(".finding")).to_have_text("keys: here, in the middle")
    expect(page.locator("teach-and-watch > [role=status]")).to_have_text("here, in the middle")
    rates = page.evaluate(
        "import('/page/find.js').then(({ tone }) => [0, 0.5, 1].map((c) => tone(c).rate))"
    )
    assert rates == sorted(set(rates))
    page.get_by_label("Find").select_option("nothing")
    expect(page.locator(".finding")).to_be_hidden()
    page.evaluate("tones.length = 0")
    page.wait_for_timeout(1500)
    assert page.evaluate("tones") == []
