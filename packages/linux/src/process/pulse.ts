import { Pinned, writeAt } from '../libc/index.ts';

/** Tells by a byte on a descriptor that a thread is alive. A descriptor that must not block. */
export class Pulse {
  readonly #fd: number;
  readonly #byte = new Pinned(1);

  /** @param value of the byte */
  constructor(fd: number, value = 0) {
    this.#fd = fd;
    this.#byte.bytes[0] = value;
  }

  /** Where it cannot be written, because nobody reads or listens any more, nothing happens. */
  beat(): void {
    writeAt(this.#fd, this.#byte.address, 1);
  }
}
