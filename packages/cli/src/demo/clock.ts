import { setTimeout as delay } from 'node:timers/promises';

const LOOK_MILLISECONDS = 200;

/** The time of a story, which may go faster than that of the world; it ends with a signal. */
export class StoryClock {
  readonly speed: number;
  readonly #signal: AbortSignal;

  constructor(speed: number, signal: AbortSignal) {
    this.speed = speed;
    this.#signal = signal;
  }

  /** @throws AbortError when the story is ended */
  async pass(seconds: number): Promise<void> {
    await delay((seconds * 1000) / this.speed, undefined, { signal: this.#signal });
  }

  /**
   * Waits, in the time of the world, until it holds.
   * @returns whether it did in that time
   * @throws AbortError when the story is ended
   */
  async until(holds: () => boolean | Promise<boolean>, limitSeconds: number): Promise<boolean> {
    for (const end = Date.now() + limitSeconds * 1000; Date.now() < end; ) {
      if (await holds()) return true;
      await delay(LOOK_MILLISECONDS, undefined, { signal: this.#signal });
    }
    return false;
  }
}
