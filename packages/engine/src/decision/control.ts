import type { AppraiseMode } from '@assay/core/appraisal';
import type { ControlState } from './contract.ts';

const MODES: readonly AppraiseMode[] = ['off', 'log', 'fix', 'enforce'];

const MODE = 0;
const PAUSED = 1;

/**
 * Mode and pause as all threads of the engine see them: a change holds from the next decision on. Verdicts in caches need
 * not be dropped, since only accesses that pass in every mode are cached.
 */
export class EngineControl implements ControlState {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;

  /** @param memory of another one, in another thread */
  constructor(memory = new SharedArrayBuffer(8)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
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
}
