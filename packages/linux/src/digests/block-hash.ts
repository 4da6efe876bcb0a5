import { checkRange } from '@assay/core/bytes';
import type { InPlaceHash } from '@assay/core/hash';
import type { Lanes } from './lanes.ts';
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
export class BlockHash implements InPlaceHash {
  readonly size: number;
  readonly #block: 64 | 128;
  readonly #update: OpensslHash['update'];
  readonly #stage: Stage;
  readonly #context: number;
  readonly #state: Uint32Array;
  readonly #initial: Uint32Array;
  /** Value, what it is extended by, and their padding, which stays. */
  readonly #link: Pinned;
  readonly #linkView: DataView;
  readonly #linkLength: number;
  #lanes: Lanes | undefined;
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
    this.#link = new Pinned(4 * layout.block);
    this.#linkView = new DataView(this.#link.bytes.buffer);
    this.#linkLength = padMessage(this.#linkView, 0, 2 * layout.size, 2 * layout.size, layout.block);
  }

  /** Allocates nothing. Views, because a DataView moves words of any alignment at once. */
  into(bytes: DataView, start: number, end: number, out: DataView, offset: number): void {
    checkRange(bytes, start, end);
    checkRange(out, offset, offset + this.size);
    this.#restart();
    this.#finish(this.#absorb(bytes, start, end, 0), end - start, out, offset);
  }

  each(bytes: DataView, spans: Int32Array, count: number, out: DataView, shift: number): void {
    const lanes = this.#lanes;
    lanes?.begin();
    for (let span = 0; span < 3 * count; span += 3) {
      const start = spans[span] ?? 0;
      const end = spans[span + 1] ?? 0;
      const offset = (spans[span + 2] ?? 0) + shift;
      if (lanes === undefined || end - start > lanes.longest) {
        this.into(bytes, start, end, out, offset);
        continue;
      }
      checkRange(bytes, start, end);
      checkRange(out, offset, offset + this.size);
      lanes.add(bytes, start, end, out, offset);
    }
    lanes?.flush(out);
  }

  extend(value: DataView, at: number, by: DataView, from: number): void {
    const { size } = this;
    checkRange(value, at, at + size);
    checkRange(by, from, from + size);
    this.#restart();
    copyBytes(this.#linkView, 0, value, at, size);
    copyBytes(this.#linkView, size, by, from, size);
    this.#update(this.#context, this.#link.address, this.#linkLength);
    this.#write(value, at);
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

  /** `each` computes the digests of short messages by these from now on, or one after the other without them. */
  useLanes(lanes: Lanes | undefined): void {
    this.#lanes = lanes;
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
