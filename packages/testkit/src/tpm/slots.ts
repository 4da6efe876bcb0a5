import { Refusal } from './refusal.ts';

/** Room for three loaded things, as swtpm has it for objects and for sessions. */
export class Slots<T> {
  static readonly COUNT = 3;
  readonly #firstHandle: number;
  readonly #whenFull: number;
  readonly #things: (T | undefined)[] = Array.from({ length: Slots.COUNT }, () => undefined);

  /** @param whenFull response code where no slot is free */
  constructor(firstHandle: number, whenFull: number) {
    this.#firstHandle = firstHandle;
    this.#whenFull = whenFull;
  }

  /** The handle. */
  add(thing: T): number {
    const slot = this.#things.indexOf(undefined);
    if (slot < 0) throw new Refusal(this.#whenFull);
    this.#things[slot] = thing;
    return this.#firstHandle + slot;
  }

  get(handle: number): T | undefined {
    return this.#things[handle - this.#firstHandle];
  }

  /** False where there was nothing. */
  remove(handle: number): boolean {
    if (this.get(handle) === undefined) return false;
    this.#things[handle - this.#firstHandle] = undefined;
    return true;
  }

  /** Refuses before work is done for which there is no room. */
  requireRoom(): void {
    if (!this.#things.includes(undefined)) throw new Refusal(this.#whenFull);
  }
}
