// In place of the line to the app: the same orders, answers and news, but all of it happens in this page and its two workers.

import { pictures } from "./decode.js";
import { Device } from "./device.js";
import { clashes, join } from "./joining.js";
import { t } from "./language.js";
import { Refused, worded } from "./refused.js";
import { Taught } from "./taught.js";

const HOME = new URL("../", import.meta.url);
const MOMENT = 1; // s: what That’s wrong is about
// A module of one function with two SIMD instructions, i8x16.splat and i8x16.popcnt.
const SIMD = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]);

/** Says what Line says: "open", "clip", "state", "learning", "learned", "unlearned", "waiting", "answer" and "gone". */
export class Local extends EventTarget {
  here = true; // frames are not sent anywhere
  open = false;
  #taught = new Taught();
  #learner;
  #device = new Device(Infinity); // there is no other to fall back on
  #waiting = new Map(); // number of a question to the learner -> what to do with its answer
  #questions = 0;
  #lesson = null; // {order, clips, frames, things, seconds, names, model} of the latest model
  #order = 0; // of the latest change: older lessons are of no use
  #missing = "teach-two"; // the sentence why there is no model of the present things; null: there is
  #recording = null; // {name, pictures}
  #recent = []; // {time, picture}
  #moment = [];

  constructor() {
    super();
    let modules = false; // does this browser ask whether its worker is one?
    const type = { get type() { modules = true; return "module"; } };
    this.#learner = new Worker(new URL("adapt/worker.js", import.meta.url), type);
    const able = modules && globalThis.OffscreenCanvas && Array.prototype.toSpliced && globalThis.WebAssembly?.validate(SIMD);
    if (!able) {
      this.#learner.terminate();
      this.#device.close();
      return this.#fail(t("site-old-browser"));
    }
    this.#learner.onmessage = ({ data }) => this.#hear(data);
    this.#learner.onerror = () => this.#fail(t("site-broken"));
    this.#device.addEventListener("answer", ({ detail }) => this.#tell("answer", detail));
    this.#device.addEventListener("failed", () => this.#fail(t("site-broken")));
    this.#learn({ do: "open" }).then(() => {
      this.open = true;
      this.#tell("open");
    }, () => this.#fail(t("site-incomplete")));
  }

  get pace() {
    return this.#device.pace;
  }

  // ---- frames ---------------------------------------------------------------------------------------------

  get free() {
    return this.open && (this.#recording !== null || this.#device.free);
  }

  take() {
    return performance.now() / 1000;
  }

  async picture(camera) {
    return camera.square();
  }

  /** A picture taken at `time` (s): part of what is recorded, and something to name. */
  async frame(time, picture) {
    if (!picture) return;
    this.#recent = [...this.#recent.filter((one) => one.time > time - MOMENT), { time, picture }];
    this.#recording?.pictures.push(picture);
    if (this.#lesson && this.#device.free) this.#device.look(picture, time);
  }

  // ---- orders ---------------------------------------------------------------------------------------------

  /** Give an order; resolves with the answer. */
  async ask({ do: what, ...order }) {
    return (await this.#verbs[what](order)) ?? {};
  }

  #verbs = {
    record: ({ name }) => {
      const tidied = this.#taught.check(name);
      this.#recording = { name: this.#taught.named(tidied)?.name ?? tidied, pictures: [] };
      return { name: this.#recording.name };
    },
    keep: async () => {
      const { name, pictures: taken } = this.#recording;
      this.#recording = null;
      if (!taken.length) throw new Refused("nothing-recorded");
      return { count: await this.#teach(name, taken), sent: taken.length };
    },
    wrong: () => {
      this.#moment = this.#recent.map(({ picture }) => picture);
    },
    "it is": async ({ thing }) => {
      const { name } = this.#taught.thing(thing);
      return { clip: await this.#keepMoment((clip) => this.#taught.add(name, clip)) };
    },
    "not mine": async () => {
      this.#taught.checkForeign();
      return { clip: await this.#keepMoment((clip) => this.#taught.reject(clip)) };
    },
    forget: ({ clip }) => this.#change(this.#taught.forget(clip)),
    samples: () => this.#teachSamples(),
    rename: ({ thing, name }) => this.#change(this.#taught.rename(thing, name)),
    remove: ({ thing }) => this.#change(this.#taught.remove(thing)),
    "remove clip": ({ thing, clip, clips = [clip] }) => this.#change(this.#taught.removeClips(thing, clips)),
    "remove frame": async ({ thing, clip, frame: number }) => {
      const own = this.#taught.thing(thing).clips.find(({ id }) => id === clip);
      if (!own) throw new Refused("frame-gone");
      if (own.frames === 1) return this.#change(this.#taught.removeClips(thing, [clip]));
      const shorter = await this.#kept({ do: "cut", from: clip, number });
      await this.#orDrop([shorter], () => this.#change(this.#taught.replaceClip(thing, clip, shorter)));
    },
    "forget everything": () => this.#change(new Taught()),
    undo: () => this.#change(this.#taught.undo()),
  };

  /** Teach a clip or photo from disk; resolves with how many frames were kept, rejects with an Error for the person. */
  async upload(name, file) {
    try {
      this.#taught.check(name);
      return await this.#teach(name, await pictures(file), true);
    } catch (error) {
      throw worded(error);
    }
  }

  async #teach(name, taken, handOver = false) {
    const clip = await this.#kept({ do: "keep", pictures: taken }, handOver);
    await this.#orDrop([clip], () => this.#change(this.#taught.add(name, clip)));
    return clip.frames;
  }

  async #teachSamples() {
    const { samples } = await (await fetch(new URL("things.json", HOME))).json();
    const clips = Object.entries(samples).flatMap(([name, urls]) => urls.map((url) => [name, url]));
    const kept = [];
    await this.#orDrop(kept, async () => {
      for (const [number, [name, url]] of clips.entries()) {
        this.#tell("waiting", { key: "reading-number", values: { number: number + 1, of: clips.length } });
        const file = await (await fetch(new URL(url, HOME))).blob();
        kept.push(await this.#kept({ do: "keep", pictures: await pictures(file, name) }, true));
      }
      this.#change(kept.reduce((taught, clip, n) => taught.add(clips[n][0], clip), this.#taught)); // all of them or none
    });
    return { count: Object.keys(samples).length };
  }

  async #keepMoment(change) {
    const taken = this.#moment;
    if (!taken.length) throw new Refused("nothing-to-remember");
    const clip = await this.#kept({ do: "keep", pictures: taken, moment: true });
    await this.#orDrop([clip], () => this.#change(change(clip)));
    return clip.id;
  }

  /** Let the learner keep a clip; handOver: its pictures are for nothing else. */
  async #kept(order, handOver = false) {
    const id = newId();
    const { count, thumbs } = await this.#learn({ ...order, id }, handOver ? order.pictures.map(({ data }) => data.buffer) : []);
    this.#tell("clip", { id, thumbs });
    return { id, frames: count };
  }

  /** Do what changes what is taught by `clips` that the learner keeps; where it fails, it forgets those that nothing needs. */
  async #orDrop(clips, act) {
    try {
      return await act();
    } catch (error) {
      const needed = new Set(this.#taught.needed);
      this.#learn({ do: "drop", ids: clips.map(({ id }) => id).filter((id) => !needed.has(id)) });
      throw error;
    }
  }

  // ---- learning -------------------------------------------------------------------------------------------

  #change(taught) {
    const needed = new Set(taught.needed);
    const gone = this.#taught.needed.filter((id) => !needed.has(id));
    this.#taught = taught;
    const { things, foreign, removed, learnable } = taught;
    this.#tell("state", { things, foreign, undo: removed.at(-1)?.what ?? null, learnable: learnable.length });
    this.#order++;
    this.#learn({ do: "drop", ids: gone, order: this.#order });
    this.#missing = learnable.length < 2 ? "teach-two" : "not-learned-wait";
    if (learnable.length < 2) this.#lesson = null;
    else this.#adapt(learnable, foreign);
  }

  async #adapt(learnable, foreign) {
    const names = learnable.map((thing) => thing.name);
    const clips = JSON.stringify([learnable.map((thing) => thing.clips.map(({ id }) => id)), foreign.map(({ id }) => id)]);
    const total = learnable.flatMap((thing) => thing.clips).reduce((sum, { frames }) => sum + frames, 0);
    const order = this.#order;
    const same = this.#lesson?.clips === clips; // only names have changed
    if (same && this.#lesson.names.join("\n") === names.join("\n")) {
      this.#missing = null;
      return this.#tell("learned", this.#lesson);
    }
    if (!same) this.#tell("learning", { done: 0, total });
    const things = learnable.map((thing) => ({ name: thing.name, clips: thing.clips.map(({ id }) => id) }));
    const of = same ? this.#lesson.order : null;
    try {
      const { model, seconds, made } = await this.#learn({ do: "learn", things, foreign: foreign.map(({ id }) => id), order, of });
      if (order !== this.#order) return;
      this.#missing = null;
      this.#lesson = { order: made, clips, names, model, frames: total, things: names.length, seconds: same ? this.#lesson.seconds : seconds };
      this.#device.open({ names, model: model.slice(0) });
      this.#tell("learned", this.#lesson);
    } catch {
      if (order !== this.#order) return;
      this.#missing = "site-unlearned";
      this.#tell("unlearned", { text: t("site-unlearned") });
    }
  }

  /** The adapted model and the names of its things; rejects with a Refused while it is older than they are. */
  async model() {
    if (this.#missing) throw new Refused(this.#missing);
    return { names: this.#lesson.names, model: this.#lesson.model };
  }

  // ---- profiles -------------------------------------------------------------------------------------------

  /** A profile of what is taught, or of one clip; null if that is not here any more. */
  async profile(settings, clip = "") {
    const { things, foreign, present } = this.#taught;
    if (clip && !present.some(({ id }) => id === clip)) return null;
    if (!present.length) throw new Refused("nothing-to-save");
    const one = (clips) => clips.filter(({ id }) => !clip || id === clip);
    const listed = things.map((thing) => ({ ...thing, clips: one(thing.clips) })).filter((thing) => !clip || thing.clips.length);
    const listing = { things: listed, foreign: one(foreign), settings };
    return (await this.#learn({ do: "pack", listing })).file;
  }

  /** Open a profile: {things, frames, settings}, {same, problem} or {problem}. */
  async openProfile(file, same, name) {
    const unpack = (ids) => this.#learn({ do: "unpack", file, name, ids });
    try {
      const { manifest } = await unpack([]);
      const both = clashes(this.#taught, manifest, same);
      if (both.length) return { same: both, problem: t("same-question", { names: both.slice(0, 5) }) };
      join(this.#taught, manifest, same); // before anything is decoded
      const clips = new Taught(manifest.things, manifest.foreign).present;
      return await this.#orDrop(clips, async () => {
        const { thumbs } = await unpack(clips.map(({ id }) => id));
        const joined = join(this.#taught, manifest, same);
        const here = new Set(this.#taught.present.map(({ id }) => id));
        const news = Object.entries(thumbs).filter(([id]) => !here.has(id));
        for (const [id, own] of news) this.#tell("clip", { id, thumbs: own });
        this.#change(joined);
        const frames = news.reduce((sum, [, own]) => sum + own.length, 0);
        return { things: manifest.things.length, frames, settings: manifest.settings ?? {} };
      });
    } catch (error) {
      return { problem: worded(error) };
    }
  }

  // ---- the learner ----------------------------------------------------------------------------------------

  /** handedOver: buffers that the page needs no more. */
  #learn(question, handedOver = []) {
    const ref = ++this.#questions;
    return new Promise((resolve, reject) => {
      this.#waiting.set(ref, { resolve, reject });
      this.#learner.postMessage({ ...question, ref }, handedOver);
    });
  }

  #hear({ type, ref, ...told }) {
    if (type === "learning") return this.#tell("learning", told);
    const { resolve, reject } = this.#waiting.get(ref);
    this.#waiting.delete(ref);
    if (type === "done") resolve(told);
    else reject(new Refused(told.key ?? "failed-here", told.values)); // the learner has told the console the rest
  }

  /** It is over: say why, once whoever made this listens. */
  #fail(text) {
    queueMicrotask(() => this.#tell("gone", { text }));
  }

  #tell(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** An id that no other clip has; randomUUID is for https pages only. */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
