// A recording: what streams by becomes a clip of a thing, until somebody presses again or five seconds are over.

import { plural } from "./words.js";

const RECORD_MS = 5000;

export class Recording {
  #asking = false;
  #timer = 0;

  /** root: where the parts are; camera: what is filmed; voice: says what happened; page: {order, trouble, show, counting, kept}. */
  constructor(root, camera, voice, page) {
    this.sign = root.querySelector(".recording");
    this.field = root.querySelector("#thing-name");
    this.toggle = root.querySelector(".toggle");
    this.camera = camera;
    this.voice = voice;
    this.page = page;
    this.take = null; // {name, started} while it runs
    const look = root.querySelector(".look");
    new IntersectionObserver(([seen]) => look.classList.toggle("away", !seen.isIntersecting)).observe(look);
  }

  /** Begin one of the thing called `name`, or end the one that runs; control: what was pressed. */
  async press(name, control = this.field) {
    if (this.take) return this.keep();
    if (!name.trim()) return this.page.trouble("Type a name first, then record.", this.field);
    if (!this.camera.playing) return this.page.trouble("Start the camera first, then record.", this.toggle);
    if (this.#asking) return; // pressed twice before the first answer
    this.#asking = true;
    const begun = await this.page.order({ do: "record", name }, control);
    this.#asking = false;
    if (!begun) return;
    this.take = { name, started: performance.now() };
    this.#timer = setInterval(() => this.#tick(), 100);
    this.#tick();
    this.voice.say(`Recording ${name}`);
    this.page.show();
  }

  async keep() {
    const { name } = this.take;
    clearInterval(this.#timer);
    this.take = null;
    this.page.counting(null, 0);
    this.page.show();
    const kept = await this.page.order({ do: "keep" });
    if (!kept) return;
    this.voice.say(`Kept ${plural(kept.count, "frame")} of ${name}`);
    this.page.kept(name);
  }

  #tick() {
    const { name, started } = this.take;
    const left = RECORD_MS - (performance.now() - started);
    if (left <= 0) return this.keep();
    const seconds = Math.ceil(left / 1000);
    this.sign.lastElementChild.textContent = `${name} · ${seconds}`;
    this.page.counting(name, seconds);
  }
}
