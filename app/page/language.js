// The sentences of the page, in the language that choose.js has chosen: languages/<language>.json, key -> sentence. A sentence has
// places for {values}, {seconds:.1f} being one with tenths; one that counts has a form for each plural of its language, chosen by the
// value `count` (Unicode's rules: Arabic has six).

const root = document.documentElement;
export const language = root.lang || "en";
const locale = root.dataset.locale ?? language;
const plurals = new Intl.PluralRules(locale);
const plain = new Intl.NumberFormat(locale, { useGrouping: false });
const tenths = new Intl.NumberFormat(locale, { useGrouping: false, minimumFractionDigits: 1, maximumFractionDigits: 1 });
const PLACE = /\{(\w+)(:\.1f)?\}/g;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const [ISOLATE, END] = ["\u2068", "\u2069"]; // what stands between them keeps its own direction, and disturbs none

const sentences = await (await fetch(new URL(`languages/${language}.json`, import.meta.url))).json();

/** Does this language run from right to left? */
export const rtl = root.dir === "rtl";

/** The sentence `key`; values: numbers, texts, Errors, lists of texts, or {key, values} of other sentences. */
export function t(key, values = {}) {
  const found = sentences[key];
  const sentence = typeof found === "string" ? found : (found[plurals.select(values.count)] ?? found.other);
  return sentence.replace(PLACE, (_, name, tenth) => written(values[name], tenth ? tenths : plain));
}

/** A value as it stands in a sentence. */
export function written(value, numbers = plain) {
  if (typeof value === "number") return numbers.format(value);
  if (Array.isArray(value)) return value.map((one) => written(one)).join(sentences.comma);
  if (value?.key) return t(value.key, value.values);
  if (value instanceof Error) return written(value.message);
  return rtl || RIGHT_TO_LEFT.test(value) ? ISOLATE + value + END : `${value}`;
}

/** The text without what only the eye needs. */
export function spoken(text) {
  return text.replaceAll(ISOLATE, "").replaceAll(END, "");
}

/** A sentence of the app's own, which speaks English: to be thrown, or shown. */
export class English extends Error {
  lang = "en";
}

/** Show what is wrong: a sentence of this language, an Error with one, English, or a list of these, a line each. */
export function show(element, told) {
  element.lang = told.lang ?? language;
  element.dir = told.lang ? "ltr" : root.dir;
  if (!Array.isArray(told)) return (element.textContent = told.message ?? told);
  const lines = told.map(() => document.createElement("span"));
  lines.forEach((line, index) => show(line, told[index]));
  element.replaceChildren(...lines);
}
