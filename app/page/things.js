// The person's things as cards: kept frames, number of clips, record more, add files, rename, remove.

import { COLOURS } from "./bars.js";
import { showClips } from "./clips.js";
import { t, written } from "./language.js";
import { button, make } from "./make.js";
import { counted } from "./words.js";

const SHOWN = 12; // thumbnails on a closed card, as far as they fit
export const ACCEPTED = "video/*,image/jpeg,image/png,image/webp,image/gif,image/heic,image/avif,.mkv,.avi,.mov,.m4v,.3gp,.mts,.heic,.avif";

export class Things {
  #cards = new Map(); // thing id -> card
  #colours = new Map(); // thing name -> class, by the position among all things
  #thumbs = new Map(); // clip id -> data URLs
  #unused = []; // ids of removed clips that have thumbnails, the latest last
  #moments = []; // what is shown of each

  /** list: the <ul> for the cards; foreign: the <details> for counter-examples; act: what the buttons do. */
  constructor(list, foreign, act) {
    this.list = list;
    this.foreign = foreign;
    this.act = act;
  }

  /** The class of the colour of the thing called `name`; cards and bars share it. */
  colour(name) {
    return this.#colours.get(name) ?? "colour-0";
  }

  /** The thing called `name` is being recorded, with `left` seconds to go; null: none is. */
  recording(name, left) {
    for (const card of this.#cards.values()) {
      const is = card.name === name;
      if (is || card.record.classList.contains("on")) card.recording(is ? left : null);
    }
  }

  addClip({ id, thumbs }) {
    this.#thumbs.set(id, thumbs);
  }

  update(things, foreign) {
    this.#showForeign(foreign);
    this.#colours = new Map(things.map((thing, position) => [thing.name, `colour-${position % COLOURS}`]));
    const here = new Set(things.map((thing) => thing.id));
    for (const [id, card] of this.#cards) {
      if (here.has(id)) continue;
      card.element.remove(); // first, or the next would be moved to its place and lose the focus
      this.#cards.delete(id);
    }
    things.forEach((thing, position) => {
      let card = this.#cards.get(thing.id);
      if (!card) this.#cards.set(thing.id, (card = new Card(thing.id, this.act)));
      card.update(thing, this.colour(thing.name), this.#thumbs);
      if (this.list.children[position] !== card.element)
        this.list.insertBefore(card.element, this.list.children[position] ?? null);
    });
    const clips = [...things.flatMap((thing) => thing.clips), ...foreign];
    const used = new Set(clips.map((clip) => clip.id));
    this.#unused = this.#unused.filter((id) => !used.has(id));
    for (const id of this.#thumbs.keys()) if (!used.has(id)) this.#keepForUndo(id);
  }

  async #forget(clip) {
    await this.act.forget(clip);
    const next = this.foreign.hidden ? this.list.querySelector("button") : this.foreign.firstElementChild;
    next?.focus();
  }

  #showForeign(moments) {
    const now = moments.map((moment) => look([moment], this.#thumbs));
    const changed = now.findIndex((one, index) => one !== this.#moments[index]);
    const kept = changed < 0 ? now.length : changed; // nothing takes the focus from what stays as it is
    this.#moments = now;
    this.foreign.hidden = !moments.length;
    this.foreign.firstElementChild.textContent = t("foreign", { moments: counted("moments", moments.length) });
    const list = this.foreign.lastElementChild;
    for (const item of [...list.children].slice(kept)) item.remove();
    list.append(...moments.slice(kept).map((clip, index) => {
      const number = kept + index + 1;
      const title = t("moment-title", { number, frames: counted("frames", clip.frames) });
      const forget = button(t("forget-moment"), () => this.#forget(clip.id), t("forget-moment-of", { number }));
      return clipItem(clip, title, { key: "moment-of", values: { number } }, this.#thumbs, forget);
    }));
  }

  /** Thumbnails of what was removed stay for an undo, the latest 100 clips of it. */
  #keepForUndo(id) {
    if (!this.#unused.includes(id)) this.#unused.push(id);
    if (this.#unused.length > 100) this.#thumbs.delete(this.#unused.shift());
  }
}

class Card {
  constructor(id, act) {
    this.id = id;
    this.act = act;
    this.files = make("input", { type: "file", multiple: true, accept: ACCEPTED, hidden: true });
    this.files.addEventListener("change", () => {
      act.files(this.name, [...this.files.files], this.buttons.files);
      this.files.value = "";
    });
    this.title = make("h3", { dir: "auto" });
    this.count = make("p", { className: "count" });
    this.edit = this.#editor();
    this.strip = make("div", { className: "strip" });
    this.clips = make("ul", { className: "clips" });
    this.summary = make("summary");
    this.all = make("details", {}, this.summary, this.clips);
    this.all.addEventListener("toggle", () => this.#showClips());
    this.record = button(t("record-more"), async () => {
      await act.record(this.name, this.record);
      this.element.scrollIntoView({ block: "nearest" }); // the picture comes to stand above it
    });
    this.record.className = "record";
    this.record.prepend(make("span", { className: "dot" }));
    this.buttons = {
      more: button(t("more"), () => this.#open(!this.element.classList.contains("open"))),
      files: button(t("add-files"), () => this.files.click()),
      rename: button(t("rename"), () => this.#rename(true)),
      remove: button(t("remove"), () => act.remove(this.id, this.buttons.remove)),
    };
    const { more, files, rename, remove } = this.buttons;
    more.className = "more";
    this.head = make("div", { className: "head" }, make("span", { className: "swatch" }), this.title, this.count, this.record, more);
    const tools = make("div", { className: "tools" }, files, rename, remove, this.files);
    this.element = make("li", { className: "card" }, this.head, this.edit, this.strip, this.all, tools);
    this.#open(false);
  }

  /** On a narrow screen a card is one row until somebody opens it. */
  #open(open) {
    this.element.classList.toggle("open", open);
    this.buttons.more.ariaExpanded = open;
  }

  /** Show that this thing is being recorded: `left` seconds to go; null: it is not. */
  recording(left) {
    const on = left !== null;
    this.record.classList.toggle("on", on);
    this.record.lastChild.textContent = on ? `${t("stop")} · ${written(left)}` : t("record-more");
    this.record.ariaLabel = t("verb-of", { verb: t(on ? "stop" : "record-more"), name: this.name });
  }

  update(thing, colour, thumbs) {
    this.element.classList.remove(this.colour);
    this.element.classList.add((this.colour = colour));
    const now = thing.name + look(thing.clips, thumbs);
    if (now === this.now) return; // nothing takes the focus from what stays as it is
    Object.assign(this, { now, thing, thumbs, name: thing.name });
    const frames = thing.clips.reduce((sum, clip) => sum + clip.frames, 0);
    this.title.textContent = thing.name;
    this.count.textContent = frames
      ? `${t("clips", { count: thing.clips.length })} · ${t("frames", { count: frames })}`
      : t("no-clip");
    for (const button of Object.values(this.buttons))
      button.setAttribute("aria-label", t("verb-of", { verb: button.textContent, name: thing.name }));
    if (!this.record.classList.contains("on")) this.recording(null);
    const pictures = thing.clips.flatMap((clip) => thumbs.get(clip.id) ?? []);
    this.strip.replaceChildren(...spread(pictures, SHOWN).map((url) => picture(url, "")));
    this.strip.setAttribute("role", "img");
    this.strip.setAttribute("aria-label", t("some-frames", { name: thing.name }));
    this.strip.hidden = this.all.hidden = !frames;
    this.summary.textContent = t("all-frames", { frames: counted("frames", frames) });
    this.#showClips();
  }

  /** All pictures while they can be seen: there may be hundreds. */
  #showClips() {
    if (this.all.open) showClips(this.clips, this.thing, this.thumbs, this.act);
    else this.clips.replaceChildren();
  }

  #editor() {
    this.input = make("input", { type: "text", autocomplete: "off", className: "name", dir: "auto" });
    const form = make("form", { className: "edit", hidden: true }, this.input,
      make("button", { type: "submit", className: "primary" }, t("save-name")),
      button(t("cancel"), () => this.#rename(false)));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (await this.act.rename(this.id, this.input.value, this.input)) this.#rename(false);
    });
    form.addEventListener("keydown", (event) => event.key === "Escape" && this.#rename(false));
    return form;
  }

  #rename(on) {
    this.edit.hidden = !on;
    this.head.hidden = on;
    this.input.value = this.name;
    this.input.setAttribute("aria-label", t("new-name", { name: this.name }));
    (on ? this.input : this.buttons.rename).focus();
    if (on) this.input.select();
  }
}

/** What is shown of clips, as a text to compare. */
function look(clips, thumbs) {
  return JSON.stringify(clips.map(({ id, frames }) => [id, frames, thumbs.get(id)?.length]));
}

/** A moment with all its frames and what can be done with it. */
function clipItem(clip, title, label, thumbs, action) {
  const pictures = (thumbs.get(clip.id) ?? []).map((url, n) => picture(url, t("frame-of", { number: n + 1, label })));
  const head = make("p", {}, title);
  return make("li", {}, make("div", { className: "clip-head" }, head, action),
    make("div", { className: "strip" }, ...pictures));
}

function picture(url, alt) {
  return make("img", { src: url, alt, width: 72, height: 72 });
}

function spread(items, count) {
  if (items.length <= count) return items;
  return Array.from({ length: count }, (_, n) => items[Math.round((n * (items.length - 1)) / (count - 1))]);
}
