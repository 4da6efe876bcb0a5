/** Bytes; a slab is held as long as any part of it is. */
const SLAB = 16 * 1024;
const LARGEST_PART = 1024;

let slab = new Uint8Array(0);
let used = 0;

/**
 * A zeroed array that may be a part of a larger one: an array of its own over 64 bytes costs V8 more than what is done
 * with it, where one is made for each of many small structures.
 */
export function slabArray(length: number): Uint8Array<ArrayBuffer> {
  if (length > LARGEST_PART) return new Uint8Array(length);
  if (used + length > slab.length) {
    slab = new Uint8Array(SLAB);
    used = 0;
  }
  used += length;
  return slab.subarray(used - length, used);
}
