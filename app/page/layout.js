// What <teach-and-watch> is made of; fixed markup, nothing that a person typed.

import { t } from "./language.js";

export const PICTURE = `<div class="picture">
  <video muted playsinline aria-label="${t("picture")}"></video>
  <div class="off"><p></p></div>
  <div class="where" hidden></div>
  <div class="verdict" hidden><span></span><span></span></div>
  <div class="recording" hidden><span class="dot"></span><span></span></div>
  <div class="advice"></div>
</div>`;

export const SPEAK = `<label class="speak">${t("speak")} <select><option value="off">${t("speak-off")}</option><option value="changes">${t("speak-names")}</option><option value="everything">${t("speak-everything")}</option></select></label>`;

export const FIND = `<label class="find" hidden>${t("find")} <select><option value="">${t("find-nothing")}</option></select></label>`;

export const BARS = `<section class="bars" aria-labelledby="bars-title" hidden><h2 id="bars-title">${t("bars-title")}</h2><ul tabindex="0" aria-labelledby="bars-title"></ul></section>`;

export const LAYOUT = `
<div class="alarm" role="alert" hidden><p></p><button type="button" class="primary">${t("start-again")}</button></div>
<div class="desk">
<section class="look" aria-label="${t("camera")}">
  ${PICTURE}
</section>
<section class="teach" aria-labelledby="next-step">
  <h2 id="next-step" tabindex="-1"></h2>
  <p class="hint"></p>
  <form>
    <label for="thing-name">${t("name-label")}</label>
    <div class="row">
      <input id="thing-name" class="name" type="text" dir="auto" autocomplete="off" placeholder="${t("name-example")}">
      <button type="submit" class="record"><span class="dot"></span><span></span></button>
    </div>
  </form>
  <p class="or">${t("or")} <button type="button" class="link files">${t("add-clips")}</button></p>
  <p class="outcome"></p>
  <p class="trouble" id="trouble" role="alert" hidden></p>
  <div class="lesson" hidden><p></p><progress aria-label="${t("learning-bar")}"></progress></div>
</section>
<div class="under">
<section aria-label="${t("watching")}">
  <div class="controls">
    <button type="button" class="toggle"></button>
    <button type="button" class="turn" hidden>${t("camera-other")}</button>
    <button type="button" class="wrong" hidden>${t("wrong")}</button>
    <button type="button" class="ask" accesskey="w">${t("what-is-this")}</button>
    ${SPEAK}
    ${FIND}
    <label class="sounds"><input type="checkbox" checked> ${t("tones")}</label>
    <p class="rate"></p>
  </div>
  <p class="finding" hidden></p>
  <label class="device" hidden><input type="checkbox"> ${t("device")}</label><p class="device-note"></p>
  <div class="correction" role="group" aria-labelledby="correction-title" hidden>
    <p id="correction-title" tabindex="-1"></p><div class="tools"></div>
  </div>
  <div class="remembered" hidden><p id="remembered"></p><button type="button" aria-describedby="remembered">${t("undo")}</button></div>
</section>
${BARS}
<section class="clips-to-watch" aria-label="${t("sample-clips")}" hidden>
  <p>${t("watch-a-clip")}</p><div class="tools"></div>
</section>
</div>
<div class="taught">
<section class="report" aria-labelledby="report-title" hidden>
  <h2 id="report-title">${t("report-title")}</h2>
  <ul></ul>
  <details><summary>${t("report-confusions")}</summary>
    <p id="report-caption">${t("report-caption")}</p>
    <div class="grid" tabindex="0" role="region" aria-label="${t("report-table")}"><table aria-describedby="report-caption"></table></div></details>
</section>
<section class="things" aria-labelledby="things-title">
  <h2 id="things-title" tabindex="-1">${t("things-title")}</h2>
  <div class="undo" hidden><p></p><button type="button">${t("undo")}</button></div>
  <div class="empty">
    <p>${t("nothing-taught")}</p>
    <button type="button" class="samples">${t("try-samples")}</button>
  </div>
  <ul class="cards"></ul>
  <details class="foreign" hidden><summary></summary><ul class="clips"></ul></details>
</section>
<section class="keep" aria-labelledby="keep-title"></section>
<p class="goes"></p>
</div>
</div>
<p class="sr-only" role="status" aria-live="polite"></p>`;
