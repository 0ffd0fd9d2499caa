// Teach and watch: the camera, the things, and one clear next step. Who learns and names is at the other end of the line, which
// `begin` enters: the app (app.js), or this page itself (site.js).

import { Camera } from "./camera.js";
import { Correction } from "./correction.js";
import { Files } from "./files.js";
import { Find } from "./find.js";
import { keepFocus } from "./focus.js";
import { Keep } from "./keep.js";
import { show, t } from "./language.js";
import { LAYOUT } from "./layout.js";
import { button } from "./make.js";
import { OnDevice } from "./ondevice.js";
import { OLD } from "./pace.js";
import { Recording } from "./recording.js";
import { worded } from "./refused.js";
import { showReport } from "./report.js";
import { Sight } from "./sight.js";
import { showPicture, showStep } from "./signs.js";
import { Things } from "./things.js";
import { Tones } from "./tones.js";
import { Trouble } from "./trouble.js";
import { Voice } from "./voice.js";
import { learnedWords, paceWords, whereItGoes } from "./words.js";

export class TeachAndWatch extends HTMLElement {
  connectedCallback() {
    if (this.camera) return; // moved in the page, not new
    this.innerHTML = LAYOUT;
    this.state = { things: [], foreign: [], learnable: 0, undo: null };
    this.learning = null; // {done, total} while a model is being made
    this.model = null; // {names, frames, things, seconds} once there is one
    this.camera = new Camera(this.$("video"));
    this.things = new Things(this.$(".cards"), this.$(".foreign"), {
      record: (name, button) => this.recording.press(name, button),
      files: (name, files, button) => this.files.upload(name, files, button),
      rename: (thing, name, field) => this.order({ do: "rename", thing, name }, field),
      remove: (thing, button) => this.remove(thing, button),
      removeClips: (thing, clips, button) => this.removeClips(thing, clips, button),
      removeFrame: (thing, clip, frame, button) => this.order({ do: "remove frame", thing, clip, frame }, button),
      forget: (clip) => this.order({ do: "forget", clip }),
    });
    this.voice = new Voice(this.$("p[role=status]"));
    this.voice.heed(this.$(".speak"));
    this.tones = new Tones();
    this.trouble = new Trouble(this.$(".trouble"), this.tones, this.voice);
    this.#parts();
    this.keeping = new Keep(this.$(".keep"), this.$(".speak select"), {
      order: (order) => this.order(order),
      voice: this.voice,
      ready: () => this.ready,
    });
    this.#wire();
    keepFocus(this);
    this.show();
    this.startCamera();
    this.ready = new Promise((settle) => (this.settle = settle)); // true once there is a line, false if there is none
    this.ready.then((open) => open && this.keeping.enter(this.line)); // before whoever waits for it uses that line
    this.begin();
  }

  $(selector) {
    return this.querySelector(selector);
  }

  /** What is being recorded: {name, typed, started}, or null. */
  get take() {
    return this.recording.take;
  }

  #parts() {
    const colour = (name) => this.things.colour(name);
    const mirrored = () => this.camera.mirrored;
    this.sight = new Sight(this, colour, this.voice, {
      correction: new Correction(this, (order) => this.order(order), this.voice),
      find: new Find(this, this.tones, this.voice, mirrored),
    });
    const page = {
      order: (order, control) => this.order(order, control),
      trouble: (text, control) => this.trouble.say(text, control),
    };
    this.recording = new Recording(this, this.camera, this.voice, this.tones, {
      ...page,
      show: () => this.show(),
      taught: (name) => this.state.things.some((thing) => thing.name === name && thing.clips.length),
      counting: (name, left) => this.things.recording(name, left),
      kept: (name, words) => this.#recorded(name, words),
    });
    this.files = new Files(this, {
      ...page,
      line: () => this.line,
      ready: () => this.ready,
      busy: (text) => this.#hear({ busy: text }),
      kept: (name, words) => this.#kept(name, words),
    });
  }

  // ---- the line -----------------------------------------------------------------------------------------

  /** What is taught, and named, is at the other end of this line; null: there is no room for us. */
  enter(line) {
    this.line = line;
    if (!line) return this.settle(false);
    const on = (type, act) => line.addEventListener(type, (event) => act(event.detail));
    on("clip", (clip) => this.things.addClip(clip));
    on("state", (state) => this.#hearState(state));
    on("learning", (progress) => this.#hear({ learning: progress }));
    on("learned", (model) => this.#hearLearned(model));
    on("report", (report) => showReport(this.$(".report"), report));
    on("unlearned", ({ text }) => this.#hear({ learning: null, stale: true }, text));
    on("waiting", ({ key, values }) => this.busy && this.files.waiting(t(key, values)));
    on("answer", (answer) => this.#hearAnswer(answer));
    this.device = new OnDevice(this.$(".device"), line, (answer) => this.#hearAnswer(answer), (text) => this.voice.say(text));
    on("lost", () => {
      this.recording.unheard();
      this.alarm(t(this.device.on ? "lost-but-naming" : "lost"), false);
    });
    on("open", () => {
      this.alarm("");
      this.settle(true);
    });
    on("gone", ({ text, anew }) => {
      this.settle(false); // if it never was open
      if (!anew || !this.keeping.anew()) this.alarm(text, true);
    });
    this.camera.watch(() => this.#sendFrame());
    setInterval(() => this.#showPace(), 500);
  }

  /** Give the app an order; control: what was pressed, beside which a refusal is said. Resolves with null then. */
  async order(order, control = null) {
    this.trouble.say("");
    if (!(await this.ready)) return null; // who presses at once is not told off
    try {
      if (order.do === "wrong") await this.device.hand();
      return await this.line.ask(order);
    } catch (error) {
      this.trouble.say(worded(error), control);
      return null;
    }
  }

  #sendFrame() {
    if (!this.offsetParent && !this.take) return; // another tab is open: nobody looks
    if (this.device.on && !this.take) return this.model && this.device.look(this.camera);
    if (!this.line.free || this.encoding || (!this.take && !this.model)) return;
    this.encoding = true;
    const seq = this.line.take();
    this.line.picture(this.camera).then((picture) => {
      this.encoding = false;
      this.line.frame(seq, this.device.on && !this.take ? null : picture); // the switch may have been pressed meanwhile
      this.recording.look();
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
    this.sight.find.offer(state.learnable < 2 ? [] : state.things.filter((thing) => thing.clips.length).map((thing) => thing.name));
    this.keeping.hear(state);
    this.show();
  }

  #hear(change, trouble = "") {
    Object.assign(this, change);
    if (trouble) this.trouble.say(trouble);
    this.show();
  }

  #hearLearned(model) {
    showReport(this.$(".report"), null); // the one of this model is on its way
    this.#hear({ model, learning: null, stale: false });
    this.device.renew();
    this.voice.say(learnedWords(this.model));
  }

  #hearAnswer(answer) {
    if (answer.problem) this.trouble.say(answer.problem);
    if (!answer.p || !this.camera.playing || !this.model) return;
    this.recording.hear(answer);
    this.sight.show(answer);
  }

  // ---- the camera ---------------------------------------------------------------------------------------

  async startCamera(start = () => this.camera.start()) {
    this.starting = true;
    this.problem = "";
    this.show();
    try {
      await start();
      if (!this.camera.playing) return; // something else was pressed meanwhile
    } catch (error) {
      this.camera.stop();
      this.problem = error.message;
      this.voice.say(error.message);
    }
    this.starting = false;
    this.$(".turn").hidden = this.camera.playing !== "camera" || !(await this.camera.several());
    this.show();
  }

  stopCamera() {
    if (this.take) this.recording.keep();
    this.camera.stop();
    this.starting = false;
    this.show();
  }

  // ---- what was kept, what goes -------------------------------------------------------------------------

  /** Say what was kept of the thing called `name`, and what comes next; empty the field, unless something else was typed since. */
  #kept(name, words) {
    this.$(".outcome").textContent = words;
    this.voice.say(t("and-then", { words, step: this.$("#next-step").textContent }));
    const field = this.$("#thing-name");
    if (field.value.trim() === name.trim()) field.value = "";
  }

  #recorded(name, words) {
    this.#kept(name, words);
    // A phone would cover the camera with its keyboard.
    if (this.state.things.length < 2 && matchMedia("(pointer: fine)").matches) this.$("#thing-name").focus();
  }

  async remove(thing, button) {
    if (!(await this.order({ do: "remove", thing }, button))) return;
    this.$(".undo button").focus();
    this.voice.say(this.$(".undo p").textContent);
  }

  async removeClips(thing, clips, button) {
    const removed = await this.order({ do: "remove clip", thing, clips }, button);
    if (removed) this.voice.say(t("clips-removed", { count: clips.length }));
    return removed;
  }

  async undo(button) {
    const what = this.state.undo;
    if (await this.order({ do: "undo" }, button)) this.voice.say(t("back-again", { what }));
  }

  // ---- what stands on the page --------------------------------------------------------------------------

  /** What keeps the page from working; a final one stays until the page is loaded again. */
  alarm(text, final = false) {
    if (this.over && !final) return;
    this.over ||= final;
    const alarm = this.$(".alarm");
    const words = alarm.querySelector("p");
    alarm.hidden = !text;
    if (words.textContent !== (text.message ?? text)) { // said once, however often it is tried again
      show(words, text);
      this.voice.alarm(text);
    }
    alarm.querySelector("button").hidden = !final;
    if (final) this.stopCamera();
  }

  show() {
    showStep(this);
    showPicture(this);
    if (this.take) this.$(".outcome").textContent = "";
    const { things, undo } = this.state;
    this.$(".empty").hidden = things.length > 0;
    this.$(".bars").hidden = !this.model;
    this.$(".device").hidden = !this.model || this.line.here;
    this.$(".undo").hidden = undo === null;
    if (undo) this.$(".undo p").textContent = t("removed", { what: undo });
    const names = new Set(things.map((thing) => thing.name));
    this.$(".clips-to-watch").hidden = !this.model || !this.watchable.some((clip) => names.has(clip.name));
    const record = this.$(".record");
    record.classList.toggle("on", Boolean(this.take));
    record.lastElementChild.textContent = t(this.take ? "stop" : "record");
    record.ariaLabel = this.take ? t("stop-recording", { name: this.take.name }) : t("record");
    if (!this.model || !this.camera.playing) this.sight.clear();
  }

  #showPace() {
    const { rate, p95, quiet } = this.device.pace.measure();
    this.dataset.rate = rate;
    this.dataset.p95 = p95.toFixed(1);
    const shown = this.model && this.camera.playing;
    this.$(".rate").textContent = shown ? paceWords(rate, quiet > OLD, this.device.on || this.line.here) : "";
    if (quiet > OLD) this.sight.clear();
  }

  #whatIsThis() {
    if (!this.camera.playing) return this.sight.answer(t("camera-off"));
    this.sight.answer(this.model ? "" : t("not-learned-yet", { step: this.$("#next-step").textContent }));
  }

  #wire() {
    this.$(".ask").addEventListener("click", () => this.#whatIsThis());
    this.$(".goes").textContent = whereItGoes(location.hostname);
    const field = this.$("#thing-name");
    const sounds = this.$(".sounds input");
    sounds.addEventListener("change", () => (this.tones.on = sounds.checked));
    this.$("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.recording.press(field.value);
    });
    this.$(".toggle").addEventListener("click", () =>
      this.camera.playing ? this.stopCamera() : this.startCamera());
    this.$(".turn").addEventListener("click", () => this.startCamera(() => this.camera.turn()));
    this.$("video").addEventListener("lost", () => {
      this.stopCamera();
      this.problem = t("camera-lost");
      this.voice.say(this.problem);
      this.show();
    });
    this.$(".undo button").addEventListener("click", (event) => this.undo(event.currentTarget));
    this.$(".alarm button").addEventListener("click", () => location.reload());
    this.watchable = JSON.parse(this.dataset.clips || "[]");
    this.$(".clips-to-watch .tools").append(...this.watchable.map((clip) => this.#clipButton(clip)));
    window.addEventListener("beforeunload", (event) => {
      if (this.state.things.length && this.line?.gone === undefined && !this.keeping.safe) event.preventDefault();
    });
  }

  #clipButton({ name, url }) {
    return button(name, () => this.startCamera(() => this.camera.play(url)));
  }
}
