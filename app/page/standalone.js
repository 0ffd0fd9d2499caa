// <see-things>: the page of a bundle. One camera and one model, on this device; no app, no teaching.

import { COLOURS } from "./bars.js";
import { Camera } from "./camera.js";
import { Device } from "./device.js";
import { Find } from "./find.js";
import "./inwords.js";
import { t } from "./language.js";
import { BARS, FIND, PICTURE, SPEAK } from "./layout.js";
import { OLD } from "./pace.js";
import { Sight } from "./sight.js";
import { Tones } from "./tones.js";
import { Voice } from "./voice.js";
import { paceWords } from "./words.js";

const HOME = new URL("../", import.meta.url);
const LAYOUT = `
<p class="trouble" role="alert" hidden></p>
<section aria-label="${t("camera")}">${PICTURE}
<div class="controls">
  <button type="button" class="toggle"></button>
  <button type="button" class="turn" hidden>${t("camera-other")}</button>
  <button type="button" class="ask" accesskey="w">${t("what-is-this")}</button>
  ${SPEAK}${FIND}<p class="rate"></p>
</div><p class="finding" hidden></p></section>
${BARS}
<p class="sr-only" role="status" aria-live="polite"></p>`;

class SeeThings extends HTMLElement {
  async connectedCallback() {
    this.innerHTML = LAYOUT;
    document.title = t("my-things");
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.classList.toggle("dark", dark);
    this.camera = new Camera(this.$("video"));
    this.names = [];
    const voice = (this.voice = new Voice(this.$("p[role=status]")));
    voice.heed(this.$(".speak"));
    const colour = (name) => `colour-${this.names.indexOf(name) % COLOURS}`;
    this.find = new Find(this, new Tones(), voice, () => this.camera.mirrored);
    this.sight = new Sight(this, colour, voice, { find: this.find });
    this.device = new Device(Infinity); // there is no other to fall back on
    this.device.addEventListener("answer", ({ detail }) => this.camera.playing && this.sight.show(detail));
    this.device.addEventListener("failed", ({ detail }) => this.trouble(detail.text));
    this.$(".toggle").addEventListener("click", () => (this.camera.playing ? this.stop(t("camera-off")) : this.start()));
    this.$(".turn").addEventListener("click", () => this.start(() => this.camera.turn()));
    this.$(".ask").addEventListener("click", () => this.sight.answer(this.camera.playing ? "" : t("camera-off")));
    this.$("video").addEventListener("lost", () => this.lose(t("camera-lost")));
    this.camera.watch(() => this.device.free && this.device.look(this.camera.square()));
    setInterval(() => this.pace(), 500);
    keep();
    this.start();
    await this.open();
  }

  $(selector) {
    return this.querySelector(selector);
  }

  async open() {
    try {
      const { names } = await (await fetch(new URL("things.json", HOME))).json();
      this.names = names;
      document.querySelector(".masthead p").textContent = t("standalone-names", { names });
      this.$(".bars").hidden = false;
      this.find.offer(names);
      const model = await (await fetch(new URL("model.onnx", HOME))).arrayBuffer();
      this.device.open({ names, model });
    } catch {
      this.trouble(t("standalone-no-model"));
    }
  }

  async start(begin = () => this.camera.start()) {
    this.picture(t("camera-allow"));
    try {
      await begin();
      if (!this.camera.playing) return; // something else was pressed meanwhile
      this.picture("");
      this.$(".turn").hidden = !(await this.camera.several());
    } catch (error) {
      this.lose(error.message);
    }
  }

  stop(why) {
    this.camera.stop();
    this.sight.clear();
    this.picture(why);
  }

  /** There is no camera, or no more. */
  lose(why) {
    this.stop(why);
    this.voice.say(why);
  }

  /** off: why there is no picture; "" where there is one. */
  picture(off) {
    this.$(".off").hidden = !off;
    this.$(".off p").textContent = off;
    this.$(".recording").hidden = true;
    this.$(".toggle").textContent = t(this.camera.playing ? "camera-stop" : "camera-start");
  }

  pace() {
    const { rate, quiet } = this.device.pace.measure();
    this.$(".rate").textContent = this.camera.playing ? paceWords(rate, quiet > OLD, true) : "";
    if (quiet > OLD) this.sight.clear();
  }

  trouble(text) {
    this.$(".trouble").textContent = text;
    this.$(".trouble").hidden = false;
    this.voice.alarm(text);
  }
}

/** Let the page come without a network from the next time on, where a browser can. */
function keep() {
  navigator.serviceWorker?.register(new URL("offline.js", HOME)).catch(() => {});
}

customElements.define("see-things", SeeThings);
