// A worker that keeps the frames of what is taught and adapts to them, beside the page and beside the worker that names.

import { rgb, rgba } from "../rgb.js";
import { runtime } from "../runtime.js";
import { concatenated } from "./arrays.js";
import { Personaliser } from "./personaliser.js";
import { pack, unpack } from "./profile.js";
import { BYTES, SIDE, evenly, selectFrames } from "./sampling.js";

const PARTS = new URL("../../model/", import.meta.url);
const THUMB = 72; // pixels
const QUALITY = 0.75;
const MOMENT = 5; // frames of a moment that was wrongly named

let personaliser;
const clips = new Map(); // id -> frames, bytes (T, SIDE, SIDE, 3)
let last; // {file, order}: the latest adapted file, but for its names, and the number of the order for it
let newest = 0; // number of the latest order: an older adaptation is of no use any more

class Overtaken extends Error {}

const work = {
  async open() {
    personaliser = await Personaliser.open(await runtime(), PARTS);
  },

  /** Keep pictures (ImageData) as the clip `id`: those that differ most, or of a moment the evenly spaced; says how many. */
  async keep({ id, pictures, moment }) {
    const frames = pictures.map(rgb);
    const some = moment ? evenly(frames.length, MOMENT).map((i) => frames[i]) : selectFrames(frames);
    return store(id, concatenated(Uint8Array, some));
  },

  /** Keep the clip `from`, without one of its frames, as the clip `id`. */
  cut({ from, id, number }) {
    const frames = clips.get(from);
    return store(id, concatenated(Uint8Array, [frames.subarray(0, number * BYTES), frames.subarray((number + 1) * BYTES)]));
  },

  /** Forget these clips: what is taught has changed. */
  drop({ ids }) {
    for (const id of ids) clips.delete(id);
  },

  /** A profile of what `listing` names. */
  pack({ listing }) {
    return { file: pack(listing, clips) };
  },

  /** Keep the clips `ids` of a profile, and say what it lists; what is here already stays. */
  async unpack({ file, name, ids }) {
    const { manifest, found } = await unpack(file, name, new Set(ids));
    const thumbs = {};
    for (const [id, frames] of found) thumbs[id] = (await store(id, clips.get(id) ?? frames)).thumbs;
    return { manifest, thumbs };
  },

  /**
   * Adapt to things [{name, clips: ids}] and the moments `foreign`: {model, seconds, made}. order: its number; of: that of a model of the
   * same clips, which then only wants these names.
   */
  async learn({ things, foreign, order, of }) {
    const start = performance.now();
    const held = (id) => ({ id, frames: clips.get(id) });
    const taught = things.map(({ name, clips: ids }) => ({ name, clips: ids.map(held) }));
    if (!last || last.order !== of) {
      const file = await personaliser.adapt(taught, foreign.map(held), async (done, total) => {
        await new Promise((settle) => setTimeout(settle)); // let newer orders come in
        if (order !== newest) throw new Overtaken();
        postMessage({ type: "learning", done, total });
      });
      last = { file, order };
    }
    const names = things.map(({ name }) => name);
    const seconds = (performance.now() - start) / 1000;
    return { model: personaliser.named(last.file, names).buffer, seconds, made: last.order };
  },
};

async function store(id, frames) {
  const thumbs = [];
  for (let at = 0; at < frames.length; at += BYTES) thumbs.push(await thumbnail(frames.subarray(at, at + BYTES)));
  clips.set(id, frames);
  return { count: thumbs.length, thumbs };
}

/** A frame as the data URL of a small JPEG. */
async function thumbnail(frame) {
  const [whole, small] = [new OffscreenCanvas(SIDE, SIDE), new OffscreenCanvas(THUMB, THUMB)];
  whole.getContext("2d").putImageData(rgba(frame, SIDE), 0, 0);
  const pen = small.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(whole, 0, 0, THUMB, THUMB);
  const jpeg = await small.convertToBlob({ type: "image/jpeg", quality: QUALITY });
  return `data:image/jpeg;base64,${btoa(String.fromCharCode(...new Uint8Array(await jpeg.arrayBuffer())))}`;
}

// The model is for one at a time; what concerns clips alone need not wait for it.
const SLOW = ["open", "learn"];
let turn = Promise.resolve();
self.onmessage = ({ data }) => {
  if (data.order) newest = data.order; // whatever is being learned is out of date
  if (SLOW.includes(data.do)) turn = turn.then(() => answer(data));
  else answer(data);
};

async function answer({ ref, ...order }) {
  try {
    const told = (await work[order.do](order)) ?? {};
    postMessage({ type: "done", ref, ...told }, told.model ? [told.model] : []);
  } catch (error) {
    if (!(error instanceof Overtaken)) console.warn(`${order.do}:`, error.message);
    postMessage({ type: "undone", ref, text: error.message, key: error.key, values: error.values });
  }
}
