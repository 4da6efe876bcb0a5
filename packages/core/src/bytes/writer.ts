/** Builds one structure; integers are big-endian unless told otherwise. */
export class ByteWriter {
  readonly #parts: Uint8Array[] = [];
  readonly #littleEndian: boolean;
  #length = 0;

  constructor(options: { littleEndian?: boolean } = {}) {
    this.#littleEndian = options.littleEndian ?? false;
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    return this.bytes(Uint8Array.of(value));
  }

  u16(value: number): this {
    const part = new Uint8Array(2);
    new DataView(part.buffer).setUint16(0, value, this.#littleEndian);
    return this.bytes(part);
  }

  u32(value: number): this {
    const part = new Uint8Array(4);
    new DataView(part.buffer).setUint32(0, value, this.#littleEndian);
    return this.bytes(part);
  }

  u64(value: bigint): this {
    const part = new Uint8Array(8);
    new DataView(part.buffer).setBigUint64(0, value, this.#littleEndian);
    return this.bytes(part);
  }

  bytes(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }

  finish(): Uint8Array<ArrayBuffer> {
    return concat(this.#parts);
  }
}

/** One array of all parts, in order. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
