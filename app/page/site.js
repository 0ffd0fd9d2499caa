// <teach-and-watch> on a static host: this page learns and names by itself, and comes without a network from the next time on.

import "./inwords.js";
import { t } from "./language.js";
import { Local } from "./local.js";
import { button, make } from "./make.js";
import { worded } from "./refused.js";
import { TeachAndWatch } from "./teach.js";

const HOME = new URL("../", import.meta.url);

class OnItsOwn extends TeachAndWatch {
  begin() {
    document.title = t("title");
    this.$(".goes").textContent = t("goes-nowhere");
    this.export = button(t("save-model"), () => this.#save());
    const hint = make("p", { className: "hint" }, t("save-model-how"));
    this.$(".keep").after(make("section", { className: "export" }, make("h2", {}, t("tab-model")), hint, this.export));
    this.enter(new Local());
  }

  async #save() {
    try {
      const { model } = await this.line.model();
      const url = URL.createObjectURL(new Blob([model]));
      make("a", { href: url, download: "my-things.onnx" }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
      this.voice.say(t("saved-as", { file: "my-things.onnx" }));
    } catch (error) {
      this.trouble.say(worded(error), this.export);
    }
  }
}

document.documentElement.classList.toggle("dark", matchMedia("(prefers-color-scheme: dark)").matches);
customElements.define("teach-and-watch", OnItsOwn);
navigator.serviceWorker?.register(new URL("offline.js", HOME)).catch(() => {});
