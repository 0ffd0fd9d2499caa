// Focus never drops to the body: where a control goes, the heading of its section takes over.

const PLACE = ":is(h2, p)[tabindex='-1']"; // where it goes; not a picture, which arrow keys reach

/** Watch over everything in `root`. */
export function keepFocus(root) {
  let held = []; // the element that has the focus, and what it lies in
  root.addEventListener("focusin", (event) => (held = event.composedPath()));
  root.addEventListener("focusout", ({ target, relatedTarget }) => {
    if (!relatedTarget && shown(target)) held = []; // somebody went elsewhere
  });
  new MutationObserver(() => {
    if (!held.length || shown(held[0])) return;
    const near = held.find((part) => part !== root && part instanceof Element && shown(part) && part.querySelector(PLACE));
    held = [];
    (near ?? root).querySelector(PLACE)?.focus();
  }).observe(root, { childList: true, subtree: true, attributes: true, attributeFilter: ["hidden"] });
}

function shown(element) {
  return element.isConnected && !element.closest("[hidden]");
}
