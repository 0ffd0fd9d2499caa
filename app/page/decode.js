// Clips and photos from disk, decoded by the browser: pictures as the model sees them, evenly spread over a clip.

import { Refused } from "./refused.js";
import { Square } from "./square.js";

const LOOKS = 40; // frames of a clip that are looked at, of which the most different are kept
const MAX_SECONDS = 120; // of a clip
const LOOK = 20; // ms of playing for each of them, where the fastest is not too slow for that
const FASTEST = 16; // as a browser plays
const STUCK = 1000; // ms without a frame after which a clip does not play: its tab is hidden, or the browser forbids it
const PLAYING = 3000; // ms at most; what is left of a long clip, or for a slow decoder, is sought
const PATIENCE = 10000; // ms for one step of a decoder
const NO_END = 1e7; // s: seeking there makes a browser find the end of a clip that does not say how long it is

/** Squares (ImageData) of a file, of a damaged clip those that can be seen; rejects with a Refused. */
export async function pictures(file, name = file.name) {
  const picture = file.type.startsWith("video/") ? null : await createImageBitmap(file).catch(() => null);
  if (picture) return [photo(picture)];
  if (file.type.startsWith("image/")) throw new Refused("photo-unreadable", { name });
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

function photo(picture) {
  const data = new Square().draw(picture, picture.width, picture.height).data();
  picture.close();
  return data;
}

async function film(video, url, name) {
  const unreadable = new Refused("film-unreadable", { name });
  const open = async () => {
    video.src = url;
    await happens(video, "loadeddata", unreadable);
  };
  const seek = async (time) => {
    video.currentTime = time;
    await happens(video, "seeked", unreadable);
  };
  await open();
  if (!video.videoWidth) throw unreadable;
  if (!Number.isFinite(video.duration)) {
    await seek(NO_END);
    await seek(0);
  }
  const { duration } = video;
  if (duration > MAX_SECONDS) throw new Refused("film-long", { name, seconds: MAX_SECONDS });
  const square = new Square();
  const found = new Array(LOOKS).fill(null);
  const look = (n) => (found[n] ??= square.draw(video, video.videoWidth, video.videoHeight).data());
  // To seek is to decode all from the last whole picture on, which may be the clip's first: most are seen as it plays.
  video.playbackRate = Math.min(FASTEST, Math.max(1, (1000 * duration) / LOOKS / LOOK));
  look(0); // the frame that is shown before it plays is not told
  if (duration) await passing(video, (time) => look(Math.max(0, Math.min(LOOKS - 1, Math.floor((time / duration) * LOOKS)))));
  const rest = async () => {
    for (let n = 0; n < LOOKS; n++) {
      if (found[n]) continue;
      await seek(((n + 0.5) / LOOKS) * duration);
      look(n);
    }
  };
  try {
    if (video.error) await open(); // a decoder that came to the damage answers nothing more, not even for what lies before
    await rest().catch(async (trouble) => {
      if (!video.error) throw trouble;
      await open(); // it was ahead of the picture that is shown
      await rest();
    });
  } catch {
    // the rest of it cannot be seen
  }
  return found.filter(Boolean);
}

/** Play a video and call `see` with the time of each frame as it is shown; resolves at its end, or where it plays no further. */
async function passing(video, see) {
  if (!video.requestVideoFrameCallback) return;
  await new Promise((settle) => {
    let timer;
    let over = false;
    const end = () => {
      over = true;
      clearTimeout(timer);
      clearTimeout(limit);
      video.pause();
      settle();
    };
    const next = () => {
      clearTimeout(timer);
      timer = setTimeout(end, STUCK);
      video.requestVideoFrameCallback((_, { mediaTime }) => {
        if (over) return;
        see(mediaTime);
        next();
      });
    };
    const limit = setTimeout(end, PLAYING);
    video.addEventListener("ended", end, { once: true });
    video.addEventListener("error", end, { once: true });
    next();
    video.play().catch(end);
  });
}

/** Resolves when the video says `what`; rejects when it fails, or says nothing for long. */
function happens(video, what, trouble) {
  return new Promise((settle, reject) => {
    const timer = setTimeout(() => reject(trouble), PATIENCE);
    video.addEventListener(what, () => (clearTimeout(timer), settle()), { once: true });
    video.addEventListener("error", () => (clearTimeout(timer), reject(trouble)), { once: true });
  });
}
