import { checkRange } from '../bytes/index.ts';
import { hashAlgorithm, type HashName } from './algorithms.ts';
import type { Hasher } from './port.ts';

/** Digests from memory to memory, for callers that make millions of them. Views, because they move words of any alignment. */
export interface InPlaceHasher {
  /**
   * Writes the digest of `bytes[start, end)` to `out[offset]`; the two may overlap.
   * @throws RangeError when a range is not inside its view
   * @throws SystemError HASH-UNAVAILABLE
   */
  into(algorithm: HashName, bytes: DataView, span: Span, out: DataView): void;
  /**
   * Does that for the first `count` messages of `spans`, of which each is three numbers: start, end, and offset. There the
   * digests of all algorithms follow each other. None may be written over a message.
   */
  each(algorithms: readonly HashName[], bytes: DataView, spans: Int32Array, count: number, out: DataView): void;
  /** A PCR that begins with this value. */
  register(algorithm: HashName, value: Uint8Array): Register;
}

/** A message, and where its digest goes. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly offset: number;
}

/** A value that is extended in place. */
export interface Register {
  readonly value: DataView;
  /**
   * Replaces the value by the digest of itself and as many bytes from `by[from]`, as TPM2_PCR_Extend does (TPM 2.0 Part 1,
   * section 17.2).
   * @throws RangeError when they are not inside the view
   */
  extend(by: DataView, from: number): void;
}

/** The same by any hasher. */
export function plainInPlaceHasher(hasher: Hasher): InPlaceHasher {
  const into: InPlaceHasher['into'] = (algorithm, bytes, { start, end, offset }, out) => {
    const target = slice(out, offset, offset + hashAlgorithm(algorithm).size);
    target.set(hasher.digest(algorithm, slice(bytes, start, end)));
  };
  return {
    into,
    each(algorithms, bytes, spans, count, out) {
      for (let index = 0; index < 3 * count; index += 3) {
        const [start = 0, end = 0, first = 0] = spans.subarray(index, index + 3);
        let offset = first;
        for (const algorithm of algorithms) {
          into(algorithm, bytes, { start, end, offset }, out);
          offset += hashAlgorithm(algorithm).size;
        }
      }
    },
    register(algorithm, initial) {
      const value = Uint8Array.from(initial);
      return {
        value: new DataView(value.buffer),
        extend: (by, from) => value.set(hasher.digest(algorithm, value, slice(by, from, from + value.length))),
      };
    },
  };
}

function slice(view: DataView, start: number, end: number): Uint8Array {
  checkRange(view, start, end);
  return new Uint8Array(view.buffer, view.byteOffset + start, end - start);
}
