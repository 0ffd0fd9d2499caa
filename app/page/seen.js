// A named video follows what is pressed below it: a time in the list of what was seen, a stretch of the curves.

function show(seconds) {
  const video = document.querySelector("#video-named video");
  if (!video || !Number.isFinite(seconds)) return;
  video.currentTime = seconds;
  video.play().catch(() => {}); // paused again before it began
  video.scrollIntoView({ block: "nearest" });
}

document.addEventListener("click", ({ target }) => {
  const time = target.closest?.("#video-seen [data-at]");
  if (time) show(Number(time.dataset.at));
});
window.addEventListener("seek", ({ detail }) => show(detail));

// The stretch that is drawn over the curves is a shape without words; the list beside it says the same in words.
new MutationObserver(() => {
  for (const shape of document.querySelectorAll("#video-plot :is(.brush_brush, .brush_brush_bg)")) shape.setAttribute("aria-hidden", "true");
}).observe(document.documentElement, { childList: true, subtree: true });
