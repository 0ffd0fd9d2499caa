// How fast answers come, from the server or from this device.

export const OLD = 1000; // ms after which an answer says nothing of what is seen now

export class Pace {
  #delays = []; // ms from picture to answer, the latest 200
  #came = []; // when answers came

  /** An answer came to a picture that was taken at `taken` (ms; undefined: not known any more). */
  answered(taken) {
    const now = performance.now();
    if (taken !== undefined) this.#delays = [...this.#delays.slice(-199), now - taken];
    this.#came.push(now);
  }

  /** Answers per second over the last two seconds, the delay that 95 % of the answers stay under, and ms since the last. */
  measure() {
    const now = performance.now();
    this.#came = this.#came.filter((time) => now - time < 2000);
    const last = this.#came.at(-1) ?? now - 2000;
    const sorted = [...this.#delays].sort((a, b) => a - b);
    const p95 = sorted[Math.floor(0.95 * (sorted.length - 1))] ?? 0;
    return { rate: this.#came.length / 2, p95, quiet: now - last };
  }
}
