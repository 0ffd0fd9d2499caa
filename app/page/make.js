// Elements without HTML strings: what a person typed is only ever text.

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A button that does `act`; label: its accessible name. */
export function button(text, act, label = text) {
  const made = make("button", { type: "button", ariaLabel: label }, text);
  made.addEventListener("click", act);
  return made;
}
