// A worker that names frames with the adapted model, beside the page: what the server does, on this device.

import { rgb } from "./rgb.js";
import { runtime } from "./runtime.js";
import { Watch } from "./watch.js";

const MOMENT = 1; // s: what That’s wrong is about
const SHOWN = 5; // frames of it
const QUALITY = 0.85; // of a JPEG
const OUTPUTS = ["probabilities", "unknown", "where"];

let ort;
let running; // {session, names, watch}
let recent = []; // {time, picture}

const work = {
  /** Open a model of things called `names`, in place of the one before. */
  async open({ model, names }) {
    ort ??= await runtime();
    const session = await ort.InferenceSession.create(new Uint8Array(model), { executionProviders: ["wasm"] });
    const before = running?.session;
    running = { session, names, watch: new Watch() };
    await answers(new ImageData(224, 224)); // the first run is slower
    await before?.release();
    postMessage({ type: "ready" });
  },

  /** Name the square `picture`, taken at `time` (s). */
  async look({ seq, time, picture }) {
    recent = [...recent.filter((one) => one.time > time - MOMENT && one.time <= time), { time, picture }];
    const start = performance.now();
    const { probabilities, unknown, where } = await answers(picture);
    const ms = performance.now() - start;
    const seen = running.watch.see(time, probabilities, unknown?.[0], where);
    postMessage({ type: "answer", seq, ms, names: running.names, ...seen });
  },

  /** The last second as JPEGs. */
  async moment() {
    const count = Math.min(SHOWN, recent.length);
    const some = Array.from({ length: count }, (_, n) => recent[Math.round((n * (recent.length - 1)) / Math.max(1, count - 1))]);
    postMessage({ type: "moment", jpegs: await Promise.all(some.map(({ picture }) => jpeg(picture))) });
  },
};

async function answers(picture) {
  const frames = new ort.Tensor("uint8", rgb(picture), [1, picture.height, picture.width, 3]);
  const outputs = OUTPUTS.filter((name) => running.session.outputNames.includes(name)); // an older model has fewer
  const found = await running.session.run({ frames }, outputs);
  return Object.fromEntries(outputs.map((name) => [name, found[name].data]));
}

function jpeg(picture) {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d").putImageData(picture, 0, 0);
  return canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
}

// One after the other: what waits for its session must not be overtaken.
let turn = Promise.resolve();
self.onmessage = ({ data }) => {
  turn = turn.then(() => work[data.do](data)).catch(({ message }) => postMessage({ type: "failed", text: message }));
};
