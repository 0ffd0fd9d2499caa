// What went wrong, as a sentence beside the control that it is about, in view; a field that it is about says so itself.

import { show } from "./language.js";

export class Trouble {
  #control = null;

  constructor(alert, tones, voice) {
    this.alert = alert;
    this.tones = tones;
    this.voice = voice;
    this.home = alert.previousElementSibling;
  }

  /** Say it beside `control` and go there; "": all is well. */
  say(text, control = null) {
    const { alert } = this;
    this.#mark(false);
    this.#control = text ? control : null;
    alert.hidden = !text;
    const place = this.#control?.closest(".edit, .controls, .head, .tools, .clip-head, .undo") ?? this.home;
    if (place.isConnected && place.nextElementSibling !== alert) place.after(alert);
    show(alert, text);
    this.#mark(true);
    this.#control?.focus();
    if (!text) return;
    this.tones.play("wrong");
    this.voice.alarm(text);
    alert.scrollIntoView({ block: "nearest" });
  }

  #mark(on) {
    if (!this.#control?.matches("input")) return;
    if (on) {
      this.#control.setAttribute("aria-invalid", "true");
      this.#control.setAttribute("aria-describedby", this.alert.id);
      return;
    }
    this.#control.removeAttribute("aria-invalid");
    this.#control.removeAttribute("aria-describedby");
  }
}
