// The file of a profile, the same as the app's (app/profile/): a zip of profile.json and of each frame a PNG, without loss.

import { unzipSync, zipSync } from "../../runtime/learning.min.mjs";
import { rgb, rgba } from "../rgb.js";
import { BYTES, SIDE } from "./sampling.js";

const MANIFEST = "profile.json";
const MAX_FILE_BYTES = 320 * 2 ** 20;

/** A profile of what `manifest` lists, as a Blob; clips: id -> bytes (T, SIDE, SIDE, 3). */
export async function pack(manifest, clips) {
  const files = { [MANIFEST]: new TextEncoder().encode(JSON.stringify(manifest, null, 1)) };
  for (const { id, frames } of listed(manifest))
    for (let n = 0; n < frames; n++) files[entry(id, n)] = await png(clips.get(id).subarray(n * BYTES, (n + 1) * BYTES));
  return new Blob([zipSync(files, { level: 0 })], { type: "application/zip" });
}

/** {manifest, found: id -> bytes} of a profile; an Error for the person where it is none. */
export async function unpack(file, name) {
  try {
    if (file.size > MAX_FILE_BYTES) throw new Error(`it has ${file.size >> 20} MB, more than ${MAX_FILE_BYTES >> 20}`);
    const files = unzipSync(new Uint8Array(await file.arrayBuffer()));
    if (!files[MANIFEST]) throw new Error(`it holds no ${MANIFEST}`);
    const manifest = JSON.parse(new TextDecoder().decode(files[MANIFEST]));
    if (manifest.format !== "teach-it-your-things") throw new Error("it is no file of this app");
    if (manifest.version > 1) throw new Error(`its version, ${manifest.version}, is newer than this page`);
    const found = new Map();
    for (const { id, frames } of listed(manifest)) {
      const whole = new Uint8Array(frames * BYTES);
      for (let n = 0; n < frames; n++) whole.set(await pixels(files[entry(id, n)]), n * BYTES);
      found.set(id, whole);
    }
    return { manifest, found };
  } catch ({ message }) {
    throw new Error(`${name} was not opened: ${message || "it is no zip, or damaged"}; nothing was changed.`);
  }
}

function listed({ things, foreign }) {
  return [...things.flatMap((thing) => thing.clips), ...foreign];
}

function entry(id, number) {
  return `frames/${id}/${number}.png`;
}

async function png(frame) {
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  canvas.getContext("2d").putImageData(rgba(frame, SIDE), 0, 0);
  return new Uint8Array(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer());
}

async function pixels(file) {
  if (!file) throw new Error("some of its frames are missing");
  const picture = await createImageBitmap(new Blob([file], { type: "image/png" }), { colorSpaceConversion: "none" });
  if (picture.width !== SIDE || picture.height !== SIDE) throw new Error(`its frames are not ${SIDE} pixels wide and high`);
  const pen = new OffscreenCanvas(SIDE, SIDE).getContext("2d", { alpha: false, willReadFrequently: true });
  pen.drawImage(picture, 0, 0);
  return rgb(pen.getImageData(0, 0, SIDE, SIDE));
}
