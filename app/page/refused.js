// What a person is told when something cannot be had: sentences meant for them, and no others.

import { English, t } from "./language.js";

/** The sentence `key` of this page's language, to be thrown. */
export class Refused extends Error {
  constructor(key, values) {
    super(t(key, values));
  }
}

/** The error, if it is meant for a person; else one that is, and the console has the other. */
export function worded(error) {
  if (error instanceof Refused || error instanceof English) return error;
  console.warn(error);
  return new Refused("failed-here");
}
