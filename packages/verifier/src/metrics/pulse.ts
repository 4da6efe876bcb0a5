/** How late the verifier's own periodic work is; a verifier whose loop stands still is no watch. */
export class Pulse {
  readonly #intervalMilliseconds: number;
  readonly #clock: () => number;
  #last: number;

  /** @param clock milliseconds that only go forward */
  constructor(intervalMilliseconds: number, clock: () => number = () => performance.now()) {
    this.#intervalMilliseconds = intervalMilliseconds;
    this.#clock = clock;
    this.#last = clock();
  }

  /** The work was done. */
  beat(): void {
    this.#last = this.#clock();
  }

  /** Seconds beyond the interval since it was last done; 0 while it is in time. */
  lateSeconds(): number {
    return Math.max(0, this.#clock() - this.#last - this.#intervalMilliseconds) / 1000;
  }
}
