/** Bytes of a stream that are not used up yet. What was handed out stays as it was: nothing is written over it. */
export class Held {
  #buffer = new Uint8Array(0);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#length));
      larger.set(this.bytes);
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = length;
  }

  /** Forgets the first bytes. */
  drop(count: number): void {
    if (count === 0) return;
    this.#buffer = this.#buffer.slice(count, this.#length);
    this.#length -= count;
  }
}
