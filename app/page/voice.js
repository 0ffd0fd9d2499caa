// What is said: by the screen reader, through one polite live region, or by the app itself, as Speak is set; never by both,
// but for what went wrong, which stands in an alert as well.

import { spoken } from "./language.js";

const PAUSE = 1000; // ms between two sentences of the live region
const HOLD = 1000; // ms that a name must last before it is said
const AGAIN = 10000; // ms within which a name is not said again ...
const LEFT = 2000; // ... unless it was gone for so long

export class Voice {
  #region;
  #waiting = []; // {text, event}: what the live region is to show, the oldest first
  #spoke = -Infinity;
  #timer = 0;
  #seen = { name: "", since: 0, due: false };
  #last = ""; // the name that was said last
  #told = new Map(); // name -> {at: when it was said, seen: when it was seen last}

  /** region: the live region; speak: "off", "changes" (names) or "everything". */
  constructor(region, speak = "off") {
    this.#region = region;
    this.speak = speak;
  }

  /** label: around the <select> that says what is spoken; hidden where nothing can be. */
  heed(label) {
    const choice = label.querySelector("select");
    label.hidden = !("speechSynthesis" in window);
    choice.addEventListener("change", () => (this.speak = choice.value));
  }

  /** Something happened. */
  say(text) {
    if (this.speak === "everything") this.#aloud(text);
    else this.#announce(text, true);
  }

  /** Something went wrong: a sentence, an Error with one, or a list of these; "": nothing did. A screen reader has it from an alert. */
  alarm(told) {
    if (told && this.speak === "everything") for (const one of [told].flat()) this.#aloud(one.message ?? one, false, one.lang);
  }

  /** What to do now, of which only the newest counts. */
  guide(text) {
    if (this.speak === "off") this.#announce(text);
    else this.#aloud(text, true);
  }

  /** So many seconds are left; heard only where the app itself speaks, and never over a sentence. */
  count(left) {
    if (this.speak !== "off" && !speechSynthesis.speaking) this.#aloud(`${left}`);
  }

  /** An answer to somebody who asked: at once, also if it is the same as before. */
  answer(text) {
    if (this.speak !== "off") return this.#aloud(text, true);
    this.#region.textContent = "";
    this.#waiting.unshift({ text, event: true });
    this.#spoke = -Infinity;
    clearTimeout(this.#timer);
    this.#show();
  }

  /** The name of what is seen now, "" while nothing is sure; said when it is news and has lasted. */
  sees(name) {
    const now = performance.now();
    const told = this.#told.get(name) ?? { at: -Infinity, seen: -Infinity };
    if (name !== this.#seen.name) {
      const due = now - told.seen > LEFT || (name !== this.#last && now - told.at > AGAIN);
      this.#seen = { name, since: now, due };
    }
    told.seen = now;
    if (name) this.#told.set(name, told);
    if (!name || !this.#seen.due || now - this.#seen.since < HOLD) return;
    this.#seen.due = false;
    this.#last = name;
    told.at = now;
    if (this.speak === "off") this.#announce(name);
    else this.#aloud(name);
  }

  /** event: nothing of what happened is left out; of what is seen, or is to be done, only the newest counts. */
  #announce(text, event = false) {
    this.#waiting = [...this.#waiting.filter((one) => one.event), { text, event }];
    if (!this.#timer) this.#show();
  }

  /** One sentence after the other, each for as long as a screen reader needs to notice it. */
  #show() {
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#spoke = performance.now();
      this.#region.textContent = this.#waiting.shift().text;
      if (this.#waiting.length) this.#show();
    }, Math.max(0, this.#spoke + PAUSE - performance.now()));
  }

  #aloud(text, atOnce = false, lang = document.documentElement.lang || "en") {
    if (atOnce) speechSynthesis.cancel();
    const sentence = new SpeechSynthesisUtterance(spoken(text));
    sentence.lang = lang;
    speechSynthesis.speak(sentence);
  }
}
