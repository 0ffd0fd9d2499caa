// Short tones, and shaking where a device can: what happens is heard and felt, not only seen.

const LOUD = 0.12; // of full scale
const RAMP = 0.01; // s in which a tone comes and goes, so that it does not click
const TONES = { // [Hz, s] one after the other, and ms of shaking and pause
  start: { notes: [[660, 0.12]], shake: [90] },
  tick: { notes: [[990, 0.03]], shake: [] },
  stop: { notes: [[440, 0.12]], shake: [50] },
  kept: { notes: [[523, 0.09], [784, 0.16]], shake: [50, 60, 50] },
  wrong: { notes: [[196, 0.3]], shake: [250] },
};

export class Tones {
  #context = null;
  on = true;

  /** kind: one of TONES. */
  play(kind) {
    if (!this.on) return;
    const { notes, shake } = TONES[kind];
    let at = 0;
    for (const [pitch, seconds] of notes) {
      this.beep(pitch, seconds, at);
      at += seconds;
    }
    if (shake.length && navigator.userActivation?.hasBeenActive) navigator.vibrate?.(shake);
  }

  /** A tone of `pitch` Hz, `seconds` long, `delay` s from now. */
  beep(pitch, seconds, delay = 0) {
    if (!window.AudioContext) return;
    this.#context ??= new AudioContext(); // not before somebody pressed something: browsers would keep it silent
    const context = this.#context;
    if (context.state === "suspended") context.resume();
    const [begin, end] = [context.currentTime + delay, context.currentTime + delay + seconds];
    const [tone, volume] = [context.createOscillator(), context.createGain()];
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0, begin);
    volume.gain.linearRampToValueAtTime(LOUD, begin + RAMP);
    volume.gain.setValueAtTime(LOUD, end - RAMP);
    volume.gain.linearRampToValueAtTime(0, end);
    tone.connect(volume).connect(context.destination);
    tone.start(begin);
    tone.stop(end);
  }
}
