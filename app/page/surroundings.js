// What is behind the thing: the rim of the picture is a sample of it. What differs from it is the thing, and its share of the
// picture says how near it is; a rim like that of another clip says that both were taken at one place.

import { inTheMiddle, near, rimLike, sides } from "./cells.js";

const FEW = 3; // cells of the rim: a colour that fewer have is none of it
const ALIKE = 12; // of 255: nearer than this two cells are of one colour
const COMMON = 0.02; // of a side's cells, from which on a colour belongs to the place
const EVERY = 3; // looks, of which one is remembered

/** The share of the picture, in [0, 1], of the piece in its middle that is unlike the rim. */
export function share(seen) {
  const unlike = seen.map((_, i) => rimLike(seen, i) < FEW);
  return inTheMiddle(unlike).piece.length / seen.length;
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
