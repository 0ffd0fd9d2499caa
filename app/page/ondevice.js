// Keep video on this device: whether this device or the app names what the camera shows, and why.

import { Device } from "./device.js";
import { t } from "./language.js";

export class OnDevice {
  #device = null; // while the switch is on

  /** label: the switch, a note behind it; line: to the app; hear: takes answers, say: is told what changed. */
  constructor(label, line, hear, say) {
    this.box = label.querySelector("input");
    this.note = label.nextElementSibling;
    this.line = line;
    this.hear = hear;
    this.say = say;
    this.box.addEventListener("change", () => (this.box.checked ? this.#start() : this.#stop(t("device-off"))));
  }

  /** Must pictures stay here? */
  get on() {
    return this.#device !== null;
  }

  get pace() {
    return (this.#device ?? this.line).pace;
  }

  /** Name what the camera shows, if there is time. */
  look(camera) {
    if (this.#device.free) this.#device.look(camera.square());
  }

  /** The app has learned: run its new model, and the one before until then. */
  async renew() {
    const device = this.#device;
    if (!device) return;
    try {
      device.open(await this.line.model());
    } catch (error) {
      if (device === this.#device) this.#stop(t("device-failed", { reason: error.message }));
    }
  }

  /** Let the app have the last second, which was called wrong. */
  async hand() {
    if (!this.on) return;
    for (const jpeg of await this.#device.moment()) await this.line.frame(this.line.take(), jpeg);
  }

  #start() {
    this.#device = new Device(Number(this.box.dataset.patience) || undefined);
    const on = (type, act) => this.#device.addEventListener(type, ({ detail }) => act(detail));
    on("ready", () => this.#tell(t("device-on")));
    on("answer", (answer) => this.hear(answer));
    on("failed", ({ text }) => this.#stop(t("device-failed", { reason: text })));
    on("slow", ({ ms }) => this.line.open && this.#stop(t("device-slow", { ms })));
    this.#tell(t("device-starting"));
    this.renew();
  }

  #stop(why) {
    this.#device?.close();
    this.#device = null;
    this.box.checked = false;
    this.#tell(why);
  }

  #tell(text) {
    if (this.note.textContent === text) return;
    this.note.textContent = text;
    this.say(text);
  }
}
