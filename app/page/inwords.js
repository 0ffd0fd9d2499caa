// <in-words key="..." values="{...}">: a sentence that was written in English, by the app or in a page's file, in this page's language.
// With `label` it is the name of the element around it.

import { t } from "./language.js";

class InWords extends HTMLElement {
  connectedCallback() {
    const sentence = t(this.getAttribute("key"), JSON.parse(this.getAttribute("values") ?? "{}"));
    if (this.hasAttribute("label")) this.parentElement.ariaLabel = sentence;
    else this.textContent = sentence;
  }
}

customElements.define("in-words", InWords);
