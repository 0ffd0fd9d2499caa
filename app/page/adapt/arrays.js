// Typed arrays, one after the other, in a new one of type `Kind`: Uint8Array, say.

export function concatenated(Kind, arrays) {
  const whole = new Kind(arrays.reduce((sum, { length }) => sum + length, 0));
  arrays.reduce((at, array) => (whole.set(array, at), at + array.length), 0);
  return whole;
}
