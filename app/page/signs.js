// What stands on the page: the next step, how far learning is, and what the picture is.

import { t } from "./language.js";
import { learnedWords, nextStep } from "./words.js";

/** The next step, how to take it, and how far learning is. */
export function showStep(page) {
  const [step, hint] = nextStep(page);
  page.$("#next-step").textContent = step;
  page.$(".hint").textContent = hint;
  const { learning, busy } = page;
  const model = page.stale ? null : page.model; // an older model goes on answering, but is no news
  const lesson = page.$(".lesson");
  const bar = lesson.querySelector("progress");
  lesson.hidden = !busy && !learning && !model;
  bar.hidden = !busy && !learning;
  if (learning?.done) Object.assign(bar, { max: learning.total, value: learning.done });
  else bar.removeAttribute("value");
  lesson.querySelector("p").textContent =
    busy || (learning ? t("learning", learning) : learnedWords(model));
}

/** Whether there is a picture, whose it is, and whether it is being recorded. */
export function showPicture(page) {
  const { playing } = page.camera;
  const off = page.$(".off");
  off.hidden = Boolean(playing) && !page.starting;
  off.querySelector("p").textContent = page.starting
    ? t("camera-allow")
    : page.problem || t("camera-off");
  const toggle = page.$(".toggle");
  toggle.textContent = t(!playing ? "camera-start" : playing === "clip" ? "clip-stop" : "camera-stop");
  toggle.hidden = !playing && !page.camera.possible;
  toggle.classList.toggle("primary", !playing && !page.starting);
  page.$(".picture").classList.toggle("mirrored", page.camera.mirrored); // for the person; the model sees what the camera sees
  page.$(".recording").hidden = !page.take;
  page.$(".desk").classList.toggle("taking", Boolean(page.take));
  if (!playing) page.$(".rate").textContent = "";
}
