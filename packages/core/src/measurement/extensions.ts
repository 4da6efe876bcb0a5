import { hashAlgorithm, hashOfKernelId } from '../hash/index.ts';
import { DIGEST_TYPES, type FileDigest } from './entry.ts';
import type { KnownTemplate } from './known-templates.ts';

/** Different templates in one batch; a batch with more ends before them. */
const TALLIES = 32;
const NAME_BYTES = 256;
/** Of an entry in front of its digests: PCR, flags, two bytes to the next word. */
const PREFIX = 4;
const HEAD_BYTES = 32;
/** Values of boot_aggregate in one batch; a batch with more ends before them. */
const AGGREGATES = 8;
/** Index of the entry, kernel's number of the hash, type, digest. */
const AGGREGATE_BYTES = 4 + 2 + 2 + 64;

export const VIOLATION = 1;
/** The recorded template digest is not that of the data. */
export const FORGED = 2;

/**
 * What a batch of entries extends: of each its PCR, and what each bank is extended by. It lives in one buffer, so that
 * one thread can fill it and another take it.
 */
export class Extensions {
  /** How many entries fit. */
  readonly room: number;
  /** Bytes from an entry's PCR to the next entry's. */
  readonly stride: number;
  readonly values: DataView;
  /** Where each entry begins, from the first byte of the batch. */
  readonly starts: Int32Array;
  /** Entries, bytes that they take, templates, values of boot_aggregate. */
  readonly #head: Float64Array;
  readonly #counts: Int32Array;
  readonly #names: Uint8Array;
  readonly #aggregates: DataView;

  /** @param digestSizes of the banks, in their order */
  constructor(buffer: ArrayBufferLike, digestSizes: readonly number[]) {
    this.stride = strideOf(digestSizes);
    this.room = roomIn(buffer.byteLength, this.stride);
    const counts = HEAD_BYTES;
    const names = counts + 4 * TALLIES;
    const aggregates = names + NAME_BYTES * TALLIES;
    const starts = aggregates + AGGREGATE_BYTES * AGGREGATES;
    this.#head = new Float64Array(buffer, 0, 4);
    this.#counts = new Int32Array(buffer, counts, TALLIES);
    this.#names = new Uint8Array(buffer, names, NAME_BYTES * TALLIES);
    this.#aggregates = new DataView(buffer, aggregates, AGGREGATE_BYTES * AGGREGATES);
    this.starts = new Int32Array(buffer, starts, this.room);
    this.values = new DataView(buffer, starts + 4 * this.room);
  }

  /** Size of the buffer for so many entries. */
  static bytesFor(entries: number, digestSizes: readonly number[]): number {
    return FIXED_BYTES + entries * (4 + strideOf(digestSizes));
  }

  get entries(): number {
    return this.#head[0] ?? 0;
  }

  /** Bytes of the list that the entries take. */
  get consumed(): number {
    return this.#head[1] ?? 0;
  }

  /** How often each template occurs in the batch. */
  *templates(): Generator<[name: string, count: number]> {
    for (let index = 0; index < (this.#head[2] ?? 0); index++) {
      const at = index * NAME_BYTES;
      const name = this.#names.slice(at + 1, at + 1 + (this.#names[at] ?? 0));
      yield [String.fromCharCode(...name), this.#counts[index] ?? 0];
    }
  }

  /** The values of boot_aggregate, with the index of their entry. */
  *aggregates(): Generator<[index: number, digest: FileDigest]> {
    const view = this.#aggregates;
    for (let at = 0; at < AGGREGATE_BYTES * (this.#head[3] ?? 0); at += AGGREGATE_BYTES) {
      const { name, size } = hashOfKernelId(view.getUint16(at + 4));
      const value = new Uint8Array(view.buffer, view.byteOffset + at + 8, size).slice();
      const type = DIGEST_TYPES[view.getUint16(at + 6)];
      yield [view.getUint32(at), { algorithm: name, value, ...(type === undefined ? {} : { type }) }];
    }
  }

  /** To be called before the first entry is written. */
  clear(): void {
    this.#head.fill(0);
  }

  /** @returns whether there was room */
  addAggregate(index: number, { algorithm, value, type }: FileDigest): boolean {
    const count = this.#head[3] ?? 0;
    if (count === AGGREGATES) return false;
    const at = count * AGGREGATE_BYTES;
    this.#aggregates.setUint32(at, index);
    this.#aggregates.setUint16(at + 4, hashAlgorithm(algorithm).kernelId);
    this.#aggregates.setUint16(at + 6, DIGEST_TYPES.indexOf(type));
    new Uint8Array(this.#aggregates.buffer, this.#aggregates.byteOffset + at + 8, value.length).set(value);
    this.#head[3] = count + 1;
    return true;
  }

  /** To be called when the entries are written. */
  finish(entries: number, consumed: number, templates: readonly KnownTemplate[]): void {
    this.#head.set([entries, consumed, templates.length]);
    for (const [index, { bytes, count }] of templates.entries()) {
      this.#counts[index] = count;
      this.#names[index * NAME_BYTES] = bytes.length;
      this.#names.set(bytes, index * NAME_BYTES + 1);
    }
  }

  /** Writes an entry's PCR and flags. @returns where its digests come */
  begin(entry: number, start: number, pcr: number, flags: number): number {
    this.starts[entry] = start;
    const at = entry * this.stride;
    this.values.setUint8(at, pcr);
    this.values.setUint8(at + 1, flags);
    return at + PREFIX;
  }

  flag(entry: number, flags: number): void {
    this.values.setUint8(entry * this.stride + 1, flags);
  }
}

export { PREFIX as EXTENSION_PREFIX, TALLIES as TEMPLATES_IN_BATCH };

const FIXED_BYTES = HEAD_BYTES + TALLIES * (4 + NAME_BYTES) + AGGREGATES * AGGREGATE_BYTES;

function strideOf(digestSizes: readonly number[]): number {
  return digestSizes.reduce((sum, size) => sum + size, PREFIX);
}

function roomIn(bytes: number, stride: number): number {
  return Math.floor((bytes - FIXED_BYTES) / (4 + stride));
}
