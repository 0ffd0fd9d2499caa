// Find my thing: a tone that rises in pitch and rate as the thing comes to the centre, and a word for the way there.

import { t } from "./language.js";
import { make } from "./make.js";
import { OLD } from "./pace.js";
import { way } from "./words.js";

const LOW = 220; // Hz, where nothing is seen of it
const OCTAVES = 2; // up to the centre
const SLOW = 0.8; // tones a second, where nothing is seen of it
const FAST = 9; // more, at the centre
const BEEP = 0.06; // s
const OFF = 0.12; // of the picture: nearer to its middle there is no way to go
const SMALL = 0.3; // of the picture: what speaks for the thing is so small that it is far away
const SURE = 0.8; // from this probability on it is close enough
const LASTS = 600; // ms that a way must hold before it is said ...
const AGAIN = 3000; // ... and before it is said again

/** What an answer {names, p, named, where} says of `target`: how close it is, in [0, 1], and the way to it, a key of `way`. */
export function bearing({ names, p, named, where }, target, mirrored = false) {
  const k = names.indexOf(target);
  if (k < 0 || !named || p[k] < Math.max(...p) || !where) return { close: 0, way: "away" };
  const [left, top, right, bottom] = where;
  const [x, y] = [(left + right) / 2 - 0.5, (top + bottom) / 2 - 0.5];
  const close = p[k] * (1 - Math.min(1, 2 * Math.hypot(x, y)));
  if (Math.max(Math.abs(x), Math.abs(y)) > OFF) {
    if (Math.abs(y) > Math.abs(x)) return { close, way: y < 0 ? "up" : "down" };
    return { close, way: x < 0 !== mirrored ? "left" : "right" };
  }
  const far = p[k] < SURE || Math.min(right - left, bottom - top) < SMALL;
  return { close, way: far ? "closer" : "here" };
}

/** The tone for a closeness in [0, 1]: Hz, and how many a second. */
export function tone(close) {
  return { pitch: LOW * 2 ** (OCTAVES * close), rate: SLOW + FAST * close };
}

export class Find {
  #timer = 0;
  #close = 0;
  #seen = -Infinity; // when the latest answer came
  #way = { way: "", since: 0, said: -Infinity };

  /** root: where the parts are; mirrored: is left and right exchanged for who holds the camera? */
  constructor(root, tones, voice, mirrored) {
    this.choice = root.querySelector(".find select");
    this.words = root.querySelector(".finding");
    this.tones = tones;
    this.voice = voice;
    this.mirrored = mirrored;
    this.choice.addEventListener("change", () => this.#begin());
  }

  /** The name of what is looked for, "" if nothing is. */
  get target() {
    return this.choice.value;
  }

  /** The things that there are to look for. */
  offer(names) {
    this.choice.parentElement.hidden = names.length === 0;
    if (names.join("\n") === this.#offered().join("\n")) return;
    const chosen = this.target;
    this.choice.replaceChildren(make("option", { value: "" }, t("find-nothing")), ...names.map((name) => make("option", { value: name, dir: "auto" }, name)));
    this.choice.value = names.includes(chosen) ? chosen : "";
    if (chosen && !this.target) this.#begin();
  }

  see(answer) {
    this.#seen = performance.now();
    if (this.target) this.#go(bearing(answer, this.target, this.mirrored()));
  }

  /** Nothing is known of the present moment. */
  lose() {
    if (this.target) this.#go({ close: 0, way: "away" });
  }

  #offered() {
    return [...this.choice.options].slice(1).map((option) => option.value);
  }

  #begin() {
    clearTimeout(this.#timer);
    this.words.hidden = !this.target;
    this.words.textContent = "";
    this.#way = { way: "", since: 0, said: -Infinity };
    this.#close = 0;
    if (!this.target) return;
    this.lose();
    this.#sound();
  }

  #sound() {
    const { pitch, rate } = tone(this.#close);
    const looking = performance.now() - this.#seen < OLD && this.words.offsetParent; // the camera runs, and its tab is open
    if (looking) this.tones.beep(pitch, BEEP);
    this.#timer = setTimeout(() => this.#sound(), 1000 / rate);
  }

  #go({ close, way: next }) {
    this.#close = close;
    const now = performance.now();
    if (next !== this.#way.way) this.#way = { way: next, since: now, said: -Infinity };
    if (now - this.#way.since < LASTS || now - this.#way.said < AGAIN) return;
    if (next === "away" && this.#way.said > 0) return; // searching on is no news
    this.#way.said = now;
    this.words.textContent = t("finding", { name: this.target, way: way(next) });
    this.voice.guide(way(next));
  }
}
