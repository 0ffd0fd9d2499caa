// What is seen at a moment, and what of it is named: the rule of app/naming/smoothing.py and sight.py. A test holds them alike.

const SECONDS = 0.5; // answers are averaged over so long
const UNKNOWN = 0.5; // from this unknown score on it is none of the things ...
const BAND = 0.1; // ... once it goes so far beyond, so that nothing flickers

/** One stream of frames. */
export class Watch {
  #recent = []; // {time, values}
  #named = null;

  /**
   * The frame at `time` (s, rising) has probabilities `p`, an unknown score and a place; smoothed, and whether it is named.
   * A model that knows no unknown things always names.
   */
  see(time, p, unknown, where) {
    if (unknown === undefined) return { p: this.#smooth(time, [...p]), where: null, named: true };
    const values = this.#smooth(time, [...p, unknown, ...where]);
    const smooth = { p: values.slice(0, p.length), unknown: values[p.length], where: values.slice(p.length + 1) };
    this.#named ??= smooth.unknown < UNKNOWN;
    this.#named = smooth.unknown < (this.#named ? UNKNOWN + BAND : UNKNOWN - BAND);
    return { ...smooth, named: this.#named };
  }

  #smooth(time, values) {
    const last = this.#recent.at(-1);
    if (last && (time < last.time || last.values.length !== values.length)) this.#recent = [];
    this.#recent.push({ time, values });
    while (this.#recent[0].time <= time - SECONDS) this.#recent.shift();
    return values.map((_, i) => this.#recent.reduce((sum, one) => sum + one.values[i], 0) / this.#recent.length);
  }
}
