// How alike a support set is to itself, and what the unknown score needs of it: model/confidence/unknown.py and
// model/graph/unknown.py in the page. Cosines with k nearest neighbours: Sun et al., ICML 2022.

import { countShots, dot, framesOf, gram, length } from "./head.js";
import { evenly } from "./sampling.js";

const NEIGHBOURS = 3;
const MOST = 64; // frames of an object that a frame is compared with
const ABSENT = 4; // two cosines differ by at most 2
const ENOUGH = 15; // frames of an object

/** {own, others}, each (K,), of features z (N, D); clips (N,): which clip of its object each frame is of. */
export function ownLooks(z, labels, clips, typical) {
  const cosines = gram(directions(z));
  const frames = framesOf(labels);
  const alike = (from, to) => from.map((i) => nearest(to.map((j) => cosines.get(i, j))));
  const others = frames.map((mine, k) => {
    const rivals = frames.filter((_, j) => j !== k).map((theirs) => alike(mine, theirs));
    return rivals.length ? average(mine.map((_, i) => Math.max(...rivals.map((rival) => rival[i])))) : 0;
  });
  const own = frames.map((mine) => {
    const parts = leftOutTogether(mine.map((i) => clips[i]));
    const seen = [...new Set(parts)].flatMap((part) => {
      const rest = mine.filter((_, i) => parts[i] !== part);
      return rest.length ? alike(mine.filter((_, i) => parts[i] === part), rest) : [];
    });
    return seen.length ? median(seen) : NaN;
  });
  const found = own.filter((value) => !Number.isNaN(value));
  const usual = found.length ? median(found) : typical;
  return { own: own.map((value) => (Number.isNaN(value) ? usual : value)), others };
}

/** Rows scaled to length 1. */
export function directions(z) {
  const scaled = z.clone();
  for (let i = 0; i < z.rows; i++) scaled.mulRow(i, 1 / Math.max(length(z.getRow(i)), 1e-12));
  return scaled;
}

/** The mean of the NEIGHBOURS largest cosines, or of as many as there are. */
export function nearest(cosines) {
  return average([...cosines].sort((a, b) => b - a).slice(0, NEIGHBOURS));
}

/** o_k (K,). */
export function offsets({ own, others }, known) {
  return own.map((value, k) => known.own * value + known.others * others[k]);
}

/** For each object the frames that a new one is compared with. */
export function compared(labels) {
  return framesOf(labels).map((mine) => evenly(mine.length, MOST).map((i) => mine[i]));
}

/** What logits are multiplied by. */
export function sharpness(labels, known) {
  const ways = countShots(labels).length;
  return known.sharpness * Math.min(labels.length / ways, ENOUGH) ** known.by_frames * ways ** known.by_objects;
}

/** Which support frame stands where, as whole numbers. */
export function layout(labels) {
  const rows = compared(labels);
  const most = Math.max(...rows.map((row) => row.length));
  return {
    table: rows.flatMap((row) => Array.from({ length: most }, (_, i) => row[i % row.length])),
    by_object_shape: [0, 0, rows.length, most],
    neighbours: [Math.min(NEIGHBOURS, most)],
  };
}

/** Which colours, of the middle cells of support frames (N, 3 * cells), a channel after the other, those of a frame are compared with. */
export function colourConstants(colours, labels) {
  const cells = colours.columns / 3;
  const taught = layout(labels).table.map((i) => colours.getRow(i))
    .flatMap((row) => Array.from({ length: colours.columns }, (_, j) => row[(j % 3) * cells + Math.floor(j / 3)]));
  return { taught_colours: [[taught.length / 3, 3], taught] };
}

/** The constants of the unknown score as [dims, values]; support: scaled features (N, D). */
export function unknownConstants(head, support, looks, known) {
  const rows = compared(head.labels);
  const most = Math.max(...rows.map((row) => row.length));
  const t = Math.min(NEIGHBOURS, most);
  const [n, r, k] = [support.rows, head.variances.length, rows.length];
  const lengths = support.to2DArray().map((row) => Math.max(length(row), 1e-12));
  const centred = support.clone().subRowVector(head.mean);
  const near = centred.mmul(head.basis).divColumnVector(lengths).transpose();
  return {
    near: [[r, n], near.to1DArray()],
    near_mean: [[1, n], lengths.map((one) => 1 / one)],
    near_rest: [[n], centred.to2DArray().map((row, i) => dot(row, head.mean) / lengths[i])],
    mean_column: [[head.mean.length, 1], head.mean],
    absent: [[k * most], rows.flatMap((row) => Array.from({ length: most }, (_, i) => (i < row.length ? 0 : ABSENT)))],
    share: [[k, t], rows.flatMap((row) => Array.from({ length: t }, (_, i) => (i < row.length ? 1 / Math.min(t, row.length) : 0)))],
    offsets: [[k], offsets(looks, known)],
    threshold: [[], [known.base + known.from_own * average(looks.own) + known.from_others * average(looks.others)]],
  };
}

/** Which frames of an object are left out together: a clip's; of a single clip, halves. */
function leftOutTogether(clips) {
  return new Set(clips).size > 1 ? clips : clips.map((_, i) => Math.floor((2 * i) / clips.length));
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function average(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
