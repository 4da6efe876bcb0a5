/** Room for a record beyond what is asked for, so that pieces of one size fit where one has been. */
const ROOM = 4096;

/** Bytes of a stream that are not used up yet. */
export class Held {
  #buffer = new Uint8Array(0);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(length + ROOM, 2 * this.#length));
      larger.set(this.bytes);
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = length;
  }

  /** Forgets the first bytes, whose memory is used again. */
  shift(count: number): void {
    this.#buffer.copyWithin(0, count, this.#length);
    this.#length -= count;
  }

  /** Forgets the first bytes, which stay as they are for whoever has them. */
  drop(count: number): void {
    if (count === 0) return;
    this.#buffer = this.#buffer.slice(count, this.#length);
    this.#length -= count;
  }
}
