// <teach-and-watch> in the app: its line leads to the server, into the room that Gradio hands over.

import { Line, refusal, throughTheGate } from "./line.js";
import { TeachAndWatch } from "./teach.js";

const FULL = "As many people as it can take are using this app. Try again in some minutes.";

class InTheApp extends TeachAndWatch {
  begin() {
    throughTheGate();
    refusal().then((problem) => problem && this.alarm(problem, true));
    if (window.room !== undefined) this.#enter();
    else window.addEventListener("room", () => this.#enter(), { once: true });
  }

  #enter() {
    this.enter(window.room ? new Line(window.room) : null);
    if (!window.room) this.alarm(FULL, true);
  }
}

customElements.define("teach-and-watch", InTheApp);
