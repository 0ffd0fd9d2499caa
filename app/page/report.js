// The report card: sentences, and for who wants it a table of what is taken for what.

import { t, written } from "./language.js";
import { make } from "./make.js";

/** Fill the section with a report {lines: [{key, values}], names, named}; null hides it. */
export function showReport(section, report) {
  section.hidden = !report;
  if (!report) return;
  const { lines, names, named: rows } = report;
  section.querySelector("ul").replaceChildren(...lines.map((line) => make("li", {}, t(line.key, line.values))));
  const head = make("tr", {}, make("td"), ...names.map((name) => make("th", { scope: "col", dir: "auto" }, name)));
  const body = names.map((name, k) => make("tr", {}, make("th", { scope: "row", dir: "auto" }, name), ...names.map((_, j) => cell(rows[k], j, k === j))));
  section.querySelector("table").replaceChildren(head, ...body);
}

function cell(row, j, right) {
  const share = row?.[j];
  const shown = make("td", { className: right ? "right" : "" }, share === undefined ? "–" : written(share));
  shown.style.setProperty("--share", (share ?? 0) / 100);
  return shown;
}
