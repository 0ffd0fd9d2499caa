// <in-words key="..." values="{...}">: a sentence that was written in English, by the app or in a page's file, in this page's language.
// With `label` it is the name of the element around it.

import { t } from "./language.js";

class InWords extends HTMLElement {
  connectedCallback() {
    this.#put();
    // Gradio changes what stands there, rather than putting another in its place.
    new MutationObserver(() => this.#put()).observe(this, { attributes: true, childList: true, characterData: true, subtree: true });
  }

  #put() {
    const sentence = t(this.getAttribute("key"), JSON.parse(this.getAttribute("values") ?? "{}"));
    if (this.hasAttribute("label")) this.parentElement.ariaLabel = sentence;
    else if (this.textContent !== sentence) this.textContent = sentence;
  }
}

customElements.define("in-words", InWords);
