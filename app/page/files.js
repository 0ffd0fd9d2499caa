// What comes from disk: clips and photos of a thing, one upload after another, and the sample objects.

import { t } from "./language.js";
import { make } from "./make.js";
import { ACCEPTED } from "./things.js";
import { counted } from "./words.js";

export class Files {
  #sampling = false; // the sample objects are being read

  /** root: where the parts are; page: {line, ready, order, trouble, busy, kept}. */
  constructor(root, page) {
    this.page = page;
    const field = root.querySelector("#thing-name");
    const input = make("input", { type: "file", multiple: true, accept: ACCEPTED, hidden: true, id: "new-files" });
    root.querySelector(".or").append(input);
    this.button = root.querySelector(".files");
    this.button.addEventListener("click", () =>
      field.value.trim() ? input.click() : page.trouble(t("name-then-choose"), field));
    input.addEventListener("change", () => {
      this.upload(field.value, [...input.files]);
      input.value = "";
    });
    root.addEventListener("dragover", (event) => event.preventDefault()); // or the browser would open what is dropped
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      const dropped = [...event.dataTransfer.files];
      if (!field.value.trim()) return page.trouble(t("name-then-drop"), field);
      if (dropped.length) this.upload(field.value, dropped);
    });
    root.querySelector(".samples").addEventListener("click", () => this.samples());
  }

  /** control: what was pressed. */
  async upload(name, files, control = this.button) {
    const { page } = this;
    const troubles = [];
    let frames = 0;
    page.trouble("");
    if (!(await page.ready())) return;
    for (const [index, file] of files.entries()) {
      this.#reading(t("reading-file", { file: file.name, number: index + 1, of: files.length }));
      const kept = page.line().upload(name, file);
      await kept.then((count) => (frames += count), (error) => troubles.push(error));
    }
    this.#reading("");
    if (troubles.length) page.trouble(troubles, control);
    if (troubles.length < files.length) page.kept(name, t("kept", { frames: counted("frames", frames), name }));
  }

  async samples() {
    if (this.#sampling) return; // pressed twice
    this.#sampling = true;
    this.#reading(t("reading-samples"));
    await this.page.order({ do: "samples" });
    this.#reading("");
    this.#sampling = false;
  }

  /** The app is busy with others: say so beside what is read. */
  waiting(text) {
    this.page.busy(`${this.reading} ${text}`);
  }

  #reading(text) {
    this.reading = text;
    this.page.busy(text);
  }
}
