// The language of this page: what its address asks for (?lang=de), else the first of the browser's that it speaks, else English.
// A plain script: the page has its direction before anything is drawn, and Gradio, which asks the navigator, takes the same one.
{
  const DIRECTIONS = { en: "ltr", de: "ltr", ar: "rtl" }; // of languages/*.json
  const of = (tag) => tag.split("-")[0].toLowerCase();
  const speaks = (language) => Object.hasOwn(DIRECTIONS, language);
  const asked = new URLSearchParams(location.search).get("lang");
  const locale = speaks(asked) ? asked : (navigator.languages.find((tag) => speaks(of(tag))) ?? "en");
  const root = document.documentElement;
  [root.lang, root.dir] = [of(locale), DIRECTIONS[of(locale)]];
  root.dataset.locale = locale; // "ar-EG" and "ar-MA" write digits in their own way
  Object.defineProperty(navigator, "language", { value: of(locale) });
}
