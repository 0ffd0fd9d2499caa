// Naming on this device: the same model in a worker, with frames in and answers out as on the line to the app.

import { t } from "./language.js";
import { Pace } from "./pace.js";

const IN_FLIGHT = 2; // frames in the worker at most: one is named while the next waits
const PATIENCE = 250; // ms that naming a frame may take
const JUDGED = 5; // frames, of which the middle one is judged: one slow frame says nothing

/** Says "ready", "answer" (as the app's), "slow" ({ms}) and "failed" ({text}); after the latter two it is of no use. */
export class Device extends EventTarget {
  #worker;
  #taken = new Map(); // number of a frame -> when it was taken
  #seq = 0;
  #times = []; // ms, of the latest frames
  #ready = false;
  pace = new Pace();

  constructor(patience = PATIENCE) {
    super();
    this.patience = patience;
    this.#worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#hear(data);
    this.#worker.onerror = ({ message }) => this.#hear({ type: "failed", text: message });
  }

  /** Run this model from now on; until it is ready, the one before goes on. */
  open({ model, names }) {
    this.#worker.postMessage({ do: "open", model, names }, [model]);
  }

  get free() {
    return this.#ready && this.#taken.size < IN_FLIGHT;
  }

  /** Name a square (ImageData); time: in seconds. */
  look(picture, time = performance.now() / 1000) {
    const seq = ++this.#seq;
    this.#taken.set(seq, performance.now());
    this.#worker.postMessage({ do: "look", seq, time, picture });
  }

  /** JPEGs of the last second. */
  moment() {
    const kept = new Promise((settle) => this.addEventListener("moment", ({ detail }) => settle(detail.jpegs), { once: true }));
    this.#worker.postMessage({ do: "moment" });
    return kept;
  }

  close() {
    this.#ready = false;
    this.#worker.onmessage = this.#worker.onerror = null;
    this.#worker.terminate();
    this.dispatchEvent(new CustomEvent("moment", { detail: { jpegs: [] } })); // whoever waits for it waits no longer
  }

  #hear(message) {
    if (message.type === "ready") this.#ready = true;
    if (message.type === "failed") {
      console.warn("not on this device:", message.text);
      message.text = t(message.text === "missing" ? "device-missing" : "device-unable");
    }
    if (message.type === "answer") {
      this.pace.answered(this.#taken.get(message.seq));
      this.#taken.delete(message.seq);
      this.#judge(message.ms);
    }
    this.dispatchEvent(new CustomEvent(message.type, { detail: message }));
  }

  #judge(ms) {
    this.#times = [...this.#times.slice(1 - JUDGED), ms];
    const middle = [...this.#times].sort((a, b) => a - b)[(JUDGED - 1) / 2];
    if (this.#times.length < JUDGED || middle <= this.patience) return;
    this.dispatchEvent(new CustomEvent("slow", { detail: { ms: Math.round(middle) } }));
  }
}
