// What is behind the thing: the rim of the picture is a sample of it. What differs from it is the thing, and its share of the
// picture says how near it is; a rim like that of another clip says that both were taken at one place.

const GRID = 28; // cells, a side
const RIM = 2; // cells deep, on each of the four sides
const LUMA = 0.6; // of its weight in a distance: shadows are not things
const UNLIKE = 10; // of 255: further than this from all but two cells of the rim, a cell is none of it
const CENTRE = 0.15; // standard deviation, as a share of the picture, of where a thing is held
const ALIKE = 12; // of 255: nearer than this two cells are of one colour
const COMMON = 0.04; // of a side's cells, from which on a colour belongs to the place
const EVERY = 3; // looks, of which one is remembered

const side = ({ x, y }) => (y < RIM ? 0 : y >= GRID - RIM ? 1 : x < RIM ? 2 : x >= GRID - RIM ? 3 : -1);
const cells = Array.from({ length: GRID * GRID }, (_, i) => ({ x: i % GRID, y: Math.floor(i / GRID) }));
const sides = [0, 1, 2, 3].map((one) => [...cells.keys()].filter((i) => side(cells[i]) === one));
const rim = sides.flat();
const weights = cells.map(({ x, y }) => {
  const [across, down] = [(x + 0.5) / GRID - 0.5, (y + 0.5) / GRID - 0.5];
  return Math.exp(-(across ** 2 + down ** 2) / (2 * CENTRE ** 2));
});

/** Mean colours [luma, red, blue] of the cells of RGBA pixels (width, width, 4); distances between them are those seen. */
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

const near = (a, b, reach) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2 < reach ** 2;

/** The share of the picture, in [0, 1], of the piece in its middle that is unlike the rim. */
export function share(seen) {
  const unlike = seen.map((cell) => rim.filter((i) => near(cell, seen[i], UNLIKE)).length < 3);
  let [largest, middle] = [0, 0];
  for (const start of unlike.keys()) {
    if (!unlike[start]) continue;
    unlike[start] = false;
    const piece = [start];
    for (const i of piece) {
      const { x } = cells[i];
      for (const next of [x > 0 ? i - 1 : -1, x < GRID - 1 ? i + 1 : -1, i - GRID, i + GRID])
        if (unlike[next]) {
          unlike[next] = false;
          piece.push(next);
        }
    }
    const weight = piece.reduce((sum, i) => sum + weights[i], 0);
    if (weight > middle) [largest, middle] = [piece.length, weight];
  }
  return largest / cells.length;
}

/** Where a clip was taken: the rims of its looks. */
export class Place {
  #looks = 0;
  #rims = sides.map(() => []); // colours of each side

  add(seen) {
    if (this.#looks++ % EVERY === 0) sides.forEach((side, n) => this.#rims[n].push(...side.map((i) => seen[i])));
  }

  /** The share, in [0, 1], of a picture's rim that has colours of this place at the same side. */
  holds(seen) {
    let known = 0;
    sides.forEach((side, n) => {
      const past = this.#rims[n];
      const common = (i) => past.filter((cell) => near(seen[i], cell, ALIKE)).length > COMMON * past.length;
      known += side.filter(common).length / side.length / sides.length;
    });
    return known;
  }
}
