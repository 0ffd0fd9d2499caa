// One polite live region for screen readers: what matters, at most once a second, the newest first.

const PAUSE = 1000; // ms between two sentences
const HOLD = 1000; // ms that an answer must last before it is spoken

export class Voice {
  #region;
  #next = "";
  #spoke = -Infinity;
  #timer = 0;
  #seen = { name: "", since: 0, told: "" };

  constructor(region) {
    this.#region = region;
  }

  say(text) {
    this.#next = text;
    if (this.#timer) return;
    const wait = Math.max(0, this.#spoke + PAUSE - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#spoke = performance.now();
      this.#region.textContent = this.#next;
    }, wait);
  }

  /** The thing that is seen now; spoken when it is a new one and has lasted. */
  sees(name) {
    const now = performance.now();
    if (name !== this.#seen.name) Object.assign(this.#seen, { name, since: now });
    if (name === this.#seen.told || now - this.#seen.since < HOLD) return;
    this.#seen.told = name;
    if (name) this.say(name);
  }
}
