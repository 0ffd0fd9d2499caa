// A picture as a model takes it, and back.

/** RGB bytes of an ImageData. */
export function rgb({ data }) {
  const frame = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    frame[to++] = data[from];
    frame[to++] = data[from + 1];
    frame[to++] = data[from + 2];
  }
  return frame;
}

/** The ImageData of RGB bytes, `side` pixels wide. */
export function rgba(frame, side) {
  const data = new Uint8ClampedArray((frame.length / 3) * 4).fill(255);
  for (let from = 0, to = 0; from < frame.length; to += 4) {
    data[to] = frame[from++];
    data[to + 1] = frame[from++];
    data[to + 2] = frame[from++];
  }
  return new ImageData(data, side);
}
