// A hand over the thing: skin in the middle of the picture. Skin by its chroma, in the range that Chai and Ngan found for all
// people ("Face segmentation using skin-color map in videophone applications", 1999); wood, leather and cardboard lie in it too.

import { inTheMiddle, rim, rimLike } from "./cells.js";

const RED = [133 - 128, 173 - 128]; // their Cr and Cb, less the 128 that is grey
const BLUE = [77 - 128, 127 - 128];
const SHADE = 10; // of the weighted luma: below it there is no chroma to speak of
const TABLE = 0.5; // of the rim: a colour that so much of it has is that of a table, not of an arm
const ARM = 0.5; // of the rim, that an arm which reaches in takes at most
const SOME = 0.55; // of the middle, where the model sees nothing of the thing
const OVER = 0.7; // of the middle, without the model: more than a hand takes that only holds the thing

const ends = new Set(rim); // where an arm goes out

const skin = ([luma, red, blue]) =>
  luma > SHADE && red >= RED[0] && red <= RED[1] && blue >= BLUE[0] && blue <= BLUE[1];

/** Does a hand cover the thing? seen: the `colours` of a picture; missed: the model knows the thing and sees nothing of it; where
 * it says nothing, an arm must be seen. A hand that fills the picture is not told. */
export function covered(seen, missed) {
  const skins = seen.map(skin);
  const { piece, weight } = inTheMiddle(skins);
  if (weight <= (missed ? SOME : OVER)) return false; // before any colours are compared
  if (missed) return inTheMiddle(skins.map((is, i) => is && rimLike(seen, i) < TABLE * rim.length)).weight > SOME;
  const arm = piece.filter((i) => ends.has(i)).length / rim.length;
  return arm > 0 && arm < ARM;
}
