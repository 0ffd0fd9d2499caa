// The picture: a camera, or a clip in its place, cut to the square that the model sees. What goes to the model is never mirrored.

import { t } from "./language.js";
import { Square } from "./square.js";

const QUALITY = 0.85; // of the JPEG

const REASONS = {
  NotAllowedError: t("camera-refused"),
  NotFoundError: t("camera-missing"),
  NotReadableError: t("camera-busy"),
};

export class Camera {
  #call = 0; // of start, play or stop, the latest: what an earlier one still waits for is not wanted any more

  constructor(video) {
    this.video = video;
    this.facing = "environment";
    this.playing = ""; // "camera", "clip" or "" when stopped
    this.drawn = new Square();
  }

  /** Would a browser give a camera to this page? */
  get possible() {
    return Boolean(navigator.mediaDevices?.getUserMedia);
  }

  /** Start the camera, unless something else is called meanwhile; rejects with an Error whose message is for the person. */
  async start() {
    this.stop();
    const call = this.#call;
    if (!this.possible) throw new Error(t("camera-insecure"));
    const wanted = { facingMode: { ideal: this.facing }, width: { ideal: 640 }, height: { ideal: 480 } };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    } catch (error) {
      if (call !== this.#call) return;
      throw new Error(REASONS[error.name] ?? t("camera-failed"));
    }
    if (call !== this.#call) return stream.getTracks().forEach((track) => track.stop());
    this.video.srcObject = stream;
    this.playing = "camera";
    stream.getVideoTracks()[0].addEventListener("ended", () => this.video.dispatchEvent(new Event("lost")));
    await this.#run();
  }

  /** Play a clip, over and over, as if it were the camera. */
  async play(url) {
    this.stop();
    this.video.src = new URL(`../${url}`, import.meta.url);
    this.video.loop = true;
    this.playing = "clip";
    await this.#run();
  }

  stop() {
    this.#call++;
    this.video.srcObject?.getTracks().forEach((track) => track.stop());
    this.video.srcObject = null;
    this.video.removeAttribute("src");
    this.video.load();
    this.playing = "";
  }

  /** Use the camera on the other side of a phone. */
  async turn() {
    this.facing = this.facing === "environment" ? "user" : "environment";
    await this.start();
  }

  /** Does it look at who holds it? Then left and right are exchanged for them. */
  get mirrored() {
    const [track] = this.video.srcObject?.getVideoTracks() ?? [];
    return track?.getSettings().facingMode === "user";
  }

  /** Are there two cameras to choose from? Known once one was allowed. */
  async several() {
    const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    return devices.filter((device) => device.kind === "videoinput").length > 1;
  }

  /** Call `use` with each new picture until the page goes; never while the page is hidden. */
  watch(use) {
    const again = (tick) =>
      this.video.requestVideoFrameCallback
        ? this.video.requestVideoFrameCallback(tick)
        : requestAnimationFrame(tick);
    const tick = () => {
      if (this.playing && this.video.videoWidth) use();
      again(tick);
    };
    again(tick);
  }

  /** The centre square of the present picture as a JPEG blob. */
  jpeg() {
    const { canvas } = this.#draw();
    return new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
  }

  /** The same as ImageData. */
  square() {
    return this.#draw().data();
  }

  #draw() {
    return this.drawn.draw(this.video, this.video.videoWidth, this.video.videoHeight);
  }

  async #run() {
    const call = this.#call;
    try {
      await this.video.play();
    } catch {
      if (call === this.#call) throw new Error(t("picture-failed"));
    }
  }
}
