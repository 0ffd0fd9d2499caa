// The clips of a thing with all their frames, each of which can be removed; photos stand in one row.

import { rtl, t } from "./language.js";
import { make } from "./make.js";
import { counted } from "./words.js";

/** Rows {title, verb, label, parts}; parts: clips, of photos several. A clip of one frame is a photo. */
function rows(clips, name) {
  const photos = clips.filter((clip) => clip.frames === 1);
  const films = clips.filter((clip) => clip.frames > 1).map((clip, index) => {
    const number = index + 1;
    const title = t("clip-title", { number, frames: counted("frames", clip.frames) });
    return { title, verb: t("remove-clip"), label: { key: "clip-of", values: { number, name } }, parts: [clip] };
  });
  const count = photos.length;
  if (!count) return films;
  const label = { key: "photos-of", values: { count, name } };
  return [...films, { title: t("photos", { count }), verb: t("remove-photos", { count }), label, parts: photos }];
}

/** Fill `list` with the clips of a thing; act: {removeClips(thing, clips), removeFrame(thing, clip, frame)}. */
export function showClips(list, thing, thumbs, act) {
  list.replaceChildren(...rows(thing.clips, thing.name).map(({ title, verb, label, parts }, row) => {
    const remove = make("button", { type: "button", ariaLabel: t("remove-what", { label }) }, verb);
    remove.addEventListener("click", async () => {
      if (await act.removeClips(thing.id, parts.map((clip) => clip.id), remove)) focus(list, Math.max(0, row - 1), 0);
    });
    const frames = parts.flatMap((clip) => (thumbs.get(clip.id) ?? []).map((url, number) => ({ clip, url, number })));
    const pictures = frames.map(({ clip, url, number }, n) => {
      const picture = make("button", { type: "button", className: "frame", tabIndex: n ? -1 : 0, ariaLabel: t("remove-picture", { number: n + 1, label }) },
        make("img", { src: url, alt: "", width: 72, height: 72 }));
      picture.addEventListener("click", async () => {
        if (await act.removeFrame(thing.id, clip.id, number, picture)) focus(list, row, n);
      });
      return picture;
    });
    const strip = make("div", { className: "strip" }, ...pictures);
    strip.setAttribute("role", "group");
    strip.setAttribute("aria-label", t("pictures-of", { label }));
    strip.addEventListener("keydown", (event) => move(event, pictures));
    return make("li", {}, make("div", { className: "clip-head" }, make("p", {}, title), remove), strip);
  }));
}

/** One picture of a row is a stop of the Tab key; arrow keys go to the others. */
function move(event, pictures) {
  const on = rtl ? -1 : 1;
  const step = { ArrowRight: on, ArrowDown: 1, ArrowLeft: -on, ArrowUp: -1 }[event.key];
  const next = step && pictures[pictures.indexOf(document.activeElement) + step];
  if (!next) return;
  event.preventDefault();
  for (const picture of pictures) picture.tabIndex = picture === next ? 0 : -1;
  next.focus();
}

function focus(list, row, n) {
  const pictures = list.children[row]?.querySelectorAll(".frame") ?? [];
  const next = pictures[Math.min(n, pictures.length - 1)] ?? list.querySelector("button");
  next?.focus();
}
