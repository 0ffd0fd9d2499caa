// The coach: what makes a clip poor while it is being recorded, one hint at a time.
// Dark: the mean of the luma. Blurred: how little blurring it again takes away (Crete et al., "The blur effect", 2007).
// Cut off: where the model sees the thing, once it knows it. Small, and taken where the clip before was: surroundings.js.
// Covered: hand.js, and whether the model sees the thing, once it knows it.
// Still: no cell of a coarse grid has changed for a while.

import { colours } from "./cells.js";
import { covered } from "./hand.js";
import { OLD } from "./pace.js";
import { Place, share } from "./surroundings.js";

const SIDE = 112; // pixels of the picture that is looked at: half of a frame's, in which the noise of a sensor is gone
const CELLS = 16; // of the coarse grid, a side
const EVERY = 100; // ms between two looks
// Looks in a row before a hint is given, the first of them. A hand comes before the sides, as it hides where a thing ends, and waits
// until the answers of the model, means of half a second, have come to know the thing, as what is small does where the model
// knows the thing: it may be the rest of what is cut off. The same place is a mean of looks already.
const HOLD = { dark: 3, blurred: 3, hand: 9, left: 2, right: 2, top: 2, bottom: 2, small: 4, same: 1 };
const SMALL_HOLD = 5; // where the model knows the thing
const DARK = 40; // mean luma of 255, below which nothing is to be seen
const BLUR = 0.45; // the blur effect, in [0, 1], above which no edge is left
const EDGE = 0.23; // of the picture: nearer to a side than this lies the middle only of what is cut off there
const SURE = 0.9; // probability, from which on what lies in the middle is seen, whether or not it is named
const OLDEST = 3000; // ms between two answers, from which on the line was broken, not slow
const MIDDLE = 0.3; // nearer to a side than this it may be cut off, so that its size is not known
const SMALL = 0.055; // of the picture, that a thing held near enough covers ...
const SEEN = 0.01; // ... of which more must be seen, or nothing is known of it
const SAME = 0.84; // of the rim, from which on it is that of the clip before, on average over ...
const LONG = 5; // ... so many looks
const STILL = 1500; // ms without a change ...
const CHANGE = 6; // ... of more luma than this in any cell ...
const LOOKS = 8; // ... in so many looks: two of a slow machine may be alike by chance
const STAYS = 2500; // ms that a hint stays at least before another one

/** Luma of RGBA pixels (2 SIDE, 2 SIDE, 4), at half the size: (SIDE * SIDE,) in [0, 255]. */
export function luma(rgba) {
  const grey = new Float32Array(SIDE * SIDE);
  for (let i = 0; i < rgba.length / 4; i++) {
    const [x, y] = [i % (2 * SIDE), Math.floor(i / (2 * SIDE))];
    grey[(y >> 1) * SIDE + (x >> 1)] += (0.299 * rgba[4 * i] + 0.587 * rgba[4 * i + 1] + 0.114 * rgba[4 * i + 2]) / 4;
  }
  return grey;
}

/** Means of the luma in CELLS x CELLS cells. */
function grid(grey) {
  const size = SIDE / CELLS;
  const cells = new Float32Array(CELLS * CELLS);
  for (let i = 0; i < grey.length; i++) {
    const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
    cells[Math.floor(y / size) * CELLS + Math.floor(x / size)] += grey[i] / size ** 2;
  }
  return cells;
}

/** The blur effect of the luma, in [0, 1]: the share of its changes that blurring along one axis leaves; the worse axis counts. */
export function blurEffect(grey) {
  return Math.max(blurAlong(grey, 1, SIDE), blurAlong(grey, SIDE, 1));
}

function blurAlong(grey, step, line) {
  const REACH = 4; // pixels each side, as in the paper
  let [changes, taken] = [0, 0];
  for (let row = 0; row < SIDE; row++) {
    const start = row * line;
    let sum = 0;
    for (let k = 0; k < 2 * REACH + 1; k++) sum += grey[start + k * step];
    for (let k = REACH + 1; k < SIDE - REACH; k++) {
      const at = start + k * step;
      const next = sum + grey[at + REACH * step] - grey[at - (REACH + 1) * step];
      const change = Math.abs(grey[at] - grey[at - step]);
      changes += change;
      taken += Math.max(0, change - Math.abs(next - sum) / (2 * REACH + 1));
      sum = next;
    }
  }
  return changes ? 1 - taken / changes : 1;
}

const likeliest = ({ names, p }) => names[p.indexOf(Math.max(...p))];

/** The side that the middle of what the model points at is nearest to, and how near, as a share of the picture: [distance, side]. */
function nearest({ where }) {
  if (!where) return [Infinity, ""];
  const [x, y] = [(where[0] + where[2]) / 2, (where[1] + where[3]) / 2];
  return [[x, "left"], [1 - x, "right"], [y, "top"], [1 - y, "bottom"]].sort(([a], [b]) => a - b)[0];
}

/** The side, a key of `hintWords`, at which an answer {names, p, where} has the thing called `name` cut off; "" at none. What is
 * half seen is often not named: that it is the likeliest is enough. */
export function cutOff(answer, name, mirrored = false) {
  if (likeliest(answer) !== name) return "";
  const [distance, side] = nearest(answer);
  if (distance >= EDGE) return "";
  return mirrored ? ({ left: "right", right: "left" }[side] ?? side) : side;
}

export class Coach {
  #looked = -Infinity;
  #past = []; // [when, grid]
  #alike = []; // of the latest looks, the share of the rim that is as in the clip before
  #runs = {}; // looks in a row of each kind
  #side = ""; // where the newest answer has it cut off
  #missed = null; // does the newest answer not see it? null: the model does not know it
  #aside = false; // does it see it anywhere but in the middle?
  #heard = -Infinity; // when it came ...
  #lasts = OLD; // ... and for how many ms it counts: until two more should have come
  #hint = "";
  #since = -Infinity;

  /** name: what is recorded; before: the Place of its clip before, if there is one. */
  constructor(name = "", before = null) {
    this.name = name;
    this.before = before;
    this.place = new Place(); // of this clip
  }

  /** An answer of the model to a frame of it, that came at `now` ms. */
  hear(answer, mirrored, now) {
    const gap = now - this.#heard;
    this.#lasts = gap < OLDEST ? Math.max(OLD, 2 * gap) : OLD;
    this.#heard = now;
    this.#side = cutOff(answer, this.name, mirrored);
    const likely = likeliest(answer) === this.name;
    this.#aside = likely && nearest(answer)[0] < MIDDLE;
    // In another light a thing may be called unknown, and yet be sure to be none of the others.
    const sees = likely && (answer.named || (!this.#aside && Math.max(...answer.p) > SURE));
    this.#missed = answer.names.includes(this.name) ? !sees : null;
  }

  /** What to say to a frame (2 SIDE, 2 SIDE, 4) RGBA at `now` ms: a key of `hintWords`, "" while all is well. */
  see(rgba, now) {
    if (now - this.#looked < EVERY) return this.#hint;
    this.#looked = now;
    const next = this.#judge(rgba, now);
    if (next !== this.#hint && now - this.#since >= (this.#hint ? STAYS : 0)) [this.#hint, this.#since] = [next, now];
    return this.#hint;
  }

  #judge(rgba, now) {
    const grey = luma(rgba);
    const cells = grid(grey);
    const mean = cells.reduce((sum, cell) => sum + cell, 0) / cells.length;
    this.#past = [...this.#past.filter(([then]) => now - then <= STILL + EVERY), [now, cells]];
    const seen = colours(rgba, 2 * SIDE);
    this.place.add(seen);
    const size = share(seen);
    if (now - this.#heard > this.#lasts) [this.#side, this.#missed, this.#aside] = ["", null, false];
    const arm = covered(seen, null);
    // What the model sees beside a hand in the middle is a look of the thing in something else.
    const hand = this.#missed ? covered(seen, true) : arm && (this.#missed === null || this.#aside);
    const bad = {
      dark: mean < DARK,
      blurred: blurEffect(grey) > BLUR,
      hand,
      [this.#side]: !arm,
      small: !hand && !this.#aside && size > SEEN && size < SMALL, // what lies in the middle is the thing, and all of it
      same: this.#alikeness(seen) > SAME,
    };
    for (const kind in HOLD) this.#runs[kind] = bad[kind] ? (this.#runs[kind] ?? 0) + 1 : 0;
    const hold = this.#missed === null ? HOLD : { ...HOLD, small: SMALL_HOLD };
    return Object.keys(HOLD).find((kind) => this.#runs[kind] >= hold[kind]) ?? (this.#still(now) ? "still" : "");
  }

  /** How much the surroundings of the latest looks are those of the clip before, in [0, 1]. */
  #alikeness(seen) {
    if (!this.before) return 0;
    this.#alike = [...this.#alike, this.before.holds(seen)].slice(-LONG);
    return this.#alike.reduce((sum, share) => sum + share, 0) / LONG;
  }

  #still(now) {
    const [oldest, first] = this.#past[0];
    if (now - oldest < STILL || this.#past.length < LOOKS) return false;
    return this.#past.every(([, cells]) => cells.every((cell, i) => Math.abs(cell - first[i]) <= CHANGE));
  }
}
