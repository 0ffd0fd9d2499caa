// The meta-trained model in a worker: one forward pass over a support set makes an adapted file, as model/personaliser.py does.
// What of a support set was seen before is not looked at again (model/memory.py).

import { Matrix } from "../../runtime/learning.min.mjs";
import { concatenated } from "./arrays.js";
import { mistakenFor } from "./counter_examples.js";
import { countShots, fit, length, normalised, objectMeans } from "./head.js";
import { assemble, constants, described } from "./join.js";
import { BYTES, SIDE } from "./sampling.js";
import { median, offsets, ownLooks } from "./unknown.js";

const BATCH = 4; // frames per run; the answer does not depend on it
// An arena keeps what it once took, and WebAssembly gives no memory back.
const OPTIONS = { executionProviders: ["wasm"], enableCpuMemArena: false, enableMemPattern: false };
const PARTS = ["set_encoder.onnx", "film.onnx", "model.pb", "backbone.pb", "adapted.pb", "countered.pb", "clutter.f32"];

export class Personaliser {
  #embeddings = new Map(); // clip -> (T, E) float32
  #support = new Map(); // clip -> (T, D + C + 48), under the present FiLM: features, what is in the middle, its colours (model/graph/place.py)
  #maps = new Map(); // clip -> (T, D, G, G), likewise
  #film = null; // the present one: its numbers, and the tensors under it
  #backbone = null;

  /** ort: onnxruntime; folder: where the parts lie. */
  static async open(ort, folder) {
    const [settings, ...files] = await Promise.all(["settings.json", ...PARTS].map((name) => fetched(new URL(name, folder))));
    const own = new Personaliser();
    own.ort = ort;
    own.settings = JSON.parse(new TextDecoder().decode(settings));
    own.parts = Object.fromEntries(PARTS.map((name, i) => [name, files[i]]));
    own.setEncoder = await own.#session(own.parts["set_encoder.onnx"]);
    own.generator = await own.#session(own.parts["film.onnx"]);
    for (const name of ["set_encoder.onnx", "film.onnx"]) delete own.parts[name]; // their sessions have them
    const clutter = new Float32Array(own.parts["clutter.f32"].buffer);
    own.clutter = clutter.length ? matrix([clutter], clutter.length / own.settings.d) : null;
    return own;
  }

  /**
   * Adapt to things [{name, clips: [{id, frames: bytes (T, SIDE, SIDE, 3)}]}] and counter-examples [{id, frames}]: the file, but
   * for its names. progress: told (frames done, in all) after each batch; may throw, to stop.
   */
  async adapt(things, foreign, progress) {
    const clips = things.flatMap((thing) => thing.clips);
    const total = clips.reduce((sum, { frames }) => sum + frames.length / BYTES, 0);
    forgetAllBut(this.#embeddings, clips);
    await this.#look(this.setEncoder, "frames", "embedding", this.#embeddings, clips, () => progress(0, total));
    await this.#modulate(mean(clips.map(({ id }) => this.#embeddings.get(id)), total));
    forgetAllBut(this.#support, clips);
    forgetAllBut(this.#maps, foreign);
    const known = clips.filter(({ id }) => this.#support.has(id)).reduce((sum, { frames }) => sum + frames.length / BYTES, 0);
    await this.#look(this.#backbone, "b_frames", this.settings.kept, this.#support, clips, (done) => progress(known + done, total));
    await this.#look(this.#backbone, "b_frames", "b_map", this.#maps, foreign, () => progress(total, total));
    const labels = things.flatMap((thing, k) => thing.clips.flatMap(({ frames }) => new Array(frames.length / BYTES).fill(k)));
    const numbers = things.flatMap((thing) => thing.clips.flatMap(({ frames }, n) => new Array(frames.length / BYTES).fill(n)));
    return this.#join(clips.map(({ id }) => this.#support.get(id)), labels, numbers, foreign.map(({ id }) => this.#maps.get(id)));
  }

  /** The file, with its names and how many frames each thing has. */
  named({ body, shots }, names) {
    return described(body, { names: JSON.stringify(names), shots: JSON.stringify(shots) });
  }

  #join(seen, labels, numbers, maps) {
    const { settings, parts } = this;
    const rows = matrix(seen, labels.length);
    const z = columns(rows, 0, settings.d);
    const [first, end] = [rows.columns - 3 * settings.middle ** 2, rows.columns];
    const finer = end > settings.d; // than the last map
    const middles = finer ? objectMeans(columns(rows, settings.d, first), labels) : null;
    const colours = finer ? columns(rows, first, end) : null;
    const support = normalised(z, settings.features);
    const floor = settings.window_floor * median(z.to2DArray().map(length));
    const looks = ownLooks(z, labels, numbers, settings.calibration.typical);
    const counters = maps.length && mistakenFor(maps, settings.windows, z, labels, offsets(looks, settings.calibration));
    const numbered = constants({ head: fit(support, labels, this.clutter), support, middles, colours, floor, looks, counters }, settings);
    const graph = parts[counters ? "countered.pb" : "adapted.pb"];
    return { body: assemble(parts["model.pb"], graph, { ...this.#film.tensors, ...numbered }), shots: countShots(labels) };
  }

  /** Put the task's FiLM into the backbone, unless it is there already. */
  async #modulate(embedding) {
    const { film, ...tensors } = await this.generator.run({ embedding: new this.ort.Tensor("float32", embedding, [1, embedding.length]) });
    if (this.#film && film.data.every((value, i) => value === this.#film.numbers[i])) return;
    await this.#backbone?.release();
    this.#film = { numbers: film.data, tensors };
    this.#backbone = await this.#session(assemble(this.parts["model.pb"], this.parts["backbone.pb"], tensors));
    this.#support.clear();
    this.#maps.clear();
  }

  /** Let a network look at the clips that `known` lacks. */
  async #look(session, input, output, known, clips, after) {
    let done = 0;
    for (const { id, frames } of clips) {
      if (known.has(id)) continue;
      const rows = [];
      for (let start = 0; start < frames.length; start += BATCH * BYTES) {
        const some = frames.subarray(start, start + BATCH * BYTES);
        const count = some.length / BYTES;
        const found = await session.run({ [input]: new this.ort.Tensor("uint8", some, [count, SIDE, SIDE, 3]) }, [output]);
        rows.push(found[output].data.slice());
        done += count;
        await after(done);
      }
      known.set(id, concatenated(Float32Array, rows));
    }
  }

  #session(file) {
    return this.ort.InferenceSession.create(file, OPTIONS);
  }
}

async function fetched(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} did not arrive`);
  return new Uint8Array(await answer.arrayBuffer());
}

function forgetAllBut(known, clips) {
  const ids = new Set(clips.map(({ id }) => id));
  for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
}

/** The mean (E,) of `count` rows. */
function mean(parts, count) {
  const rows = matrix(parts, count);
  return Float32Array.from(rows.mean("column"));
}

/** (count, D) float64. */
function matrix(parts, count) {
  const values = concatenated(Float32Array, parts);
  return Matrix.from1DArray(count, values.length / count, values);
}

function columns(rows, first, end) {
  return rows.subMatrix(0, rows.rows - 1, first, end - 1);
}
