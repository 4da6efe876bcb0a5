/** Remembers that something happened until somebody waits for it; many happenings before a wait are one. */
export class Wakeup {
  #pending = false;
  #wake: (() => void) | null = null;

  notify(): void {
    this.#pending = true;
    this.#wake?.();
  }

  /** Resolves when notified (or already notified), after `milliseconds`, or when aborted. */
  async wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (!this.#pending && !signal.aborted) await this.#sleep(milliseconds, signal);
    this.#pending = false;
  }

  #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal.addEventListener('abort', done);
      this.#wake = done;
    });
  }
}

/** Waits; sooner when aborted. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await new Wakeup().wait(milliseconds, signal);
}
