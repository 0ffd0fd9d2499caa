// What is taught, a value and its transitions, as app/session.py has them: each returns a new one, or throws an Error for the person.

export const MAX_THINGS = 50;
export const MAX_FRAMES = 600; // in a page: more would take its memory, and minutes
const MAX_FOREIGN = 10;
const MAX_UNDO = 20;
const MAX_NAME = 100; // characters
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u; // controls, marks of direction, line ends
const JOINERS = /[\u200c\u200d]/g; // invisible, but part of emoji and of words in some scripts

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
      throw new Error(`There are ${MAX_THINGS} things; remove one before you add ‘${tidied}’.`);
    return tidied;
  }

  rename(id, name) {
    const [thing, tidied] = [this.thing(id), checked(name)];
    const other = this.named(tidied);
    if (other && other.id !== id) throw new Error(`Another thing is called ‘${other.name}’ already; give this one its own name.`);
    return this.#swap({ ...thing, name: tidied });
  }

  remove(id) {
    const thing = this.thing(id);
    const gone = { what: thing.name, thing, at: this.things.indexOf(thing) };
    return this.#with({ things: this.things.filter((one) => one !== thing), removed: this.#remembering(gone) });
  }

  removeClips(id, ids) {
    const thing = this.thing(id);
    const gone = places(thing.clips, ids);
    if (!gone.length || gone.length < ids.length) throw new Error("That clip is not here any more.");
    const what = `${gone.length === 1 ? "a clip" : `${gone.length} clips`} of ${thing.name}`;
    const left = { ...thing, clips: thing.clips.filter((clip) => !ids.includes(clip.id)) };
    return this.#swap(left).#with({ removed: this.#remembering({ what, owner: id, clips: gone }) });
  }

  /** Put what is left of a clip, without one of its frames, in its place. */
  replaceClip(id, clipId, shorter) {
    const thing = this.thing(id);
    const gone = places(thing.clips, [clipId]);
    const removed = this.#remembering({ what: `a frame of ${thing.name}`, owner: id, clips: gone, instead: shorter.id });
    return this.#swap({ ...thing, clips: thing.clips.map((clip) => (clip.id === clipId ? shorter : clip)) }).#with({ removed });
  }

  /** Remember a moment that shows none of the things. */
  reject(moment) {
    this.checkForeign();
    return this.#with({ foreign: [...this.foreign, moment] });
  }

  checkForeign() {
    if (this.foreign.length >= MAX_FOREIGN)
      throw new Error(`${MAX_FOREIGN} moments are remembered as none of your things; forget one first.`);
  }

  forget(id) {
    const gone = places(this.foreign, [id]);
    if (!gone.length) throw new Error("That moment is forgotten already.");
    const removed = this.#remembering({ what: "a moment that is none of your things", owner: "", clips: gone });
    return this.#with({ foreign: this.foreign.filter((clip) => clip.id !== id), removed });
  }

  /** Put what was removed last back in its place. */
  undo() {
    const last = this.removed.at(-1);
    if (!last) throw new Error("There is nothing to bring back.");
    const taught = this.#with({ removed: this.removed.slice(0, -1) });
    if (last.thing) return taught.#bringBack(last);
    if (!last.owner) {
      taught.checkForeign();
      return taught.#with({ foreign: put(taught.foreign, last.clips) });
    }
    const thing = taught.thing(last.owner);
    const clips = put(thing.clips.filter((clip) => clip.id !== last.instead), last.clips);
    taught.#checkRoom(count(clips) - count(thing.clips));
    return taught.#swap({ ...thing, clips });
  }

  thing(id) {
    const thing = this.things.find((one) => one.id === id);
    if (!thing) throw new Error("That thing is not here any more.");
    return thing;
  }

  /** The thing of that tidied name; names that differ in capitals only are one. */
  named(name) {
    return this.things.find((one) => one.name.toLowerCase() === name.toLowerCase());
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
    const gone = this.removed.flatMap(({ thing, clips }) => thing?.clips ?? clips.map(([, clip]) => clip));
    return [...this.present, ...gone].map((clip) => clip.id);
  }

  #bringBack({ thing, at }) {
    if (this.named(thing.name)) throw new Error(`There is a new ‘${thing.name}’ now; rename it first, then bring the old one back.`);
    this.#checkRoom(count(thing.clips));
    if (this.things.length >= MAX_THINGS)
      throw new Error(`There are ${MAX_THINGS} things; remove another one before you bring ‘${thing.name}’ back.`);
    return this.#with({ things: this.things.toSpliced(at, 0, thing) });
  }

  #remembering(removed) {
    return [...this.removed, removed].slice(-MAX_UNDO);
  }

  #checkRoom(frames) {
    const total = this.things.reduce((sum, thing) => sum + count(thing.clips), frames);
    if (total > MAX_FRAMES)
      throw new Error(`That would make ${total} frames, more than the ${MAX_FRAMES} that are kept here; remove a clip or a thing first.`);
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
  if (!tidied) throw new Error("An object needs a name.");
  if ([...tidied].length > MAX_NAME) throw new Error(`The name ‘${tidied.slice(0, 20)}’… has ${[...tidied].length} characters; use at most ${MAX_NAME}.`);
  if (UNSEEN.test(tidied.replace(JOINERS, ""))) throw new Error(`The name ‘${tidied}’ holds characters that cannot be shown; use letters and digits.`);
  return tidied;
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
