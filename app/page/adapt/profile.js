// The file of a profile, the same as the app's (app/profile/): a zip of profile.json and of each frame a PNG, without loss.

import { decode, encode, unzipSync, zipSync } from "../../runtime/learning.min.mjs";
import { BYTES, FRAMES_PER_CLIP, SIDE } from "./sampling.js";

const [FORMAT, VERSION] = ["teach-it-your-things", 1];
const MANIFEST = "profile.json";
const MAX_FILE_BYTES = 320 * 2 ** 20;
const ID = /^[0-9a-z-]{1,40}$/;

/** A sentence of the page's language by its key: here are no languages. */
class Refused extends Error {
  constructor(key, values = {}) {
    super(key);
    Object.assign(this, { key, values });
  }
}

/** A profile of what `listing` {things, foreign, settings} names, as a Blob; clips: id -> bytes (T, SIDE, SIDE, 3). */
export function pack(listing, clips) {
  const manifest = { format: FORMAT, version: VERSION, ...listing };
  const files = { [MANIFEST]: new TextEncoder().encode(JSON.stringify(manifest, null, 1)) };
  for (const { id, frames } of listed(manifest))
    for (let n = 0; n < frames; n++) files[entry(id, n)] = png(clips.get(id).subarray(n * BYTES, (n + 1) * BYTES));
  return new Blob([zipSync(files, { level: 0 })], { type: "application/zip" });
}

/** {manifest, found: id -> bytes, of those that `ids` has} of a profile; a Refused where it is none. */
export async function unpack(file, name, ids) {
  try {
    if (file.size > MAX_FILE_BYTES) throw new Refused("profile-large", { size: file.size >> 20, most: MAX_FILE_BYTES >> 20 });
    const wanted = (path) => path === MANIFEST || ids.has(path.split("/")[1]);
    const filter = ({ name: path, originalSize }) => wanted(path) && originalSize <= 2 * BYTES; // a bomb is left out, and then missing
    const files = unzipSync(new Uint8Array(await file.arrayBuffer()), { filter });
    if (!files[MANIFEST]) throw new Refused("profile-without", { part: MANIFEST });
    const manifest = JSON.parse(new TextDecoder().decode(files[MANIFEST]));
    if (manifest.format !== FORMAT) throw new Refused("profile-foreign");
    if (manifest.version > VERSION) throw new Refused("profile-new", { version: manifest.version });
    if (!manifest.things.every(isThing) || !listed(manifest).every(isClip)) throw new Refused("profile-list");
    const found = new Map();
    for (const { id, frames } of listed(manifest).filter((clip) => ids.has(clip.id))) {
      const whole = new Uint8Array(frames * BYTES);
      for (let n = 0; n < frames; n++) whole.set(pixels(files[entry(id, n)]), n * BYTES);
      found.set(id, whole);
    }
    return { manifest, found };
  } catch (error) {
    const { key, values } = error instanceof Refused ? error : { key: "profile-damaged" };
    throw new Refused("profile-refused", { file: name, reason: { key, values } });
  }
}

function listed({ things, foreign }) {
  return [...things.flatMap((thing) => thing.clips), ...foreign];
}

const isId = (id) => typeof id === "string" && ID.test(id);
const isThing = ({ id, name }) => isId(id) && typeof name === "string";
const isClip = ({ id, frames }) => isId(id) && Number.isInteger(frames) && frames >= 1 && frames <= FRAMES_PER_CLIP;

function entry(id, number) {
  return `frames/${id}/${number}.png`;
}

function png(data) {
  return encode({ width: SIDE, height: SIDE, channels: 3, depth: 8, data });
}

function pixels(file) {
  if (!file) throw new Refused("profile-incomplete");
  const { width, height, channels, depth, data } = decode(file);
  if (width !== SIDE || height !== SIDE || channels !== 3 || depth !== 8) throw new Refused("profile-frame", { side: SIDE });
  return data;
}
