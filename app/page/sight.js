// What is seen now: the name and the outline on the picture, the bars, what is said of it, and That’s wrong.

import { Bars } from "./bars.js";
import { Correction } from "./correction.js";
import { Voice } from "./voice.js";

export class Sight {
  #verdict = null; // {name, aside, aloud}; null: nothing is known of the present moment

  /** root: where the parts are; colour: the class of a thing’s colour; order: as in Correction; null where nothing can be corrected. */
  constructor(root, colour, order) {
    this.bars = new Bars(root.querySelector(".bars ul"), root.querySelector(".verdict"), colour);
    this.voice = new Voice(root.querySelector("p[role=status]"));
    this.correction = order && new Correction(root, order, this.voice);
    this.outline = root.querySelector(".where");
    const speak = root.querySelector(".speak");
    const choice = speak.querySelector("select");
    speak.hidden = !("speechSynthesis" in window);
    choice.addEventListener("change", () => (this.voice.speak = choice.value));
  }

  /** An answer of the app. */
  show({ names, p, named, where }) {
    this.#verdict = this.bars.show(names, p, named);
    this.voice.sees(this.#verdict.aloud);
    this.correction?.show(this.#verdict.name, named);
    this.#frame(named ? where : null);
  }

  /** What was seen is over: nothing stands on the picture. */
  clear() {
    this.#verdict = null;
    this.bars.clear();
    this.voice.sees("");
    this.correction?.show(null, false);
    this.#frame(null);
  }

  /** Answer who asks what this is; trouble: why nothing can be seen, else "". */
  answer(trouble) {
    const { name, aside } = this.#verdict ?? {};
    this.voice.answer(trouble || (name ? `${name}, ${aside}` : "Waiting for the app."));
  }

  /** Frame the place `where` (left, top, right, bottom: shares of the picture) a thing is seen; null: nowhere. */
  #frame(where) {
    this.outline.hidden = !where;
    if (!where) return;
    const [left, top, right, bottom] = where.map((share) => 100 * share);
    this.outline.style.inset = `${top}% ${100 - right}% ${100 - bottom}% ${left}%`;
  }
}
