import { FormatError } from '@assay/core/errors';

export type ByteSource = AsyncIterable<Uint8Array>;

/** Reads pieces of given lengths from a source that gives pieces of any length. */
export class SourceReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  #read = 0;

  constructor(source: ByteSource) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** Bytes that were taken so far. */
  get offset(): number {
    return this.#read;
  }

  /** Exactly so many bytes; fewer only at the end of the source. */
  async take(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let missing = length;
    for await (const part of this.pieces(length)) {
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts, length - missing);
  }

  /** The next bytes as they come. */
  async *pieces(length: number): AsyncGenerator<Uint8Array> {
    let missing = length;
    while (missing > 0) {
      if (this.#rest.length === 0 && !(await this.#fill())) return;
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      this.#read += part.length;
      missing -= part.length;
      yield part;
    }
  }

  /** @throws FormatError ARCHIVE-FORM where the source ends before */
  async exactly(length: number, what: string): Promise<Uint8Array> {
    const bytes = await this.take(length);
    if (bytes.length === length) return bytes;
    throw new FormatError('ARCHIVE-FORM', `the archive ends in ${what}`);
  }

  /** All that is left. */
  async *remaining(): AsyncGenerator<Uint8Array> {
    if (this.#rest.length > 0) yield this.#rest;
    this.#rest = new Uint8Array(0);
    for (let next = await this.#chunks.next(); next.done !== true; next = await this.#chunks.next()) yield next.value;
  }

  /** The next bytes, which stay. */
  async peek(length: number): Promise<Uint8Array> {
    const head = await this.take(length);
    this.#rest = Buffer.concat([head, this.#rest]);
    this.#read -= head.length;
    return head;
  }

  async #fill(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done === true) return false;
    this.#rest = next.value;
    return true;
  }
}
