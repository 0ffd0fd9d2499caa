// What <teach-and-watch> is made of; fixed markup, nothing that a person typed.

export const PICTURE = `<div class="picture">
  <video muted playsinline aria-label="What the app sees"></video>
  <div class="off"><p></p></div>
  <div class="where" hidden></div>
  <div class="verdict" hidden><span></span><span></span></div>
  <div class="recording" hidden><span class="dot"></span><span></span></div>
  <div class="advice"></div>
</div>`;

export const SPEAK = `<label class="speak">Speak <select><option value="off">off</option><option value="changes">names</option><option value="everything">everything</option></select></label>`;

export const FIND = `<label class="find" hidden>Find <select><option value="">nothing</option></select></label>`;

export const BARS = `<section class="bars" aria-labelledby="bars-title" hidden><h2 id="bars-title">What it sees</h2><ul tabindex="0" aria-labelledby="bars-title"></ul></section>`;

export const LAYOUT = `
<div class="alarm" role="alert" hidden><p></p><button type="button" class="primary">Start again</button></div>
<div class="desk">
<section class="look" aria-label="Camera">
  ${PICTURE}
</section>
<section class="teach" aria-labelledby="next-step">
  <h2 id="next-step" tabindex="-1"></h2>
  <p class="hint"></p>
  <form>
    <label for="thing-name">Name of the thing</label>
    <div class="row">
      <input id="thing-name" class="name" type="text" autocomplete="off" placeholder="my mug">
      <button type="submit" class="record"><span class="dot"></span><span></span></button>
    </div>
  </form>
  <p class="or">or <button type="button" class="link files">add clips and photos</button></p>
  <p class="outcome"></p>
  <p class="trouble" id="trouble" role="alert" hidden></p>
  <div class="lesson" hidden><p></p><progress aria-label="Learning"></progress></div>
</section>
<div class="under">
<section aria-label="Watching">
  <div class="controls">
    <button type="button" class="toggle"></button>
    <button type="button" class="turn" hidden>Other camera</button>
    <button type="button" class="wrong" hidden>That’s wrong</button>
    <button type="button" class="ask" accesskey="w">What is this?</button>
    ${SPEAK}
    ${FIND}
    <label class="sounds"><input type="checkbox" checked> Tones</label>
    <p class="rate"></p>
  </div>
  <p class="finding" hidden></p>
  <label class="device" hidden><input type="checkbox"> Keep video on this device</label><p class="device-note"></p>
  <div class="correction" role="group" aria-labelledby="correction-title" hidden>
    <p id="correction-title" tabindex="-1"></p><div class="tools"></div>
  </div>
  <div class="remembered" hidden><p id="remembered"></p><button type="button" aria-describedby="remembered">Undo</button></div>
</section>
${BARS}
<section class="clips-to-watch" aria-label="Sample clips" hidden>
  <p>None of these at hand? Watch a clip:</p><div class="tools"></div>
</section>
</div>
<div class="taught">
<section class="report" aria-labelledby="report-title" hidden>
  <h2 id="report-title">How good it will be</h2>
  <ul></ul>
  <details><summary>What is taken for what</summary><div class="grid" tabindex="0" role="region" aria-label="Table of names"><table></table></div></details>
</section>
<section class="things" aria-labelledby="things-title">
  <h2 id="things-title" tabindex="-1">Your things</h2>
  <div class="undo" hidden><p></p><button type="button">Undo</button></div>
  <div class="empty">
    <p>Nothing taught yet. What you record appears here.</p>
    <button type="button" class="samples">Try the sample objects</button>
  </div>
  <ul class="cards"></ul>
  <details class="foreign" hidden><summary></summary><ul class="clips"></ul></details>
</section>
<section class="keep" aria-labelledby="keep-title"></section>
<p class="goes"></p>
</div>
</div>
<p class="sr-only" role="status" aria-live="polite"></p>`;
