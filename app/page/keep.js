// Keeping what is taught: in this browser, clip by clip, handed back to a fresh room by itself; and as a file.

import { show, t } from "./language.js";
import { button, make } from "./make.js";
import { worded } from "./refused.js";
import { Shelf } from "./shelf.js";
import { counted } from "./words.js";

const NAME = "my-things.zip";
const AGAIN_MS = 20000; // within which a page does not begin anew twice
const SETTINGS = { keep: "teach-keep", speak: "teach-speak", again: "teach-again" };

export class Keep {
  #shelf = new Shelf();
  #known = new Map(); // clip id -> {id, at, name, size, seen}: what of it is on the shelf; seen: it was taught here
  #work = Promise.resolve(); // what is done with the shelf, one after the other
  #pending = 0;
  #behind = false; // something that is taught is not on the shelf
  #problem = "";
  #doing = ""; // what is under way, said until it is over
  #forgetting = false; // nothing more is handed back
  #wanted = []; // {id, name} of each clip that is taught now
  // The others of this browser: what is kept is theirs, too. Safari has such channels since 2022.
  #tabs = globalThis.BroadcastChannel ? new BroadcastChannel("teach-keep") : null;

  /** section: where the parts go; speak: the choice of what is said aloud; page: {order, voice, ready}. */
  constructor(section, speak, page) {
    this.section = section;
    this.speak = speak;
    this.page = page;
    this.on = recall(SETTINGS.keep) !== "off";
    this.#build();
    this.#use({ speak: recall(SETTINGS.speak) });
    speak.addEventListener("change", () => this.on && remember(SETTINGS.speak, speak.value));
    const hear = ({ data }) => (data === "forgotten" ? this.#forget(data) : this.#switch(data === "on", data));
    this.#tabs?.addEventListener("message", hear);
    this.#show();
  }

  /** Is all that is taught kept here, so that the page may go? */
  get safe() {
    return this.on && !this.#pending && !this.#behind;
  }

  /** Hand back what is kept to what is at the other end of the line, where nothing is yet. */
  enter(line) {
    this.line = line;
    if (this.on) this.#do(() => this.#handBack());
  }

  /** What is taught now. */
  hear({ things, foreign }) {
    const named = things.flatMap(({ name, clips }) => clips.map(({ id }) => ({ id, name })));
    this.#wanted = [...named, ...foreign.map(({ id }) => ({ id, name: "" }))];
    this.things = things.length;
    if (this.on) this.#do(() => this.#follow());
    this.#show();
  }

  /** The room has gone: begin anew in another one, where things are kept. Returns whether it does. */
  anew() {
    if (!this.on || this.#problem || Date.now() - Number(recall(SETTINGS.again)) < AGAIN_MS) return false;
    remember(SETTINGS.again, Date.now());
    location.reload();
    return true;
  }

  // ---- the shelf ------------------------------------------------------------------------------------------

  #do(act) {
    this.#pending++;
    this.#work = this.#work
      .then(act)
      .catch((error) => {
        this.#behind = true;
        if (error.name !== "Unreachable") this.#problem = t("keep-problem", { reason: reason(error) });
      })
      .finally(() => {
        this.#pending--;
        this.#show();
      });
    return this.#work;
  }

  async #handBack() {
    const records = await this.#shelf.all();
    if (!records.length) return;
    const before = new Set(this.#wanted.map(({ id }) => id));
    const troubles = [];
    for (const [index, { file, ...record }] of records.entries()) {
      if (this.#forgetting) return this.#tell("");
      this.#tell(t("keep-back-under-way", { number: index, clips: counted("of-clips", records.length) }));
      if (before.has(record.id)) continue;
      this.#known.set(record.id, { ...record, size: file.size }); // before the app says that it is there
      const { problem } = await this.line.openProfile(file, "merge", NAME);
      if (!problem) continue;
      this.#known.delete(record.id); // it stays on the shelf
      troubles.push(problem);
    }
    this.#tell("");
    const back = records.length - troubles.length;
    if (back) this.page.voice.say(t("keep-back", { clips: counted("clips", back) }));
    if (troubles.length) this.#refuse(t("keep-not-back", { clips: counted("clips", troubles.length), reason: troubles[0] }));
  }

  /** Put on the shelf what is new here, and take from it what went from here. */
  async #follow() {
    const wanted = new Map(this.#wanted.map((clip) => [clip.id, clip.name]));
    for (const { id } of [...this.#known.values()].filter(({ id, seen }) => seen && !wanted.has(id))) {
      await this.#shelf.remove(id);
      this.#known.delete(id);
    }
    for (const [id, name] of wanted) {
      const known = this.#known.get(id);
      if (known) known.seen = true; // from now on it has gone when it is taught no more
      if (known?.name === name) continue;
      const record = { id, name, at: known?.at ?? Date.now() + this.#known.size / 1000 };
      const file = await this.line.profile(this.#settings, id);
      if (!file) continue; // it went meanwhile, and the next state says so
      await this.#shelf.put({ ...record, file });
      this.#known.set(id, { ...record, size: file.size, seen: true });
    }
    this.#problem = "";
    this.#behind = false;
  }

  // ---- what a person does -----------------------------------------------------------------------------------

  async #save() {
    this.#refuse("");
    this.#tell(t("save-under-way"));
    const file = (await this.page.ready())
      ? await this.line.profile(this.#settings).catch((error) => this.#refuse(worded(error)))
      : this.#refuse(t("save-failed"));
    this.#tell("");
    if (!file) return;
    const url = URL.createObjectURL(file);
    make("a", { href: url, download: NAME }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
    this.page.voice.say(t("saved", { file: NAME, size: megabytes(file.size) }));
  }

  async #open(file, same = "") {
    this.#refuse("");
    this.#ask("");
    this.#tell(t("opening", { file: file.name }));
    const told = (await this.page.ready()) ? await this.line.openProfile(file, same, file.name) : { problem: t("open-failed") };
    this.#tell("");
    if (told.same) return this.#askSame(file, told);
    if (told.problem) return this.#refuse(told.problem, this.openButton);
    this.#use(told.settings);
    await new Promise((settle) => setTimeout(settle)); // what is drawn now and the focus would hold the page together
    this.openButton.focus();
    const news = counted(told.frames ? "new-frames" : "nothing-new", told.frames);
    this.page.voice.say(t("opened", { file: file.name, things: counted("things", told.things), news }));
  }

  #askSame(file, { same, problem }) {
    this.#ask(problem, [t("same-merge", { count: same.length }), () => this.#open(file, "merge")],
      [t("same-both"), () => this.#open(file, "rename")], [t("same-not"), () => this.#close(this.openButton)]);
  }

  #askForget() {
    this.#ask(t("forget-question"),
      [t("forget-now"), () => this.#forget()], [t("forget-not"), () => this.#close(this.forgetButton)]);
  }

  /** told: what another tab did. */
  async #forget(told = "") {
    if (!told) this.#close(this.forgetButton);
    this.#forgetting = true;
    await this.#do(async () => {
      this.#forgetting = false;
      if (!(await this.page.order({ do: "forget everything" }))) return;
      await this.#clear();
      this.page.voice.say(t(told ? "forgotten-elsewhere" : "forgotten"));
      if (!told) this.#tabs?.postMessage("forgotten");
    });
  }

  async #switch(on, told = "") {
    this.on = this.box.checked = on;
    if (!told) {
      remember(SETTINGS.keep, on ? "on" : "off");
      remember(SETTINGS.speak, on ? this.speak.value : "");
      this.#tabs?.postMessage(on ? "on" : "off");
    }
    this.#problem = "";
    this.#behind = on;
    await this.#do(() => (on ? this.#follow() : this.#clear()));
    this.page.voice.say(this.state.textContent);
  }

  async #clear() {
    this.#known.clear();
    await this.#shelf.clear();
  }

  /** What the page is set to, for a profile. */
  get #settings() {
    return { speak: this.speak.value };
  }

  #use({ speak }) {
    if (![...this.speak.options].some(({ value }) => value === speak)) return;
    this.speak.value = speak;
    this.speak.dispatchEvent(new Event("change"));
  }

  // ---- what stands there ------------------------------------------------------------------------------------

  #build() {
    const input = make("input", { type: "file", accept: ".zip", hidden: true, className: "profile-file" });
    this.box = make("input", { type: "checkbox", checked: this.on });
    this.state = make("p", { className: "keep-state" });
    this.question = make("div", { className: "question", hidden: true }, make("p", { tabIndex: -1, id: "keep-question" }), make("div", { className: "tools" }));
    this.question.setAttribute("role", "group");
    this.question.setAttribute("aria-labelledby", "keep-question");
    this.refused = make("p", { className: "refused", hidden: true });
    this.refused.setAttribute("role", "alert");
    this.openButton = button(t("open"), () => input.click());
    this.forgetButton = button(t("forget"), () => this.#askForget());
    const tools = make("div", { className: "tools" }, button(t("save"), () => this.#save()), this.openButton, this.forgetButton, input);
    this.box.addEventListener("change", () => this.#switch(this.box.checked));
    input.addEventListener("change", () => {
      this.#open(input.files[0]);
      input.value = "";
    });
    this.question.addEventListener("keydown", (event) => event.key === "Escape" && this.#close(this.openButton));
    this.section.append(make("h2", { id: "keep-title" }, t("keep-title")),
      make("label", { className: "switch" }, this.box, ` ${t("keep-switch")}`), this.state, tools, this.question, this.refused);
  }

  #show() {
    this.state.textContent = this.#doing || this.#standing();
  }

  #tell(doing) {
    this.#doing = doing;
    this.#show();
  }

  /** How things stand. */
  #standing() {
    if (!this.on) return t("keep-off");
    if (this.#problem) return this.#problem;
    if (this.#pending) return t("keep-under-way");
    if (this.#behind) return t("keep-behind");
    if (!this.#known.size) return t("keep-none");
    const size = [...this.#known.values()].reduce((sum, record) => sum + (record.size ?? 0), 0);
    return t("keep-standing", { clips: counted("clips", this.#known.size), things: counted("of-things", this.things), size: megabytes(size) });
  }

  #refuse(text, focus = null) {
    this.refused.hidden = !text;
    show(this.refused, text);
    this.page.voice.alarm(text);
    focus?.focus();
  }

  #ask(text, ...answers) {
    this.question.hidden = !text;
    show(this.question.firstElementChild, text);
    this.question.lastElementChild.replaceChildren(...answers.map(([words, act]) => button(words, act)));
    if (text) this.question.firstElementChild.focus(); // and not an answer: a held key must not choose one
  }

  #close(focus) {
    this.#ask("");
    focus.focus();
  }
}

function megabytes(bytes) {
  return { key: "megabytes", values: { size: bytes / 1e6 } };
}

// What a browser throws is not for a person; what the app says is.
function reason(error) {
  if (error.name === "QuotaExceededError") return t("keep-no-room");
  if (error instanceof DOMException) return t("keep-nothing");
  return worded(error).message.replace(/\.$/, "");
}

// Browsers that keep nothing, as with cookies blocked, throw.
function recall(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // then it is for this page only
  }
}
