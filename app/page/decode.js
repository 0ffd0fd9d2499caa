// Clips and photos from disk, decoded by the browser: pictures as the model sees them, evenly spread over a clip.

import { Refused } from "./refused.js";
import { Square } from "./square.js";

const LOOKS = 40; // frames of a clip that are looked at, of which the most different are kept
const MAX_SECONDS = 120; // of a clip
const PATIENCE = 10000; // ms for one step of a decoder
const NO_END = 1e7; // s: seeking there makes a browser find the end of a clip that does not say how long it is

/** Squares (ImageData) of a file; rejects with a Refused. */
export async function pictures(file, name = file.name) {
  if (file.type.startsWith("image/")) return [await photo(file, name)];
  const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, preload: "auto" });
  const url = URL.createObjectURL(file);
  try {
    return await film(video, url, name);
  } finally {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(url);
  }
}

async function photo(file, name) {
  const picture = await createImageBitmap(file).catch(() => {
    throw new Refused("photo-unreadable", { name });
  });
  const data = new Square().draw(picture, picture.width, picture.height).data();
  picture.close();
  return data;
}

async function film(video, url, name) {
  const unreadable = new Refused("film-unreadable", { name });
  const seek = async (time) => {
    video.currentTime = time;
    await happens(video, "seeked", unreadable);
  };
  video.src = url;
  await happens(video, "loadeddata", unreadable);
  if (!video.videoWidth) throw unreadable;
  if (!Number.isFinite(video.duration)) await seek(NO_END);
  const { duration } = video;
  if (duration > MAX_SECONDS) throw new Refused("film-long", { name, seconds: MAX_SECONDS });
  const square = new Square();
  const found = [];
  for (let n = 0; n < LOOKS; n++) {
    await seek(((n + 0.5) / LOOKS) * duration);
    found.push(square.draw(video, video.videoWidth, video.videoHeight).data());
  }
  return found;
}

/** Resolves when the video says `what`; rejects when it fails, or says nothing for long. */
function happens(video, what, trouble) {
  return new Promise((settle, reject) => {
    const timer = setTimeout(() => reject(trouble), PATIENCE);
    video.addEventListener(what, () => (clearTimeout(timer), settle()), { once: true });
    video.addEventListener("error", () => (clearTimeout(timer), reject(trouble)), { once: true });
  });
}
