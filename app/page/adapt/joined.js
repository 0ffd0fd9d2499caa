// Typed arrays one behind the other, in a new one of a kind: Uint8Array, say.

export function joined(Kind, arrays) {
  const whole = new Kind(arrays.reduce((sum, { length }) => sum + length, 0));
  arrays.reduce((at, array) => (whole.set(array, at), at + array.length), 0);
  return whole;
}
