import { FormatError } from '../errors/index.ts';

/**
 * Reads one structure from front to back. Each read names its field, so that an error says
 * which field of which structure ended early, and at which offset.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  readonly #structure: string;
  #offset: number;

  /** @param structure name of what is read, for error messages. */
  constructor(bytes: Uint8Array, structure: string, options: { littleEndian?: boolean; offset?: number } = {}) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#structure = structure;
    this.#littleEndian = options.littleEndian ?? false;
    this.#offset = options.offset ?? 0;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.bytes.length - this.#offset;
  }

  u8(field: string): number {
    return this.#view.getUint8(this.#take(1, field));
  }

  u16(field: string): number {
    return this.#view.getUint16(this.#take(2, field), this.#littleEndian);
  }

  u32(field: string): number {
    return this.#view.getUint32(this.#take(4, field), this.#littleEndian);
  }

  u64(field: string): bigint {
    return this.#view.getBigUint64(this.#take(8, field), this.#littleEndian);
  }

  /** A view of the next `length` bytes; not a copy. */
  take(length: number, field: string): Uint8Array {
    const start = this.#take(length, field);
    return this.bytes.subarray(start, start + length);
  }

  /** A length that must not exceed `limit`, checked before anything is allocated for it. */
  length32(field: string, limit: number): number {
    return this.#limited(this.u32(field), field, limit);
  }

  /** @see length32 */
  length16(field: string, limit: number): number {
    return this.#limited(this.u16(field), field, limit);
  }

  /** Refuses bytes after the end of the structure. */
  end(): void {
    if (this.remaining > 0) {
      throw new FormatError(
        'BYTES-TRAILING',
        `${this.#structure}: ${this.remaining} bytes follow its end at offset ${this.#offset}`,
        { offset: this.#offset },
      );
    }
  }

  #limited(value: number, field: string, limit: number): number {
    if (value > limit) {
      throw new FormatError(
        'BYTES-LIMIT',
        `${this.#structure}: ${field || 'its size'} is ${value}, over its limit of ${limit}`,
        {
          offset: this.#offset,
          field,
        },
      );
    }
    return value;
  }

  #take(length: number, field: string): number {
    const start = this.#offset;
    if (length > this.bytes.length - start) {
      throw new FormatError(
        'BYTES-TRUNCATED',
        `${this.#structure}: ${field || 'it'} needs ${length} bytes at offset ${start}, ${this.remaining} are left`,
        { offset: start, field },
      );
    }
    this.#offset = start + length;
    return start;
  }
}
