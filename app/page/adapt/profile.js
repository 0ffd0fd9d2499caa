// The file of a profile, the same as the app's (app/profile/): a zip of profile.json and of each frame a PNG, without loss.

import { decode, encode, unzipSync, zipSync } from "../../runtime/learning.min.mjs";
import { BYTES, SIDE } from "./sampling.js";

const [FORMAT, VERSION] = ["teach-it-your-things", 1];
const MANIFEST = "profile.json";
const MAX_FILE_BYTES = 320 * 2 ** 20;
const ID = /^[0-9a-z-]{1,40}$/;

class Refused extends Error {}

/** A profile of what `listing` {things, foreign, settings} names, as a Blob; clips: id -> bytes (T, SIDE, SIDE, 3). */
export function pack(listing, clips) {
  const manifest = { format: FORMAT, version: VERSION, ...listing };
  const files = { [MANIFEST]: new TextEncoder().encode(JSON.stringify(manifest, null, 1)) };
  for (const { id, frames } of listed(manifest))
    for (let n = 0; n < frames; n++) files[entry(id, n)] = png(clips.get(id).subarray(n * BYTES, (n + 1) * BYTES));
  return new Blob([zipSync(files, { level: 0 })], { type: "application/zip" });
}

/** {manifest, found: id -> bytes} of a profile; an Error for the person where it is none. */
export async function unpack(file, name) {
  try {
    if (file.size > MAX_FILE_BYTES) throw new Refused(`it has ${file.size >> 20} MB, more than ${MAX_FILE_BYTES >> 20}`);
    const small = ({ originalSize }) => originalSize <= 2 * BYTES; // a bomb is left out, and then missing
    const files = unzipSync(new Uint8Array(await file.arrayBuffer()), { filter: small });
    if (!files[MANIFEST]) throw new Refused(`it holds no ${MANIFEST}`);
    const manifest = JSON.parse(new TextDecoder().decode(files[MANIFEST]));
    if (manifest.format !== FORMAT) throw new Refused("it is no file of this app");
    if (manifest.version > VERSION) throw new Refused(`its version, ${manifest.version}, is newer than this page`);
    if (!listed(manifest).every(({ id, frames }) => ID.test(id) && frames >= 1)) throw new Refused("its list of clips is damaged");
    const found = new Map();
    for (const { id, frames } of listed(manifest)) {
      const whole = new Uint8Array(frames * BYTES);
      for (let n = 0; n < frames; n++) whole.set(pixels(files[entry(id, n)]), n * BYTES);
      found.set(id, whole);
    }
    return { manifest, found };
  } catch (error) {
    const reason = error instanceof Refused ? error.message : "it is no zip, or damaged";
    throw new Error(`${name} was not opened: ${reason}; nothing was changed.`);
  }
}

function listed({ things, foreign }) {
  return [...things.flatMap((thing) => thing.clips), ...foreign];
}

function entry(id, number) {
  return `frames/${id}/${number}.png`;
}

function png(data) {
  return encode({ width: SIDE, height: SIDE, channels: 3, depth: 8, data });
}

function pixels(file) {
  if (!file) throw new Refused("some of its frames are missing");
  const { width, height, channels, depth, data } = decode(file);
  if (width !== SIDE || height !== SIDE || channels !== 3 || depth !== 8) throw new Refused(`a frame is no PNG of ${SIDE} x ${SIDE} pixels in RGB`);
  return data;
}
