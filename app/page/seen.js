// A named video follows what is pressed below it: a time in the list of what was seen, a stretch of the curves.

function show(seconds) {
  const video = document.querySelector("#video-named video");
  if (!video || !Number.isFinite(seconds)) return;
  video.currentTime = seconds;
  video.play();
  video.scrollIntoView({ block: "nearest" });
}

document.addEventListener("click", ({ target }) => {
  const time = target.closest?.("#video-seen [data-at]");
  if (time) show(Number(time.dataset.at));
});
window.addEventListener("seek", ({ detail }) => show(detail));
