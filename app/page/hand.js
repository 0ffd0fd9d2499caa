// A hand over the thing: skin in the middle of the picture. Skin by its chroma, which is much the same for all people (Chai and
// Ngan, "Face segmentation using skin-color map in videophone applications", 1999); wood and cardboard have it too.

import { inTheMiddle, near, rim } from "./cells.js";

const RED = [133 - 128, 173 - 128]; // Cr and Cb of the paper, from which the grey that they are measured from is taken
const BLUE = [77 - 128, 127 - 128];
const SHADE = 20; // of the weighted luma: below it there is no chroma to speak of
const ARM = 0.5; // of the rim, that an arm takes at most: a table takes more
const UNLIKE = 10; // of 255: further than this a cell has another colour
const SOME = 0.55; // of the middle, where nothing is seen of the thing
const OVER = 0.7; // of the middle, without that knowledge: more than of a hand that holds a thing

const skin = ([luma, red, blue]) =>
  luma > SHADE && red >= RED[0] && red <= RED[1] && blue >= BLUE[0] && blue <= BLUE[1];

/** Does a hand cover the thing, by the colours of a picture? missed: the model knows the thing, and sees nothing of it; else an
 * arm must be seen. */
export function covered(seen, missed) {
  const table = (cell) => rim.filter((i) => near(cell, seen[i], UNLIKE)).length >= ARM * rim.length;
  if (missed) return inTheMiddle(seen.map((cell) => skin(cell) && !table(cell))).weight > SOME;
  const { piece, weight } = inTheMiddle(seen.map(skin));
  const arm = piece.filter((i) => rim.includes(i)).length / rim.length;
  return weight > OVER && arm > 0 && arm < ARM;
}
