import type { AppraiseMode } from '@assay/core/appraisal';
import { equalBytes } from '@assay/core/bytes';
import type { ControlState } from './contract.ts';

const MODES: readonly AppraiseMode[] = ['off', 'log', 'fix', 'enforce'];

const MODE = 0;
const PAUSED = 1;
/** How many updaters were installed since the start. */
const INSTALLED = 2;
const WORDS = 3;
/** The oldest gives way: nobody upgrades a package manager so often in one run. */
const SLOTS = 64;
const SHA256_SIZE = 32;
const WORD_SIZE = 4;

/**
 * Mode, pause and updaters that were installed since the start, as all threads of the engine see them: a change holds from
 * the next decision on. Verdicts in caches need not be dropped, since only accesses that pass in every mode are cached.
 */
export class EngineControl implements ControlState {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #digests: Uint8Array;

  /** @param memory of another one, in another thread */
  constructor(memory = new SharedArrayBuffer(WORDS * WORD_SIZE + SLOTS * SHA256_SIZE)) {
    this.memory = memory;
    this.#words = new Int32Array(memory, 0, WORDS);
    this.#digests = new Uint8Array(memory, WORDS * WORD_SIZE);
  }

  get mode(): AppraiseMode {
    return MODES[Atomics.load(this.#words, MODE)] ?? 'off';
  }

  set mode(mode: AppraiseMode) {
    Atomics.store(this.#words, MODE, MODES.indexOf(mode));
  }

  get paused(): boolean {
    return Atomics.load(this.#words, PAUSED) !== 0;
  }

  set paused(paused: boolean) {
    Atomics.store(this.#words, PAUSED, paused ? 1 : 0);
  }

  /** A slot that another thread writes at this moment equals nothing. */
  isNewUpdater(sha256: Uint8Array): boolean {
    const count = Math.min(Atomics.load(this.#words, INSTALLED), SLOTS);
    const slots = Array.from({ length: count }, (_, slot) => this.#slot(slot));
    return slots.some((slot) => equalBytes(slot, sha256));
  }

  addUpdater(sha256: Uint8Array): void {
    this.#slot(Atomics.add(this.#words, INSTALLED, 1) % SLOTS).set(sha256);
  }

  #slot(index: number): Uint8Array {
    return this.#digests.subarray(index * SHA256_SIZE, (index + 1) * SHA256_SIZE);
  }
}
