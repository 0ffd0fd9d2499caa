// What is seen now: a name on the picture, and a bar for each thing.

import { t } from "./language.js";
import { make } from "./make.js";
import { verdict } from "./words.js";

export const COLOURS = 18; // .colour-0 ... in page.css: six, as COLOURS in app/naming/drawing.py, each plain, striped and barred

export class Bars {
  #rows = [];
  #names = "";

  /** colour: the class of a thing's colour, from its name. */
  constructor(list, verdict, colour) {
    this.list = list;
    this.verdict = verdict;
    this.colour = colour;
  }

  /** The things changed, and perhaps their colours with them. */
  recolour() {
    for (const { row, name } of this.#rows) {
      row.classList.remove(...[...row.classList].filter((mark) => mark.startsWith("colour-")));
      row.classList.add(this.colour(name));
    }
  }

  /** Show the probabilities `p` of things called `names`, and whether one of them is named; returns the verdict. */
  show(names, p, named) {
    this.#build(names);
    const best = p.indexOf(Math.max(...p));
    const said = verdict(names, p, named);
    this.#rows.forEach(({ row, fill, percent }, k) => {
      fill.style.transform = `scaleX(${p[k]})`;
      percent.textContent = t("percent", { percent: Math.round(100 * p[k]) });
      row.classList.toggle("best", named && k === best);
    });
    this.verdict.hidden = false;
    for (const part of [this.verdict, this.list]) part.classList.toggle("nothing", !named);
    this.verdict.children[0].textContent = said.name;
    this.verdict.children[1].textContent = said.aside;
    return said;
  }

  clear() {
    this.verdict.hidden = true;
    for (const { row, fill, percent } of this.#rows) {
      fill.style.transform = "scaleX(0)";
      percent.textContent = "";
      row.classList.remove("best");
    }
  }

  /** One row for each of `names`, unless they stand there already. */
  #build(names) {
    const key = JSON.stringify(names);
    if (key === this.#names) return;
    this.#names = key;
    this.#rows = names.map((name) => {
      const fill = make("span", { className: "fill" });
      const percent = make("span", { className: "percent" });
      const row = make("li", { className: `bar ${this.colour(name)}` }, make("span", { className: "bar-name", title: name, dir: "auto" }, name),
        make("span", { className: "track" }, fill), percent);
      return { row, fill, percent, name };
    });
    this.list.replaceChildren(...this.#rows.map(({ row }) => row));
  }
}
