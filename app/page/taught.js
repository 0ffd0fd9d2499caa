// What is taught, a value and its transitions, as app/session.py has them: each returns a new one, or throws a Refused.

import { Refused } from "./refused.js";

export const MAX_THINGS = 50;
export const MAX_FRAMES = 600; // in a page: more would take its memory, and minutes
const MAX_FOREIGN = 10;
const MAX_UNDO = 20; // removals that can be taken back, of MAX_FRAMES frames together
const MAX_NAME = 100; // characters
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u; // controls, marks of direction, line ends
const JOINERS = /[\u200c\u200d]/g; // invisible, but part of emoji and of words in some scripts

/** A name without capitals, as Python's casefold has it: ß is ss. */
const folded = (name) => name.toUpperCase().toLowerCase();

/** things: [{id, name, clips: [{id, frames}]}]; foreign: moments, clips of none of them; removed: what undo brings back. */
export class Taught {
  constructor(things = [], foreign = [], removed = []) {
    Object.assign(this, { things, foreign, removed });
  }

  /** Add a clip to the thing of that name, which is new unless there is one. */
  add(name, clip) {
    const tidied = this.check(name, clip.frames);
    return this.extend(this.named(tidied)?.id ?? `thing-${clip.id}`, tidied, [clip]);
  }

  /** Add clips to the thing of that id; a new one, of that name, unless there is one. */
  extend(id, name, clips) {
    this.#checkRoom(count(clips));
    const thing = this.things.find((one) => one.id === id);
    if (thing) return this.#swap({ ...thing, clips: [...thing.clips, ...clips] });
    return this.#with({ things: [...this.things, { id, name: this.check(name, 0), clips }] });
  }

  /** The tidied name, if a clip of so many frames may be added to the thing of that name. */
  check(name, frames = 1) {
    const tidied = checked(name);
    this.#checkRoom(frames);
    if (this.things.length >= MAX_THINGS && !this.named(tidied))
      throw new Refused("too-many-things", { most: MAX_THINGS, name: tidied });
    return tidied;
  }

  rename(id, name) {
    const [thing, tidied] = [this.thing(id), checked(name)];
    const other = this.named(tidied);
    if (other && other.id !== id) throw new Refused("name-taken", { name: other.name });
    return this.#swap({ ...thing, name: tidied });
  }

  remove(id) {
    const thing = this.thing(id);
    const gone = { what: { key: "what-thing", values: { name: thing.name } }, thing, at: this.things.indexOf(thing) };
    return this.#with({ things: this.things.filter((one) => one !== thing), removed: this.#remembering(gone) });
  }

  removeClips(id, ids) {
    const thing = this.thing(id);
    const gone = places(thing.clips, ids);
    if (!gone.length || gone.length < ids.length) throw new Refused("clip-gone");
    const what = { key: "what-clips", values: { count: gone.length, name: thing.name } };
    const left = { ...thing, clips: thing.clips.filter((clip) => !ids.includes(clip.id)) };
    return this.#swap(left).#with({ removed: this.#remembering({ what, owner: id, clips: gone }) });
  }

  /** Put what is left of a clip, without one of its frames, in its place. */
  replaceClip(id, clipId, shorter) {
    const thing = this.thing(id);
    const gone = places(thing.clips, [clipId]);
    if (!gone.length) throw new Refused("clip-gone");
    const removed = this.#remembering({ what: { key: "what-frame", values: { name: thing.name } }, owner: id, clips: gone, instead: shorter.id });
    return this.#swap({ ...thing, clips: thing.clips.map((clip) => (clip.id === clipId ? shorter : clip)) }).#with({ removed });
  }

  /** Remember a moment that shows none of the things. */
  reject(moment) {
    this.checkForeign();
    return this.#with({ foreign: [...this.foreign, moment] });
  }

  checkForeign() {
    if (this.foreign.length >= MAX_FOREIGN)
      throw new Refused("too-many-moments", { most: MAX_FOREIGN });
  }

  forget(id) {
    const gone = places(this.foreign, [id]);
    if (!gone.length) throw new Refused("moment-gone");
    const removed = this.#remembering({ what: { key: "what-moment" }, owner: "", clips: gone });
    return this.#with({ foreign: this.foreign.filter((clip) => clip.id !== id), removed });
  }

  /** Put what was removed last back in its place, but for what a file has brought back since. */
  undo() {
    const last = this.removed.at(-1);
    if (!last) throw new Refused("nothing-to-undo");
    const taught = this.#with({ removed: this.removed.slice(0, -1) });
    const here = new Set(this.present.map((clip) => clip.id));
    const away = (clip) => !here.has(clip.id);
    if (last.thing) return taught.#bringBack(last.at, { ...last.thing, clips: last.thing.clips.filter(away) });
    const back = last.clips.filter(([, clip]) => away(clip));
    if (!last.owner) {
      taught.checkForeign();
      return taught.#with({ foreign: put(taught.foreign, back) });
    }
    const thing = taught.thing(last.owner);
    const clips = put(thing.clips.filter((clip) => clip.id !== last.instead), back);
    taught.#checkRoom(count(clips) - count(thing.clips));
    return taught.#swap({ ...thing, clips });
  }

  thing(id) {
    const thing = this.things.find((one) => one.id === id);
    if (!thing) throw new Refused("thing-gone");
    return thing;
  }

  /** The thing of that tidied name; names that differ in capitals only are one. */
  named(name) {
    return this.things.find((one) => folded(one.name) === folded(name));
  }

  /** The things that have a clip. */
  get learnable() {
    return this.things.filter((thing) => thing.clips.length);
  }

  /** The clips of all things, and the moments. */
  get present() {
    return [...this.things.flatMap((thing) => thing.clips), ...this.foreign];
  }

  /** The ids of every clip that is still needed, for an undo too. */
  get needed() {
    return [...this.present, ...this.removed.flatMap(held)].map((clip) => clip.id);
  }

  #bringBack(at, thing) {
    if (this.named(thing.name)) throw new Refused("undo-name-taken", { name: thing.name });
    this.#checkRoom(count(thing.clips));
    if (this.things.length >= MAX_THINGS)
      throw new Refused("undo-too-many-things", { most: MAX_THINGS, name: thing.name });
    return this.#with({ things: this.things.toSpliced(at, 0, thing) });
  }

  /** What can be taken back with one removal more; the oldest give way. What could not come back just now stays the first to do so. */
  #remembering(removed) {
    const latest = [removed, ...this.removed.toReversed()];
    if (this.removed.at(-1)?.thing && !this.#canUndo()) latest.unshift(...latest.splice(1, 1));
    const kept = [];
    let frames = 0;
    for (const one of latest) {
      frames += count(held(one));
      if (kept.length && (frames > MAX_FRAMES || kept.length === MAX_UNDO)) break;
      kept.unshift(one);
    }
    return kept;
  }

  #canUndo() {
    try {
      return Boolean(this.undo());
    } catch {
      return false;
    }
  }

  #checkRoom(frames) {
    const total = this.things.reduce((sum, thing) => sum + count(thing.clips), frames);
    if (total > MAX_FRAMES)
      throw new Refused("too-many-frames", { total, most: MAX_FRAMES });
  }

  #swap(thing) {
    return this.#with({ things: this.things.map((one) => (one.id === thing.id ? thing : one)) });
  }

  #with({ things = this.things, foreign = this.foreign, removed = this.removed }) {
    return new Taught(things, foreign, removed);
  }
}

/** A typed name without stray blanks and in one Unicode form, if it can name a thing. */
export function checked(name) {
  const tidied = name.normalize("NFC").split(/\s+/u).filter(Boolean).join(" ");
  if (!tidied) throw new Refused("name-missing");
  if ([...tidied].length > MAX_NAME) throw new Refused("name-long", { name: tidied.slice(0, 20), length: [...tidied].length, most: MAX_NAME });
  if (UNSEEN.test(tidied.replace(JOINERS, ""))) throw new Refused("name-unseen", { name: tidied });
  return tidied;
}

/** The clips whose frames are needed to bring it back. */
function held({ thing, clips }) {
  return thing?.clips ?? clips.map(([, clip]) => clip);
}

function count(clips) {
  return clips.reduce((sum, clip) => sum + clip.frames, 0);
}

function places(clips, ids) {
  return [...clips.entries()].filter(([, clip]) => ids.includes(clip.id));
}

function put(clips, more) {
  return more.reduce((found, [at, clip]) => found.toSpliced(at, 0, clip), clips);
}
