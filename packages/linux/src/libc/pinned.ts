import { address } from 'koffi';

/** Memory for C: its address stays, because the buffer is never handed to anything that could detach it. */
export class Pinned {
  readonly bytes: Buffer;
  /** koffi passes an address that is a number faster than a buffer or a bigint, and copies nothing. */
  readonly address: number;

  /** @throws RangeError for an address that a number cannot hold */
  constructor(size: number) {
    const memory = new ArrayBuffer(size);
    this.bytes = Buffer.from(memory);
    this.address = Number(address(memory));
    if (!Number.isSafeInteger(this.address)) throw new RangeError('an address does not fit into a number');
  }

  /** A text that ends with a zero. */
  static text(text: string): Pinned {
    const bytes = Buffer.from(`${text}\0`);
    const pinned = new Pinned(bytes.length);
    pinned.bytes.set(bytes);
    return pinned;
  }
}
