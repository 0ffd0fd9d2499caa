// <teach-and-watch> in the app: its line leads to the server, into the room that Gradio hands over.

import { t } from "./language.js";
import { Line, refusal, throughTheGate } from "./line.js";
import { TeachAndWatch } from "./teach.js";

class InTheApp extends TeachAndWatch {
  begin() {
    document.title = t("title");
    throughTheGate();
    refusal().then((problem) => problem && this.alarm(problem, true));
    if (window.room !== undefined) this.#enter();
    else window.addEventListener("room", () => this.#enter(), { once: true });
  }

  #enter() {
    this.enter(window.room ? new Line(window.room) : null);
    if (!window.room) this.alarm(t("full"), true);
  }
}

customElements.define("teach-and-watch", InTheApp);
