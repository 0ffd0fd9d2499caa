// What the page says: one clear next step, and what was learned.

const BUSY = 6; // answers a second; with fewer, others are at it too
const SURE = 0.9; // from this probability on a name is sure
const LIKELY = 0.6; // below it two names are said
const NOTHING = "None of your things";
const FEW = 5; // frames; a clip of fewer says little of a thing
const ENOUGH = 4; // clips of a thing; more help little

/** [what to do now, how] for what is taught, being recorded and learned. */
export function nextStep({ state: { things, learnable }, take, model }) {
  if (take) return ["Recording", "Turn it slowly, move it a little closer and away. Press again to stop."];
  if (learnable === 0) return ["Name your first thing", "Hold it before the camera and press Record."];
  if (learnable === 1) return ["Now a second thing", "With two of them it starts to tell them apart."];
  if (!model) return ["Learning them", "This takes a moment."];
  const few = things.find((thing) => thing.clips.length < ENOUGH);
  if (!few) return ["Show it one of them", "Each has its clips. Add more things as you like."];
  return [
    "Show it one of them",
    `Surer with ${ENOUGH} clips of each, every one in another place: ${few.name} has ${few.clips.length}.`,
  ];
}

/** What is seen, as a name, how sure it is, and the name to be said aloud: none while it is unsure. */
export function verdict(names, p, named) {
  const [best, second] = [...p.keys()].sort((a, b) => p[b] - p[a]);
  if (!named) return { name: NOTHING, aside: `nearest: ${names[best]}`, aloud: NOTHING };
  const percent = `${Math.round(100 * p[best])} %`;
  if (p[best] >= SURE) return { name: names[best], aside: `surely, ${percent}`, aloud: names[best] };
  if (p[best] >= LIKELY || second === undefined) return { name: names[best], aside: `probably, ${percent}`, aloud: names[best] };
  return { name: `${names[best]} or ${names[second]}`, aside: `not sure, ${percent}`, aloud: "" };
}

export function learnedWords(model) {
  if (!model) return "";
  const { frames, things, seconds } = model;
  return `Learned ${plural(frames, "frame")} of ${plural(things, "thing")} in ${seconds.toFixed(1)} s`;
}

/** How often it looks, here or at the app; fewer than a camera gives means there that others are served too. */
export function paceWords(rate, waiting, here) {
  if (waiting) return here ? "Getting ready…" : "Waiting for the app…";
  if (here) return `${plural(Math.round(rate), "frame")} per second, on this device`;
  return rate < BUSY ? `Busy: ${plural(Math.round(rate), "look")} a second` : `${Math.round(rate)} frames per second`;
}

/** A hint of the coach. */
export function hintWords(key) {
  return { dark: "Too dark: make more light.", blurred: "Blurred: hold it still.", still: "Nothing moves: turn it.", "": "" }[key];
}

/** Of `sent` frames of a recording of `name` the app kept `count`. */
export function keptWords(name, count, sent) {
  if (sent < FEW) return `Kept ${plural(count, "frame")} of ${name}: the recording was short. Record for some seconds more.`;
  if (count < FEW) return `Kept only ${plural(count, "frame")} of ${name}: the other ${sent - count} looked the same. Record more and turn it.`;
  return `Kept ${plural(count, "frame")} of ${name}` + (sent > count ? `, the most different of ${sent}.` : ".");
}

/** The way to what is looked for. */
export function way(key) {
  return { left: "left", right: "right", up: "up", down: "down", closer: "closer", here: "here, in the middle", away: "not in sight" }[key];
}

/** Where the pictures go, for a page that came from `host`. */
export function whereItGoes(host) {
  const here = ["localhost", "127.0.0.1", "[::1]"].includes(host);
  return `${here ? "Your pictures stay on this computer" : `Your pictures go to ${host}, where this page came from, and to nobody else`}; the app deletes them when you leave, and this browser keeps them while the switch above is on. What it says is a guess: do not rely on it for medicine or food.`;
}

/** The same where the page itself learns. */
export const STAYS_HERE =
  "Your pictures stay on this device: this page learns and names by itself, nothing is sent, and this browser keeps them while the switch above is on. What it says is a guess: do not rely on it for medicine or food.";

export function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
