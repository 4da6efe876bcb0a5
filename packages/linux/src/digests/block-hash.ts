import { checkRange } from '@assay/core/bytes';
import type { Register } from '@assay/core/hash';
import { opensslHash, Pinned, type OpensslHash } from './openssl.ts';
import { copyBytes, padMessage, Stage } from './stage.ts';

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
  /** Rounds over several messages at once, where OpenSSL has a function for that. */
  readonly lanes?: string;
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
   * @throws RangeError when a range is not inside its view
   */
  into(bytes: DataView, start: number, end: number, out: DataView, offset: number): void {
    checkRange(bytes, start, end);
    checkRange(out, offset, offset + this.size);
    this.#restart();
    this.#finish(this.#absorb(bytes, start, end, 0), end - start, out, offset);
  }

  /** A value that is extended with one call and one copy: it stands where C reads it, its padding behind it. */
  register(initial: Uint8Array): Register {
    const { size } = this;
    const message = new Pinned(4 * this.#block);
    message.bytes.set(initial.subarray(0, size));
    const view = new DataView(message.bytes.buffer);
    const length = padMessage(view, 0, 2 * size, 2 * size, this.#block);
    return {
      value: new DataView(message.bytes.buffer, 0, size),
      extend: (by, from) => {
        checkRange(by, from, from + size);
        copyBytes(view, size, by, from, size);
        this.#restart();
        this.#update(this.#context, message.address, length);
        this.#write(view, 0);
      },
    };
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

  /** Words of the chaining value before the first block. */
  get initial(): Uint32Array {
    return this.#initial;
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
    this.#write(out, offset);
  }

  #write(out: DataView, offset: number): void {
    const state = this.#state;
    const swap = this.#swap;
    const words = this.size / 4;
    for (let word = 0; word < words; word++) out.setUint32(offset + 4 * word, state[word ^ swap] ?? 0);
  }

  #rounds(length: number): void {
    this.#update(this.#context, this.#stage.address, length);
  }
}
