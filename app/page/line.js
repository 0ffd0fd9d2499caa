// The line to the app: frames and orders out, answers and news in. See app/live/__init__.py for what is said on it.

import { English, language } from "./language.js";
import { Pace } from "./pace.js";
import { Refused } from "./refused.js";

const IN_FLIGHT = 2; // frames on their way at most
const STALE = 3000; // ms after which a frame counts as lost
const HERE = 60000; // ms between signs of life
const PROFILE = new URL("../profile", import.meta.url);
const PATIENCE = [500, 1000, 2000]; // ms before trying again

export class Line extends EventTarget {
  here = false; // frames go to the app
  #socket = null;
  #tries = 0;
  #seq = 0;
  #ref = 0;
  #sent = new Map(); // number of a frame on its way -> when it was taken
  #asked = new Map(); // number of an order -> what to do with its answer

  constructor(room) {
    super();
    this.room = room;
    this.pace = new Pace();
    setInterval(() => this.#say({ do: "here" }), HERE);
    this.#connect();
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** May another frame be sent? Two on their way are enough; newer ones replace older ones here. */
  get free() {
    for (const [seq, taken] of this.#sent) if (performance.now() - taken > STALE) this.#sent.delete(seq);
    return this.open && this.#sent.size < IN_FLIGHT;
  }

  /** Room for one frame: its number, to be sent with `frame`. */
  take() {
    this.#seq = (this.#seq + 1) >>> 0;
    this.#sent.set(this.#seq, performance.now());
    return this.#seq;
  }

  /** What the camera shows, as `frame` takes it. */
  picture(camera) {
    return camera.jpeg();
  }

  async frame(seq, jpeg) {
    if (!jpeg || !this.open) {
      this.#sent.delete(seq);
      return;
    }
    const number = new DataView(new ArrayBuffer(4));
    number.setUint32(0, seq);
    const bytes = await jpeg.arrayBuffer();
    if (this.open) this.#socket.send(new Blob([number, bytes]));
  }

  /** Give an order; resolves with the app's answer, rejects with an Error for the person. */
  ask(order) {
    const ref = ++this.#ref;
    return new Promise((resolve, reject) => {
      if (!this.open) reject(new Unreachable());
      this.#asked.set(ref, { resolve, reject });
      this.#say({ ...order, ref });
    });
  }

  /** Upload one clip or photo of a thing; rejects with an Error for the person. */
  async upload(name, file) {
    const headers = {
      authorization: `Bearer ${this.room}`,
      "x-thing": encodeURIComponent(name),
      "x-file": encodeURIComponent(file.name),
    };
    let answer;
    try {
      answer = await fetch(new URL("../clips", import.meta.url), { method: "POST", headers, body: file });
    } catch {
      throw new Refused("upload-broke-off", { file: file.name });
    }
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw refused(told, "upload-failed", { file: file.name });
    return told.kept;
  }

  /** The adapted model and the names of its things, to be run here; rejects with an Error for the person. */
  async model() {
    const headers = { authorization: `Bearer ${this.room}` };
    const answer = await fetch(new URL("../model", import.meta.url), { headers }).catch(() => null);
    const told = answer?.ok ? {} : await answer?.json().catch(() => null);
    const body = answer?.ok ? await answer.arrayBuffer().catch(() => null) : null;
    if (!body) throw refused(told, "model-missing");
    const begins = 4 + new DataView(body).getUint32(0, true); // before it, the names as JSON
    return { names: JSON.parse(new TextDecoder().decode(body.slice(4, begins))), model: body.slice(begins) };
  }

  /** A profile of what is taught, or of one clip, as a blob; null if the app has none of that. */
  async profile(settings, clip = "") {
    const headers = { authorization: `Bearer ${this.room}`, "x-settings": JSON.stringify(settings) };
    const answer = await fetch(PROFILE + (clip && `?clip=${clip}`), { headers }).catch(() => null);
    if (!answer) throw new Unreachable();
    if (!answer.ok) throw refused(await answer.json().catch(() => null), "save-failed");
    return answer.status === 204 ? null : answer.blob();
  }

  /** Open a profile in the room: {things, frames, settings}, {same, problem} or {problem}. */
  async openProfile(file, same, name) {
    const headers = { authorization: `Bearer ${this.room}`, "x-same": same, "x-file": encodeURIComponent(name) };
    const answer = await fetch(PROFILE, { method: "POST", headers, body: file }).catch(() => null);
    if (!answer) return { problem: new Unreachable() };
    const told = await answer.json().catch(() => null);
    return told && !told.problem ? told : { ...told, problem: refused(told, "open-failed") };
  }

  #say(order) {
    if (this.open) this.#socket.send(JSON.stringify(order));
  }

  #connect() {
    const url = new URL("../live", import.meta.url); // below whatever path a proxy shows us
    url.protocol = url.protocol.replace("http", "ws");
    this.#socket = new WebSocket(url);
    this.#socket.onopen = () => {
      this.#tries = 0;
      this.#sent.clear();
      this.#say({ room: this.room, language });
      this.dispatchEvent(new Event("open"));
    };
    this.#socket.onmessage = (event) => this.#hear(JSON.parse(event.data));
    this.#socket.onclose = () => this.#closed();
  }

  #hear(message) {
    for (const told of ["text", "problem"]) if (message[told]) message[told] = new English(message[told]);
    if (message.said) message.text = new Refused(message.said.key, message.said.values);
    if (message.type === "gone") this.gone = message.text ?? "";
    if (message.type === "answer") this.#answer(message);
    const asked = this.#asked.get(message.ref);
    if (asked) {
      this.#asked.delete(message.ref);
      if (message.type === "ok") asked.resolve(message);
      else asked.reject(message.text);
    }
    this.dispatchEvent(new CustomEvent(message.type, { detail: message }));
  }

  #answer({ seq }) {
    this.pace.answered(this.#sent.get(seq));
    for (const earlier of this.#sent.keys()) if (earlier <= seq) this.#sent.delete(earlier);
  }

  #closed() {
    for (const { reject } of this.#asked.values()) reject(new Refused("no-answer"));
    this.#asked.clear();
    if (this.gone !== undefined) return;
    this.dispatchEvent(new Event("lost"));
    setTimeout(() => this.#connect(), PATIENCE[Math.min(this.#tries++, PATIENCE.length - 1)]);
  }
}

/** The app did not answer; it may a moment later. */
export class Unreachable extends Refused {
  name = "Unreachable";

  constructor() {
    super("unreachable");
  }
}

/** What the app has against a request, or the sentence `key` where it did not say. */
function refused(told, key, values) {
  if (told?.said) return new Refused(told.said.key, told.said.values);
  return told?.problem ? new English(told.problem) : new Refused(key, values);
}

/** Why the app takes nothing from this page, where a proxy shows it at an address that it does not know; else "". */
export async function refusal() {
  const answer = await fetch(new URL("../healthz", import.meta.url), { method: "POST" }).catch(() => null);
  return answer?.status === 403 ? new English((await answer.json()).problem) : "";
}

/** Let Gradio's own uploads name the room that they are for: the app takes none without. */
export function throughTheGate() {
  const plain = window.fetch;
  window.fetch = (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input, location.href);
    if (!window.room || !url.pathname.endsWith("/gradio_api/upload")) return plain(input, init);
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${window.room}`);
    return plain(input, { ...init, headers });
  };
}
