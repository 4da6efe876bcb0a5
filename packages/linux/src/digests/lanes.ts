import { readFileSync } from 'node:fs';
import { opensslFunction, Pinned } from './openssl.ts';
import { copyBytes, padMessage } from './stage.ts';

const LANES = 8;
/** Bytes for a message and its padding. */
const LANE_BYTES = 1024;
const BLOCK = 64;
/** HASH_DESC: a pointer, a number of blocks, and four bytes to the next. */
const DESCRIPTION_BYTES = 16;
/** AVX2 reads by 32 bytes. */
const ALIGNMENT = 64;

/**
 * Whether the processor has what pays here. Without either OpenSSL would use SSSE3 unasked, which the oldest processors
 * that Node runs on do not have.
 */
export function lanesPay(): boolean {
  if (process.arch !== 'x64') return false;
  try {
    return /^flags\s*:.* (?:avx2|sha_ni)(?: |$)/m.test(readFileSync('/proc/cpuinfo', 'latin1'));
  } catch {
    return false;
  }
}

/** Eight messages, padded for hashes with blocks of 64 bytes and lengths of 8 bytes. */
export class LaneMessages {
  static readonly longest = LANE_BYTES - BLOCK;
  /** Where each digest goes. */
  readonly offsets = new Int32Array(LANES);
  readonly #descriptions = new Pinned(LANES * DESCRIPTION_BYTES);
  readonly #blocks = new Int32Array(this.#descriptions.bytes.buffer);
  readonly #messages: DataView;
  #used = 0;

  constructor() {
    const messages = new Pinned(LANES * LANE_BYTES);
    this.#messages = new DataView(messages.bytes.buffer);
    const descriptions = new DataView(this.#descriptions.bytes.buffer);
    for (let lane = 0; lane < LANES; lane++) {
      descriptions.setBigUint64(lane * DESCRIPTION_BYTES, BigInt(messages.address + lane * LANE_BYTES), true);
      // Until a lane is used it has one block; what comes out of it is left alone.
      descriptions.setInt32(lane * DESCRIPTION_BYTES + 8, 1, true);
    }
  }

  get used(): number {
    return this.#used;
  }

  /** Of the descriptions. */
  get address(): number {
    return this.#descriptions.address;
  }

  begin(): void {
    this.#used = 0;
  }

  /** Takes a message of at most `longest` bytes, whose digest goes to `offset`. @returns whether all lanes are used now */
  add(bytes: DataView, start: number, end: number, offset: number): boolean {
    const lane = this.#used;
    const length = end - start;
    copyBytes(this.#messages, lane * LANE_BYTES, bytes, start, length);
    const padded = padMessage(this.#messages, lane * LANE_BYTES, length, length, BLOCK);
    this.#blocks[(lane * DESCRIPTION_BYTES + 8) / 4] = padded / BLOCK;
    this.offsets[lane] = offset;
    this.#used = lane + 1;
    return this.#used === LANES;
  }
}

/**
 * Digests of eight messages with one foreign call, by functions that OpenSSL has for TLS records (crypto/sha,
 * `sha1-mb-x86_64.pl` and `sha256-mb-x86_64.pl`). They take two messages at a time through the SHA instructions of the
 * processor, or eight through AVX2; they know nothing of padding.
 */
export class LaneHash {
  readonly #rounds: (state: number, descriptions: number, eights: number) => number;
  /** Word by word, that of each lane beside those of the others. */
  readonly #initial: Uint32Array;
  readonly #state: Uint32Array;
  readonly #address: number;

  /** @param initial words of the chaining value before the first block @throws Error where Node has no such function */
  constructor(rounds: string, initial: Uint32Array) {
    this.#rounds = opensslFunction(rounds, 3);
    this.#initial = Uint32Array.from({ length: initial.length * LANES }, (_, index) => initial[index >> 3] ?? 0);
    const state = new Pinned(this.#initial.byteLength + ALIGNMENT);
    const shift = (ALIGNMENT - (state.address % ALIGNMENT)) % ALIGNMENT;
    this.#address = state.address + shift;
    this.#state = new Uint32Array(state.bytes.buffer, shift, this.#initial.length);
  }

  /** Writes the digest of each message to its offset and `shift`. */
  digest(messages: LaneMessages, out: DataView, shift: number): void {
    const { used, offsets } = messages;
    if (used === 0) return;
    const state = this.#state;
    state.set(this.#initial);
    this.#rounds(this.#address, messages.address, 2);
    for (let lane = 0; lane < used; lane++) {
      let offset = (offsets[lane] ?? 0) + shift;
      for (let word = lane; word < state.length; word += LANES, offset += 4) out.setUint32(offset, state[word] ?? 0);
    }
  }
}
