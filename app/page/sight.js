// What is seen now: the name and the outline on the picture, the bars, what is said of it, and That’s wrong.

import { Bars } from "./bars.js";
import { t } from "./language.js";

export class Sight {
  #verdict = null; // {name, aside, aloud}; null: nothing is known of the present moment

  /** root: where the parts are; colour: the class of a thing’s colour; correction, find: null where there is no such thing. */
  constructor(root, colour, voice, { correction = null, find = null } = {}) {
    this.bars = new Bars(root.querySelector(".bars ul"), root.querySelector(".verdict"), colour);
    this.voice = voice;
    this.correction = correction;
    this.find = find;
    this.outline = root.querySelector(".where");
  }

  /** An answer of the app. */
  show(answer) {
    const { names, p, named, where } = answer;
    this.#verdict = this.bars.show(names, p, named);
    this.voice.sees(this.find?.target ? "" : this.#verdict.aloud); // who looks for one thing hears of that one
    this.find?.see(answer);
    this.correction?.show(this.#verdict.name, named);
    this.#frame(named ? where : null);
  }

  /** What was seen is over: nothing stands on the picture. */
  clear() {
    this.#verdict = null;
    this.bars.clear();
    this.voice.sees("");
    this.find?.lose();
    this.correction?.show(null, false);
    this.#frame(null);
  }

  /** Answer who asks what this is; trouble: why nothing can be seen, else "". */
  answer(trouble) {
    const { name, aside } = this.#verdict ?? {};
    this.voice.answer(trouble || (name ? t("answer", { name, aside }) : t("no-answer-yet")));
  }

  /** Frame the place `where` (left, top, right, bottom: shares of the picture) a thing is seen; null: nowhere. */
  #frame(where) {
    this.outline.hidden = !where;
    if (!where) return;
    let [left, top, right, bottom] = where.map((share) => 100 * share);
    if (this.outline.closest(".mirrored")) [left, right] = [100 - right, 100 - left];
    this.outline.style.inset = `${top}% ${100 - right}% ${100 - bottom}% ${left}%`;
  }
}
