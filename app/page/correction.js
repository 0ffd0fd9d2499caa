// That’s wrong: the present moment becomes a clip of what it really is, or a counter-example. Nothing is learned unasked.

import { make } from "./make.js";

const NONE = "None of my things";

export class Correction {
  /** root: where the parts are; order: gives the app an order; clips: the ids of a thing's clips, of no name: of what is none. */
  constructor(root, order, clips) {
    this.button = root.querySelector(".wrong");
    this.panel = root.querySelector(".correction");
    this.remembered = root.querySelector(".remembered");
    this.order = order;
    this.clips = clips;
    this.button.addEventListener("click", () => this.#ask());
    this.panel.addEventListener("keydown", (event) => event.key === "Escape" && this.#close());
    this.remembered.querySelector("button").addEventListener("click", () => this.#undo());
  }

  /** names: what the present model can name, and said: what it says now; null: nothing. */
  show(names, said) {
    this.names = names;
    this.said = said;
    this.button.hidden = !said;
  }

  async #ask() {
    const said = this.said;
    if (!(await this.order({ do: "wrong" }))) return;
    this.panel.firstElementChild.textContent = `It said: ${said}. What was it?`;
    const answers = this.names.filter((name) => name !== said).map((name) => this.#answer(name, { do: "it is", name }, name));
    this.panel.lastElementChild.replaceChildren(
      this.#answer(NONE, { do: "not mine" }, null), ...answers, this.#choice("Cancel", () => this.#close()));
    this.panel.hidden = false;
    this.panel.querySelector("button").focus();
  }

  #answer(text, order, name) {
    return this.#choice(text, async () => {
      this.#close();
      if (!(await this.order(order))) return;
      const { thing, clip } = this.clips(name).at(-1);
      this.back = name === null ? { do: "forget", clip } : { do: "remove clip", thing, clip };
      this.#remember(name === null ? "Remembered as none of your things." : `Learned as one more clip of ${name}.`);
    });
  }

  #choice(text, act) {
    const button = make("button", { type: "button" }, text);
    button.addEventListener("click", act);
    return button;
  }

  #remember(text) {
    this.remembered.hidden = !text;
    this.remembered.querySelector("p").textContent = text;
    if (text) this.remembered.querySelector("button").focus();
  }

  async #undo() {
    this.#remember("");
    await this.order(this.back);
    this.button.focus();
  }

  #close() {
    this.panel.hidden = true;
    this.button.focus();
  }
}
