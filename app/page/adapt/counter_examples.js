// Counter-examples, what a person called none of their things: model/confidence/counter_examples.py in the page.

import { Matrix } from "../../runtime/learning.min.mjs";
import { dot } from "./head.js";
import { compared, directions, nearest } from "./unknown.js";

const WINDOWS = 3; // of a frame
const GRID = 7; // cells a side of a map

/** Directions [(D,)] of the windows of `maps` [(T, D, G, G)] that look most like the objects; the others as in Python. */
export function mistakenFor(maps, sides, z, labels, offsets) {
  const support = directions(z).to2DArray();
  const frames = compared(labels);
  const cells = GRID * GRID * z.columns;
  return maps.flatMap((map) => Array.from({ length: map.length / cells }, (_, t) => map.subarray(t * cells, (t + 1) * cells))).flatMap((map) => {
    const found = directions(windows(map, sides.length ? sides : [GRID], z.columns)).to2DArray();
    const alike = found.map((window) =>
      Math.max(...frames.map((mine, k) => nearest(mine.map((i) => dot(window, support[i]))) - offsets[k])));
    const order = [...found.keys()].sort((a, b) => alike[b] - alike[a]);
    return order.slice(0, WINDOWS).map((i) => [...found[i]]);
  });
}

/** (P, D): the mean of every window of a map (D, G, G). */
function windows(map, sides, d) {
  const means = [];
  for (const side of sides)
    for (let top = 0; top + side <= GRID; top++)
      for (let left = 0; left + side <= GRID; left++) {
        const mean = new Float64Array(d);
        for (let c = 0; c < d; c++)
          for (let y = top; y < top + side; y++)
            for (let x = left; x < left + side; x++) mean[c] += map[(c * GRID + y) * GRID + x] / side ** 2;
        means.push(mean);
      }
  return new Matrix(means);
}
