/** Big-endian integer in exactly `size` bytes, zeros in front; it must not be longer than that. */
export function leftPadded(value: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(size);
  padded.set(value, size - value.length);
  return padded;
}
