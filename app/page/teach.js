// <teach-and-watch>: the camera, the things, and one clear next step. The app itself is at the other end of the line.

import { Camera } from "./camera.js";
import { Keep } from "./keep.js";
import { LAYOUT } from "./layout.js";
import { Line, refusal, throughTheGate } from "./line.js";
import { make } from "./make.js";
import { showReport } from "./report.js";
import { Sight } from "./sight.js";
import { ACCEPTED, Things } from "./things.js";
import { learnedWords, nextStep, paceWords, plural } from "./words.js";

const RECORD_MS = 5000;
const OLD = 1000; // ms after which a name says nothing of what is seen now
const FULL = "As many people as it can take are using this app. Try again in some minutes.";

class TeachAndWatch extends HTMLElement {
  connectedCallback() {
    if (this.camera) return; // moved in the page, not new
    this.innerHTML = LAYOUT;
    this.state = { things: [], foreign: [], learnable: 0, undo: null };
    this.learning = null; // {done, total} while a model is being made
    this.model = null; // {names, frames, things, seconds} once there is one
    this.take = null; // {name, timer, started} while recording
    this.camera = new Camera(this.$("video"));
    this.things = new Things(this.$(".cards"), this.$(".foreign"), {
      record: (name) => this.record(name),
      files: (name, files) => this.upload(name, files),
      rename: (thing, name) => this.order({ do: "rename", thing, name }),
      remove: (thing) => this.remove(thing),
      removeClips: (thing, clips) => this.order({ do: "remove clip", thing, clips }),
      removeFrame: (thing, clip, frame) => this.order({ do: "remove frame", thing, clip, frame }),
      forget: (clip) => this.order({ do: "forget", clip }),
    });
    this.sight = new Sight(this, (name) => this.things.colour(name), (order) => this.order(order));
    this.voice = this.sight.voice;
    this.keeping = new Keep(this.$(".keep"), this.$(".speak select"), { order: (order) => this.order(order), voice: this.voice });
    this.#wire();
    this.show();
    this.startCamera();
    this.ready = new Promise((settle) => (this.settle = settle)); // true once there is a line, false if there is none
    throughTheGate();
    refusal().then((problem) => problem && this.alarm(problem, true));
    if (window.room !== undefined) this.enter();
    else window.addEventListener("room", () => this.enter(), { once: true });
  }

  $(selector) {
    return this.querySelector(selector);
  }

  // ---- the line -----------------------------------------------------------------------------------------

  enter() {
    if (!window.room) {
      this.settle(false);
      return this.alarm(FULL, true);
    }
    this.line = new Line(window.room);
    const on = (type, act) => this.line.addEventListener(type, (event) => act(event.detail));
    on("clip", (clip) => this.things.addClip(clip));
    on("state", (state) => this.#hearState(state));
    on("learning", (progress) => this.#hear({ learning: progress }));
    on("learned", (model) => this.#hearLearned(model));
    on("report", (report) => showReport(this.$(".report"), report));
    on("unlearned", ({ text }) => this.#hear({ learning: null, stale: true }, text));
    on("waiting", ({ text }) => this.busy && this.#hear({ busy: `${this.reading} ${text}` }));
    on("answer", (answer) => this.#hearAnswer(answer));
    on("lost", () => this.alarm("The app cannot be reached. Trying again…", false));
    on("open", () => {
      this.alarm("");
      this.settle(true);
    });
    on("gone", ({ text, anew }) => (anew && this.keeping.anew()) || this.alarm(text, true));
    this.ready.then((open) => open && this.keeping.enter(window.room));
    this.camera.watch(() => this.#sendFrame());
    setInterval(() => this.#showPace(), 500);
  }

  async order(order) {
    this.trouble("");
    if (!(await this.ready)) return null; // who presses at once is not told off
    try {
      return await this.line.ask(order);
    } catch (error) {
      this.trouble(error.message);
      return null;
    }
  }

  #sendFrame() {
    if (!this.line.free || this.encoding || (!this.take && !this.model)) return;
    this.encoding = true;
    const seq = this.line.take();
    this.camera.jpeg().then((jpeg) => {
      this.encoding = false;
      this.line.frame(seq, jpeg);
    });
  }

  #hearState(state) {
    this.state = state;
    if (state.learnable < 2) {
      this.model = this.learning = null;
      showReport(this.$(".report"), null);
    }
    this.things.update(state.things, state.foreign);
    this.sight.bars.recolour();
    this.sight.correction.update(state);
    this.keeping.hear(state);
    this.show();
  }

  #hear(change, trouble = "") {
    Object.assign(this, change);
    if (trouble) this.trouble(trouble);
    this.show();
  }

  #hearLearned(model) {
    showReport(this.$(".report"), null); // the one of this model is on its way
    this.#hear({ model, learning: null, stale: false });
    this.voice.say(learnedWords(this.model));
  }

  #hearAnswer(answer) {
    if (answer.problem) this.trouble(answer.problem);
    if (answer.p && this.camera.playing && this.model) this.sight.show(answer);
  }

  // ---- the camera ---------------------------------------------------------------------------------------

  async startCamera(start = () => this.camera.start()) {
    this.starting = true;
    this.problem = "";
    this.show();
    try {
      await start();
    } catch (error) {
      this.camera.stop();
      this.problem = error.message;
    }
    this.starting = false;
    this.$(".turn").hidden = this.camera.playing !== "camera" || !(await this.camera.several());
    this.show();
  }

  stopCamera() {
    if (this.take) this.keep();
    this.camera.stop();
    this.show();
  }

  // ---- recording ----------------------------------------------------------------------------------------

  async record(name) {
    if (this.take) return this.keep();
    if (!name.trim()) return this.trouble("Type a name first, then record.", this.$("#thing-name"));
    if (!this.camera.playing) return this.trouble("Start the camera first, then record.", this.$(".toggle"));
    if (this.asking) return; // pressed twice before the first answer
    this.asking = true;
    const begun = await this.order({ do: "record", name });
    this.asking = false;
    if (!begun) return this.$("#thing-name").focus();
    this.take = { name, started: performance.now() };
    this.take.timer = setInterval(() => this.#tick(), 100);
    this.#tick();
    this.voice.say(`Recording ${name}`);
    this.show();
  }

  #tick() {
    const left = RECORD_MS - (performance.now() - this.take.started);
    this.$(".recording span:last-child").textContent = `${this.take.name} · ${Math.max(1, Math.ceil(left / 1000))}`;
    if (left <= 0) this.keep();
  }

  async keep() {
    const { name, timer } = this.take;
    clearInterval(timer);
    this.take = null;
    this.show();
    const kept = await this.order({ do: "keep" });
    if (!kept) return;
    this.voice.say(`Kept ${plural(kept.count, "frame")} of ${name}`);
    this.#clearName(name);
    // A phone would cover the camera with its keyboard.
    if (this.state.things.length < 2 && matchMedia("(pointer: fine)").matches) this.$("#thing-name").focus();
  }

  // ---- files, samples, removing -------------------------------------------------------------------------

  async upload(name, files) {
    const troubles = [];
    this.trouble("");
    if (!(await this.ready)) return;
    for (const [index, file] of files.entries()) {
      this.reading = `Reading ${file.name} (${index + 1} of ${files.length})…`;
      this.#hear({ busy: this.reading });
      await this.line.upload(name, file).catch((error) => troubles.push(error.message));
    }
    this.#hear({ busy: "" }, troubles.join("\n"));
    if (troubles.length < files.length) this.#clearName(name);
  }

  /** Empty the field, unless something else was typed since. */
  #clearName(name) {
    const field = this.$("#thing-name");
    if (field.value.trim() === name.trim()) field.value = "";
  }

  async samples() {
    this.reading = "Reading the sample objects…";
    this.#hear({ busy: this.reading });
    await this.order({ do: "samples" });
    this.#hear({ busy: "" });
  }

  async remove(thing) {
    if (await this.order({ do: "remove", thing })) this.$(".undo button").focus();
  }

  // ---- what stands on the page --------------------------------------------------------------------------

  /** What keeps the page from working; a final one stays until the page is loaded again. */
  alarm(text, final = false) {
    if (this.over && !final) return;
    this.over ||= final;
    const alarm = this.$(".alarm");
    alarm.hidden = !text;
    alarm.querySelector("p").textContent = text;
    alarm.querySelector("button").hidden = !final;
    if (final) this.stopCamera();
  }

  trouble(text, focus = null) {
    this.$(".trouble").textContent = text;
    this.$(".trouble").hidden = !text;
    focus?.focus();
  }

  show() {
    this.#showStep();
    this.#showPicture();
    const { things, undo } = this.state;
    this.$(".empty").hidden = things.length > 0;
    this.$(".bars").hidden = !this.model;
    this.$(".undo").hidden = undo === null;
    this.$(".undo p").textContent = `Removed ${undo}.`;
    const names = new Set(things.map((thing) => thing.name));
    this.$(".clips-to-watch").hidden = !this.model || !this.watchable.some((clip) => names.has(clip.name));
    const record = this.$(".record");
    record.classList.toggle("on", Boolean(this.take));
    record.lastElementChild.textContent = this.take ? "Stop" : "Record";
    record.ariaLabel = this.take ? `Stop recording ${this.take.name}` : "Record";
    if (!this.model || !this.camera.playing) this.sight.clear();
  }

  #showStep() {
    const [step, hint] = nextStep(this);
    this.$("#next-step").textContent = step;
    this.$(".hint").textContent = hint;
    const { learning, busy } = this;
    const model = this.stale ? null : this.model; // an older model goes on answering, but is no news
    const lesson = this.$(".lesson");
    const bar = lesson.querySelector("progress");
    lesson.hidden = !busy && !learning && !model;
    bar.hidden = !busy && !learning;
    if (learning?.done) Object.assign(bar, { max: learning.total, value: learning.done });
    else bar.removeAttribute("value");
    lesson.querySelector("p").textContent =
      busy || (learning ? `Learning… ${learning.done} of ${learning.total} frames` : learnedWords(model));
  }

  #showPicture() {
    const { playing } = this.camera;
    const off = this.$(".off");
    off.hidden = Boolean(playing) && !this.starting;
    off.querySelector("p").textContent = this.starting
      ? "Allow the camera to begin."
      : this.problem || "The camera is off.";
    const what = playing === "clip" ? "clip" : "camera";
    const toggle = this.$(".toggle");
    toggle.textContent = playing ? `Stop ${what}` : "Start camera";
    toggle.classList.toggle("primary", !playing && !this.starting);
    this.$(".recording").hidden = !this.take;
    this.$(".picture").classList.toggle("taking", Boolean(this.take));
    if (!playing) this.$(".rate").textContent = "";
  }

  #showPace() {
    const { rate, p95, quiet } = this.line.pace();
    this.dataset.rate = rate;
    this.dataset.p95 = p95.toFixed(1);
    const shown = this.model && this.camera.playing;
    this.$(".rate").textContent = shown ? paceWords(rate, quiet > OLD) : "";
    if (quiet > OLD) this.sight.clear();
  }

  #whatIsThis() {
    if (!this.camera.playing) return this.sight.answer("The camera is off.");
    this.sight.answer(this.model ? "" : `${this.$("#next-step").textContent}. Nothing is learned yet.`);
  }

  #wire() {
    this.$(".ask").addEventListener("click", () => this.#whatIsThis());
    const field = this.$("#thing-name");
    this.$("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.record(field.value);
    });
    this.$(".toggle").addEventListener("click", () =>
      this.camera.playing ? this.stopCamera() : this.startCamera());
    this.$(".turn").addEventListener("click", () => this.startCamera(() => this.camera.turn()));
    this.$("video").addEventListener("lost", () => {
      this.stopCamera();
      this.problem = "The camera was taken away. Press Start camera to go on.";
      this.show();
    });
    this.$(".samples").addEventListener("click", () => this.samples());
    this.$(".undo button").addEventListener("click", () => this.order({ do: "undo" }));
    this.$(".alarm button").addEventListener("click", () => location.reload());
    this.#wireFiles(field);
    this.watchable = JSON.parse(this.dataset.clips || "[]");
    this.$(".clips-to-watch .tools").append(...this.watchable.map((clip) => this.#clipButton(clip)));
    window.addEventListener("beforeunload", (event) => {
      if (this.state.things.length && this.line?.gone === undefined && !this.keeping.safe) event.preventDefault();
    });
  }

  #wireFiles(field) {
    const files = make("input", { type: "file", multiple: true, accept: ACCEPTED, hidden: true, id: "new-files" });
    this.$(".or").append(files);
    this.$(".files").addEventListener("click", () =>
      field.value.trim() ? files.click() : this.trouble("Type a name first, then choose its files.", field));
    files.addEventListener("change", () => {
      this.upload(field.value, [...files.files]);
      files.value = "";
    });
  }

  #clipButton({ name, url }) {
    const button = make("button", { type: "button" }, name);
    button.addEventListener("click", () => this.startCamera(() => this.camera.play(url)));
    return button;
  }
}

customElements.define("teach-and-watch", TeachAndWatch);
