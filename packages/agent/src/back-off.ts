/** Waiting times that double up to a limit, each times a random number from 0.5 to 1.5: a fleet does not come back all at once. */
export class BackOff {
  readonly #first: number;
  readonly #last: number;
  #next: number;

  /** @param first and `last` in milliseconds */
  constructor(first: number, last: number) {
    this.#first = first;
    this.#last = last;
    this.#next = first;
  }

  next(): number {
    const milliseconds = Math.round(this.#next * (0.5 + Math.random()));
    this.#next = Math.min(this.#next * 2, this.#last);
    return milliseconds;
  }

  reset(): void {
    this.#next = this.#first;
  }
}
