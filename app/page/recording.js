// A recording: what streams by becomes a clip of a thing, until somebody presses again or five seconds are over.

import { Coach } from "./coach.js";
import { t, written } from "./language.js";
import { hintWords, keptWords } from "./words.js";

const RECORD_MS = 5000;

export class Recording {
  #asking = false;
  #timer = 0;
  #count = 0; // seconds left, as shown last
  #places = new Map(); // of each name, where its clip before was taken

  /** root: where the parts are; camera: what is filmed; voice, tones: tell what happened; page: {order, trouble, taught, show, counting, kept}. */
  constructor(root, camera, voice, tones, page) {
    this.sign = root.querySelector(".recording");
    this.field = root.querySelector("#thing-name");
    this.toggle = root.querySelector(".toggle");
    this.camera = camera;
    this.voice = voice;
    this.tones = tones;
    this.page = page;
    this.take = null; // {name, typed, started} while it runs
    this.advice = root.querySelector(".advice");
    const look = root.querySelector(".look");
    new IntersectionObserver(([seen]) => look.classList.toggle("away", !seen.isIntersecting)).observe(look);
  }

  /** Begin one of the thing called `name`, or end the one that runs; control: what was pressed. */
  async press(name, control = this.field) {
    if (this.take) return this.keep();
    if (!name.trim()) return this.page.trouble(t("name-then-record"), this.field);
    if (!this.camera.playing) return this.page.trouble(t("camera-then-record"), this.toggle);
    if (this.#asking) return; // pressed twice before the first answer
    this.#asking = true;
    const begun = await this.page.order({ do: "record", name }, control);
    this.#asking = false;
    if (!begun) return;
    this.take = { name: begun.name, typed: name, started: performance.now() }; // typed in other capitals, it is the one that is taught
    this.coach = new Coach(begun.name, this.page.taught(begun.name) ? this.#places.get(begun.name) : null);
    this.#count = RECORD_MS / 1000;
    this.tones.play("start");
    this.#timer = setInterval(() => this.#tick(), 100);
    this.#tick();
    this.voice.say(t("recording", { name: begun.name }));
    this.page.show();
  }

  /** A frame of it was taken: say what would make the clip better. */
  look() {
    if (this.take) this.#advise(hintWords(this.coach.see(this.camera.square().data, performance.now())));
  }

  /** An answer to one of its frames. */
  hear(answer) {
    if (this.take) this.coach.hear(answer, this.camera.mirrored, performance.now());
  }

  /** The line is lost: nothing is looked at until it is back. */
  unheard() {
    this.#advise("");
  }

  #advise(words) {
    if (words === this.advice.textContent) return;
    this.advice.textContent = words;
    if (words) this.voice.guide(words);
  }

  async keep() {
    const [{ name, typed }, { place }] = [this.take, this.coach];
    clearInterval(this.#timer);
    this.take = null;
    this.#advise("");
    this.page.counting(null, 0);
    this.page.show();
    this.tones.play("stop");
    const kept = await this.page.order({ do: "keep" });
    if (!kept) return;
    this.#places.set(name, place);
    this.tones.play("kept");
    this.page.kept(typed, keptWords(name, kept.count, kept.sent));
  }

  #tick() {
    const { name, started } = this.take;
    const left = RECORD_MS - (performance.now() - started);
    if (left <= 0) return this.keep();
    const seconds = Math.ceil(left / 1000);
    this.sign.lastElementChild.textContent = `${written(name)} · ${written(seconds)}`;
    this.page.counting(name, seconds);
    if (seconds === this.#count) return;
    this.#count = seconds;
    this.tones.play("tick");
    this.voice.count(seconds);
  }
}
