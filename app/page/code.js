// <code-block>: lines to copy, which keyboards can scroll; and a name that Gradio's upload area lacks.

import { t } from "./language.js";
import { make } from "./make.js";

class CodeBlock extends HTMLElement {
  connectedCallback() {
    if (this.querySelector("button")) return;
    const code = this.querySelector("pre");
    code.tabIndex = 0; // what scrolls must be reachable
    code.setAttribute("role", "region");
    code.setAttribute("aria-label", this.querySelector("h2").textContent);
    const copy = make("button", { type: "button", className: "secondary" }, t("copy"));
    copy.addEventListener("click", async () => {
      await navigator.clipboard?.writeText(code.textContent).catch(() => {});
      copy.textContent = t(navigator.clipboard ? "copied" : "copy-by-hand");
      setTimeout(() => (copy.textContent = t("copy")), 2000);
    });
    this.append(copy);
  }
}

customElements.define("code-block", CodeBlock);

// Its label says other words than stand in it, so speech control would not find it.
new MutationObserver(() => {
  for (const area of document.querySelectorAll("#video-file button[aria-label]"))
    if (area.textContent.trim()) area.removeAttribute("aria-label");
}).observe(document.documentElement, { childList: true, subtree: true });
