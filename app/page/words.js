// What the page says: one clear next step, and what was learned.

import { t } from "./language.js";

const BUSY = 6; // answers a second; with fewer, others are at it too
const SURE = 0.9; // from this probability on a name is sure
const LIKELY = 0.6; // below it two names are said
const FEW = 5; // frames; a clip of fewer says little of a thing
const ENOUGH = 4; // clips of a thing; more help little

/** [what to do now, how] for what is taught, being recorded and learned. */
export function nextStep({ state: { things, learnable }, take, model }) {
  if (take) return [t("step-recording"), t("step-recording-how")];
  if (learnable === 0) return [t("step-first"), t("step-first-how")];
  if (learnable === 1) return [t("step-second"), t("step-second-how")];
  if (!model) return [t("step-learning"), t("step-learning-how")];
  const few = things.find((thing) => thing.clips.length < ENOUGH);
  if (!few) return [t("step-show"), t("step-show-more")];
  return [t("step-show"), t("step-show-surer", { enough: ENOUGH, name: few.name, count: few.clips.length })];
}

/** What is seen, as a name, how sure it is, and the name to be said aloud: none while it is unsure. */
export function verdict(names, p, named) {
  const [best, second] = [...p.keys()].sort((a, b) => p[b] - p[a]);
  const [name, other, percent] = [names[best], names[second], Math.round(100 * p[best])];
  if (!named) return { name: t("nothing"), aside: t("nearest", { name }), aloud: t("nothing") };
  if (p[best] >= SURE) return { name, aside: t("surely", { percent }), aloud: name };
  if (p[best] >= LIKELY || second === undefined) return { name, aside: t("probably", { percent }), aloud: name };
  return { name: t("either", { name, other }), aside: t("not-sure", { percent }), aloud: "" };
}

export function learnedWords(model) {
  if (!model) return "";
  const { frames, things, seconds } = model;
  return t("learned", { frames: counted("frames", frames), things: counted("of-things", things), seconds });
}

/** How often it looks, here or at the app; fewer than a camera gives means there that others are served too. */
export function paceWords(rate, waiting, here) {
  if (waiting) return t(here ? "getting-ready" : "waiting-for-app");
  const count = Math.round(rate);
  if (here) return t("pace-here", { count });
  return t(rate < BUSY ? "pace-busy" : "pace", { count });
}

/** A hint of the coach; none for "". */
export function hintWords(key) {
  return key && t(`hint-${key}`);
}

/** Of `sent` frames of a recording of `name` the app kept `count`. */
export function keptWords(name, count, sent) {
  const values = { frames: counted("frames", count), name, of: sent, other: sent - count };
  if (sent < FEW) return t("kept-short", values);
  if (count < FEW) return t("kept-alike", values);
  return t(sent > count ? "kept-of" : "kept", values);
}

/** The way to what is looked for. */
export function way(key) {
  return t(`way-${key}`);
}

/** Where the pictures go, for a page that came from `host`. */
export function whereItGoes(host) {
  return t(["localhost", "127.0.0.1", "[::1]"].includes(host) ? "goes-here" : "goes-to", { host });
}

/** So many of something, a sentence with plurals, as a value of another sentence. */
export function counted(key, count) {
  return { key, values: { count } };
}
