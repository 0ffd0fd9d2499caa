// A picture in coarse cells: their mean colours, the rim of it, and what lies in its middle.

const GRID = 28; // cells, a side
const RIM = 2; // cells deep, on each of the four sides
const LUMA = 0.6; // of its weight in a distance: shadows are not things
const UNLIKE = 10; // of 255: further apart two cells are of two colours
const CENTRE = 0.15; // standard deviation, as a share of the picture, of where a thing is held

const side = ({ x, y }) => (y < RIM ? 0 : y >= GRID - RIM ? 1 : x < RIM ? 2 : x >= GRID - RIM ? 3 : -1);
const cells = Array.from({ length: GRID * GRID }, (_, i) => ({ x: i % GRID, y: Math.floor(i / GRID) }));
const weights = cells.map(({ x, y }) => {
  const [across, down] = [(x + 0.5) / GRID - 0.5, (y + 0.5) / GRID - 0.5];
  return Math.exp(-(across ** 2 + down ** 2) / (2 * CENTRE ** 2));
});
const total = weights.reduce((sum, weight) => sum + weight, 0);

/** The indices of the rim's cells, a list a side, and all of them. */
export const sides = [0, 1, 2, 3].map((one) => [...cells.keys()].filter((i) => side(cells[i]) === one));
export const rim = sides.flat();

/** Mean colours of the cells of RGBA pixels (width, width, 4): [0.6 luma, Cr, Cb], the last two less 128; distances between them are
 * as one sees them. */
export function colours(rgba, width) {
  const size = width / GRID;
  const sums = cells.map(() => [0, 0, 0]);
  for (let i = 0; i < width * width; i++) {
    const sum = sums[Math.floor(i / width / size) * GRID + Math.floor((i % width) / size)];
    const [red, blue] = [rgba[4 * i], rgba[4 * i + 2]];
    const luma = 0.299 * red + 0.587 * rgba[4 * i + 1] + 0.114 * blue;
    sum[0] += LUMA * luma;
    sum[1] += 0.713 * (red - luma);
    sum[2] += 0.564 * (blue - luma);
  }
  return sums.map((sum) => sum.map((value) => value / size ** 2));
}

/** Are two colours nearer to each other than `reach`? */
export const near = (a, b, reach) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2 < reach ** 2;

/** Of how many of the rim's cells the colour of cell i is. */
export function rimLike(seen, i) {
  return rim.filter((k) => near(seen[i], seen[k], UNLIKE)).length;
}

/** Of the pieces that the marked cells (one boolean a cell) form, the one that covers the middle most: {piece, its indices;
 * weight, the share of the middle, in [0, 1], that it covers}. */
export function inTheMiddle(marked) {
  const left = [...marked];
  let found = { piece: [], weight: 0 };
  for (const start of left.keys()) {
    if (!left[start]) continue;
    left[start] = false;
    const piece = [start];
    for (const i of piece) {
      const { x } = cells[i];
      for (const next of [x > 0 ? i - 1 : -1, x < GRID - 1 ? i + 1 : -1, i - GRID, i + GRID])
        if (left[next]) {
          left[next] = false;
          piece.push(next);
        }
    }
    const weight = piece.reduce((sum, i) => sum + weights[i], 0) / total;
    if (weight > found.weight) found = { piece, weight };
  }
  return found;
}
