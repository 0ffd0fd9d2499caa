// That’s wrong: the present moment becomes a clip of what it really is, or a counter-example. Nothing is learned unasked.

import { t } from "./language.js";
import { button } from "./make.js";

export class Correction {
  /** root: where the parts are; order: gives the app an order; voice: says what was done. */
  constructor(root, order, voice) {
    this.button = root.querySelector(".wrong");
    this.panel = root.querySelector(".correction");
    [this.question, this.answers] = this.panel.children;
    this.remembered = root.querySelector(".remembered");
    this.order = order;
    this.voice = voice;
    this.things = [];
    this.button.addEventListener("click", () => this.#ask());
    this.panel.addEventListener("keydown", (event) => event.key === "Escape" && this.#close());
    this.remembered.querySelector("button").addEventListener("click", () => this.#undo());
  }

  /** What is taught now; what was kept last and is gone needs no undo. */
  update({ things, foreign }) {
    this.things = things;
    const clips = [...things.flatMap((thing) => thing.clips), ...foreign];
    if (!clips.some((clip) => clip.id === this.back?.clip)) this.#remember("", null);
  }

  /** said: the name that stands on the picture, named: whether it is one of a thing; null: nothing does. */
  show(said, named) {
    this.said = said;
    this.named = named;
    this.button.hidden = !said;
  }

  async #ask() {
    const { said, named } = this;
    if (!(await this.order({ do: "wrong" }))) return;
    this.question.textContent = t("it-said", { said });
    const things = this.things.filter((thing) => thing.name !== said).map((thing) =>
      this.#answer(thing.name, { do: "it is", thing: thing.id }, t("learned-as", { name: thing.name })));
    const none = this.#answer(t("none-of-mine"), { do: "not mine" }, t("remembered-none"));
    none.classList.add("primary");
    this.answers.replaceChildren(...(named ? [none] : []), ...things, button(t("cancel"), () => this.#close()));
    this.panel.hidden = false;
    this.question.focus(); // and not an answer: a key that is held down must not choose one
  }

  #answer(text, order, done) {
    return button(text, async () => {
      this.#close();
      const kept = await this.order(order);
      if (!kept) return;
      const { thing } = order;
      this.#remember(done, thing ? { do: "remove clip", thing, clip: kept.clip } : { do: "forget", clip: kept.clip });
      this.voice.say(done);
    });
  }

  #remember(text, back) {
    this.back = back;
    this.remembered.hidden = !back;
    this.remembered.querySelector("p").textContent = text;
  }

  async #undo() {
    const { back } = this;
    this.#remember("", null);
    await this.order(back);
    this.#focus();
  }

  #close() {
    this.panel.hidden = true;
    this.#focus();
  }

  #focus() {
    const ask = this.button.parentElement.querySelector(".ask");
    (this.button.hidden ? ask : this.button).focus();
  }
}
