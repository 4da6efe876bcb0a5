import { opensslHash, Pinned, type OpensslHash } from './openssl.ts';
import { checkRange } from './range.ts';
import { Stage } from './stage.ts';

/** A hash of FIPS 180-4 and the functions of OpenSSL for it. */
export interface BlockHashLayout {
  /** Bytes of a digest. */
  readonly size: number;
  /** Bytes of a block. */
  readonly block: 64 | 128;
  /** Words of 32 bits at the beginning of the context: the chaining value. */
  readonly stateWords: number;
  readonly init: string;
  readonly update: string;
}

/** SHA512_CTX, the largest, has 216 bytes. The rest keeps a context of another layout inside until it is found out. */
const CONTEXT_BYTES = 1024;

/** One for all hashes of a thread: a digest runs from its beginning to its end in one call. */
let sharedStage: Stage | undefined;

/**
 * Digests with one foreign call each: chaining value and padding are written here, and OpenSSL runs the rounds over whole
 * blocks (`SHA256_Update` and its like keep nothing then but the chaining value and a count that nothing reads).
 */
export class BlockHash {
  readonly size: number;
  readonly #block: 64 | 128;
  readonly #update: OpensslHash['update'];
  readonly #stage: Stage;
  readonly #context: number;
  readonly #state: Uint32Array;
  readonly #initial: Uint32Array;
  /** SHA-512 has words of 64 bits, of which a little-endian machine stores the low half first. */
  readonly #swap: 0 | 1;

  constructor(layout: BlockHashLayout) {
    const { init, update } = opensslHash(layout.init, layout.update);
    const context = new Pinned(CONTEXT_BYTES);
    sharedStage ??= new Stage();
    this.size = layout.size;
    this.#block = layout.block;
    this.#update = update;
    this.#stage = sharedStage;
    this.#context = context.address;
    this.#state = new Uint32Array(context.bytes.buffer, 0, layout.stateWords);
    this.#swap = layout.block === 128 ? 1 : 0;
    init(context.address);
    this.#initial = this.#state.slice();
  }

  /**
   * Writes the digest of `bytes[start, end)` to `out[offset, offset + size)`; allocates nothing. The two may overlap.
   * Views, because a DataView moves words of any alignment at once.
   * @throws RangeError when a range is not inside its view
   */
  into(bytes: DataView, start: number, end: number, out: DataView, offset: number): void {
    checkRange(bytes, start, end);
    checkRange(out, offset, offset + this.size);
    this.#restart();
    this.#finish(this.#absorb(bytes, start, end, 0), end - start, out, offset);
  }

  /**
   * Replaces `value[at, at + size)` by the digest of itself and `by[from, from + size)`, as TPM2_PCR_Extend does.
   * @throws RangeError when a range is not inside its view
   */
  extend(value: DataView, at: number, by: DataView, from: number): void {
    const { size } = this;
    checkRange(value, at, at + size);
    checkRange(by, from, from + size);
    this.#restart();
    this.#stage.copy(value, at, size, 0);
    this.#stage.copy(by, from, size, size);
    this.#finish(2 * size, 2 * size, value, at);
  }

  /** Digest of the concatenated parts. */
  of(parts: readonly Uint8Array[]): Uint8Array {
    const out = new Uint8Array(this.size);
    let fill = 0;
    let total = 0;
    this.#restart();
    for (const part of parts) {
      fill = this.#absorb(new DataView(part.buffer, part.byteOffset, part.length), 0, part.length, fill);
      total += part.length;
    }
    this.#finish(fill, total, new DataView(out.buffer), 0);
    return out;
  }

  #restart(): void {
    const state = this.#state;
    const initial = this.#initial;
    for (let word = 0; word < state.length; word++) state[word] = initial[word] ?? 0;
  }

  /** Stages bytes after the `fill` that are there, runs the rounds whenever the stage is full; returns the new fill. */
  #absorb(bytes: DataView, start: number, end: number, fill: number): number {
    const { capacity } = this.#stage;
    let staged = fill;
    let from = start;
    while (from < end) {
      const length = Math.min(end - from, capacity - staged);
      this.#stage.copy(bytes, from, length, staged);
      from += length;
      staged += length;
      if (staged === capacity) {
        this.#rounds(staged);
        staged = 0;
      }
    }
    return staged;
  }

  #finish(fill: number, total: number, out: DataView, offset: number): void {
    this.#rounds(this.#stage.pad(fill, total, this.#block));
    const state = this.#state;
    const swap = this.#swap;
    const words = this.size / 4;
    for (let word = 0; word < words; word++) out.setUint32(offset + 4 * word, state[word ^ swap] ?? 0);
  }

  #rounds(length: number): void {
    this.#update(this.#context, this.#stage.address, length);
  }
}
