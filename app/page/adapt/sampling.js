// Which frames of a recording are kept: model/media/sampling.py in the page. A frame is RGB bytes of SIDE x SIDE.

export const SIDE = 224; // pixels
export const BYTES = 3 * SIDE * SIDE; // of a frame
export const FRAMES_PER_CLIP = 20; // kept, at most
const CELLS = 16; // a side, for telling near-duplicates
const NEAR = 5; // grey levels: coding and sensor noise stay under it, a hand-held camera does not

/** `count` whole numbers from 0 to length - 1, evenly; all of them if there are no more. Halves go to the even one, as numpy's. */
export function evenly(length, count) {
  const taken = Math.min(length, count);
  const step = (length - 1) / (taken - 1);
  return Array.from({ length: taken }, (_, i) => (i && i === taken - 1 ? length - 1 : roundEven(i && i * step)));
}

/** At most `count` of `frames`, evenly spaced, without near-duplicates of an earlier one. */
export function selectFrames(frames, count = FRAMES_PER_CLIP) {
  const step = stride(frames.length, count);
  const sparse = frames.filter((_, at) => at % step === 0);
  const [different, seen] = [[], []];
  for (const frame of sparse) {
    const cells = means(frame);
    if (seen.some((other) => other.every((cell, i) => Math.abs(cell - cells[i]) <= NEAR))) continue;
    different.push(frame);
    seen.push(cells);
  }
  return evenly(different.length, count).map((i) => different[i]);
}

/** Every how many-th of a stream of so many frames is looked at: it doubles whenever 4 count are kept and one more comes. */
function stride(length, count) {
  let step = 1;
  while (Math.ceil(length / step) > 4 * count) step *= 2;
  return step;
}

function means(frame) {
  const size = SIDE / CELLS;
  const cells = new Float64Array(CELLS * CELLS * 3);
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      const cell = 3 * (Math.floor(y / size) * CELLS + Math.floor(x / size));
      for (let c = 0; c < 3; c++) cells[cell + c] += frame[3 * (y * SIDE + x) + c];
    }
  return cells.map((sum) => Math.round(sum / size ** 2));
}

function roundEven(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 ? low + 1 : low;
}
