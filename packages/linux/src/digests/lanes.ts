import { readFileSync } from 'node:fs';
import { opensslFunction, Pinned } from './openssl.ts';
import { copyBytes, padMessage } from './stage.ts';

const LANES = 8;
/** Bytes for a message and its padding. */
const LANE_BYTES = 1024;
const BLOCK = 64;
/** HASH_DESC: a pointer, a number of blocks, and four bytes to the next. */
const DESCRIPTION_BYTES = 16;
/** AVX2 reads it by 32 bytes. */
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

/**
 * Digests of eight messages with one foreign call, by functions that OpenSSL has for TLS records (crypto/sha,
 * `sha1-mb-x86_64.pl` and `sha256-mb-x86_64.pl`). They take two messages at a time through the SHA instructions of the
 * processor, or eight through AVX2; they know nothing of padding.
 */
export class Lanes {
  readonly longest = LANE_BYTES - BLOCK;
  readonly #rounds: (state: number, descriptions: number, eights: number) => number;
  readonly #initial: Uint32Array;
  /** Word by word, that of each lane beside those of the others. */
  readonly #state: Uint32Array;
  readonly #stateAddress: number;
  readonly #descriptions: Pinned;
  readonly #blocks: Int32Array;
  readonly #messages: DataView;
  readonly #targets = new Int32Array(LANES);
  #used = 0;

  /** @throws Error where this Node has no such function */
  constructor(rounds: string, initial: Uint32Array) {
    this.#rounds = opensslFunction(rounds, 3);
    this.#initial = initial;
    const state = new Pinned(initial.length * LANES * 4 + ALIGNMENT);
    const shift = (ALIGNMENT - (state.address % ALIGNMENT)) % ALIGNMENT;
    this.#state = new Uint32Array(state.bytes.buffer, shift, initial.length * LANES);
    this.#stateAddress = state.address + shift;
    const messages = new Pinned(LANES * LANE_BYTES);
    this.#messages = new DataView(messages.bytes.buffer);
    this.#descriptions = new Pinned(LANES * DESCRIPTION_BYTES);
    this.#blocks = new Int32Array(this.#descriptions.bytes.buffer);
    this.#describe(messages.address);
  }

  /** A lane that is not used yet has one block; what comes out of it is left alone. */
  #describe(messages: number): void {
    const view = new DataView(this.#descriptions.bytes.buffer);
    for (let lane = 0; lane < LANES; lane++) {
      view.setBigUint64(lane * DESCRIPTION_BYTES, BigInt(messages + lane * LANE_BYTES), true);
      view.setInt32(lane * DESCRIPTION_BYTES + 8, 1, true);
    }
  }

  /** Forgets what an error may have left behind. */
  begin(): void {
    this.#used = 0;
  }

  /** Takes a message of at most `longest` bytes, whose digest the next full round or `flush` writes to `out[offset]`. */
  add(bytes: DataView, start: number, end: number, out: DataView, offset: number): void {
    const lane = this.#used++;
    const length = end - start;
    copyBytes(this.#messages, lane * LANE_BYTES, bytes, start, length);
    const padded = padMessage(this.#messages, lane * LANE_BYTES, length, length, BLOCK);
    this.#blocks[(lane * DESCRIPTION_BYTES + 8) / 4] = padded / BLOCK;
    this.#targets[lane] = offset;
    if (this.#used === LANES) this.flush(out);
  }

  flush(out: DataView): void {
    const state = this.#state;
    const used = this.#used;
    this.#used = 0;
    if (used === 0) return;
    for (let word = 0; word < state.length; word++) state[word] = this.#initial[word >> 3] ?? 0;
    this.#rounds(this.#stateAddress, this.#descriptions.address, 2);
    const words = this.#initial.length;
    for (let lane = 0; lane < used; lane++) {
      const target = this.#targets[lane] ?? 0;
      for (let word = 0; word < words; word++) out.setUint32(target + 4 * word, state[word * LANES + lane] ?? 0);
    }
  }
}
