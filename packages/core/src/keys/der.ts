import { ByteWriter, concat } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';

/** Tags of X.690 that keys, certificates and signatures use. */
export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** Context tag, constructed. */
  context: (number: number) => 0xa0 | number,
} as const;

const LONGEST_LENGTH_BYTES = 3;

/** Reads elements of DER one after another: one-byte tags, definite and shortest lengths (X.690 section 10.1). */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #structure: string;
  #offset = 0;

  /** @param structure name of what is read, for error messages. */
  constructor(bytes: Uint8Array, structure: string) {
    this.#bytes = bytes;
    this.#structure = structure;
  }

  get nextTag(): number | undefined {
    return this.#bytes[this.#offset];
  }

  /** Content of the next element, which must have this tag. @throws FormatError DER-FORM */
  read(tag: number, field: string): Uint8Array {
    if (this.nextTag !== tag) throw this.#refuse(`${field} is missing or of another type`);
    this.#offset += 1;
    const length = this.#length(field);
    if (length > this.#bytes.length - this.#offset) throw this.#refuse(`${field} is longer than what is left`);
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }

  /** The next element whole, with its tag and length. @throws FormatError DER-FORM */
  element(tag: number, field: string): Uint8Array {
    const start = this.#offset;
    this.read(tag, field);
    return this.#bytes.subarray(start, this.#offset);
  }

  /** Elements inside the next one. @throws FormatError DER-FORM */
  enter(tag: number, field: string): DerReader {
    return new DerReader(this.read(tag, field), `${this.#structure}, ${field}`);
  }

  /** An INTEGER that is not negative, without its sign byte. @throws FormatError DER-FORM */
  unsigned(field: string): Uint8Array {
    const content = this.read(DER.integer, field);
    const [first, second] = content;
    if (first === undefined || first >= 0x80) throw this.#refuse(`${field} is empty or negative`);
    if (first !== 0 || content.length === 1) return content;
    if ((second ?? 0) < 0x80) throw this.#refuse(`${field} has zeros in front`);
    return content.subarray(1);
  }

  /** Refuses elements that follow. @throws FormatError DER-FORM */
  end(): void {
    if (this.nextTag !== undefined) throw this.#refuse('more follows than belongs there');
  }

  #length(field: string): number {
    const first = this.#byte(field);
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0 || count > LONGEST_LENGTH_BYTES) throw this.#refuse(`${field} has an indefinite or absurd length`);
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + this.#byte(field);
    if (length < 0x80 || length < 256 ** (count - 1)) throw this.#refuse(`the length of ${field} is not the shortest`);
    return length;
  }

  #byte(field: string): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw this.#refuse(`${field} ends in its length`);
    this.#offset += 1;
    return byte;
  }

  #refuse(reason: string): FormatError {
    const message = `${this.#structure}: ${reason}, at offset ${this.#offset}`;
    return new FormatError('DER-FORM', message, { offset: this.#offset });
  }
}

/** One element around the concatenated parts. */
export function derElement(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = concat(parts);
  const { length } = content;
  const writer = new ByteWriter().u8(tag);
  if (length < 0x80) writer.u8(length);
  else if (length < 0x100) writer.u8(0x81).u8(length);
  else writer.u8(0x82).u16(length);
  return writer.bytes(content).finish();
}

/** INTEGER of a big-endian value that is not negative. */
export function derUnsigned(value: Uint8Array): Uint8Array<ArrayBuffer> {
  const start = value.findIndex((byte) => byte !== 0);
  const digits = start < 0 ? Uint8Array.of(0) : value.subarray(start);
  return derElement(DER.integer, ...((digits[0] ?? 0) >= 0x80 ? [Uint8Array.of(0), digits] : [digits]));
}
