import { concat, toHex, utf8 } from '../bytes/index.ts';
import { AssayError, FormatError, VerificationError } from '../errors/index.ts';
import { FIELDS, record, text, whole } from './fields.ts';
import { parseEnvelope, type EnvelopeSignature } from './envelope.ts';
import { parseHeader, type BaselineHeader } from './header.ts';
import { parseObject, type BaselineObject } from './object.ts';
import { comparePaths } from './path.ts';

/** A digest that is fed, such as `createHash` of node:crypto gives. */
export interface RunningHash {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

/** A whole baseline that was read and whose end fits it. Whoever could write the file could write all of it. */
export interface ParsedBaseline {
  readonly header: BaselineHeader;
  readonly objects: number;
  /** `sha256:` and the digest of all lines before the end, in hexadecimal. */
  readonly digest: string;
  /** The line of the end, which is what signatures are over. */
  readonly endLine: Uint8Array;
  /** None where it is not signed. */
  readonly signatures: readonly EnvelopeSignature[];
}

/** Line of a file with 32,768 attributes, the most that fit into XATTR_LIST_MAX, and some more. */
const LONGEST_LINE = 32 * 1024 * 1024;
const MOST_OBJECTS = 100_000_000;
const LINE_END = 0x0a;
const END_BEGINS = '{"objects":';

/** The line of the end, without its own end. */
export function encodeEnd(objects: number, digest: Uint8Array): string {
  return JSON.stringify({ objects, digest: `sha256:${toHex(digest)}` });
}

/** Reads a baseline as its bytes come, and keeps one line of it. */
export class BaselineReader {
  readonly #hash: RunningHash;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #rest: Uint8Array = new Uint8Array(0);
  #line = 0;
  #objects = 0;
  #last = '';
  #header: BaselineHeader | undefined;
  #end: { readonly line: Uint8Array; readonly digest: string } | undefined;
  #signatures: readonly EnvelopeSignature[] | undefined;

  /** @param hash of SHA-256 */
  constructor(hash: RunningHash) {
    this.#hash = hash;
  }

  /** The first line, once it was read. */
  get header(): BaselineHeader | undefined {
    return this.#header;
  }

  /**
   * The objects of the next bytes.
   * @throws FormatError BASELINE-FORM, BYTES-LIMIT and others with the line; VerificationError BASELINE-DIGEST
   */
  *push(chunk: Uint8Array): Generator<BaselineObject> {
    const bytes = this.#rest.length === 0 ? chunk : concat([this.#rest, chunk]);
    let from = 0;
    for (let at = bytes.indexOf(LINE_END); at >= 0; at = bytes.indexOf(LINE_END, from)) {
      const object = this.#placed(() => this.#take(bytes.subarray(from, at + 1)));
      from = at + 1;
      if (object !== undefined) yield object;
    }
    this.#rest = Uint8Array.from(bytes.subarray(from)); // The caller may use its memory again.
    if (this.#rest.length > LONGEST_LINE) {
      throw new FormatError('BYTES-LIMIT', `a line is longer than ${LONGEST_LINE} bytes`, { line: this.#line + 1 });
    }
  }

  /** To be called after the last bytes. @throws FormatError BASELINE-FORM where the end is missing */
  finish(): ParsedBaseline {
    if (this.#header === undefined || this.#end === undefined || this.#rest.length > 0) {
      throw new FormatError('BASELINE-FORM', 'the baseline is cut off', { line: this.#line + 1 });
    }
    const { line: endLine, digest } = this.#end;
    return { header: this.#header, objects: this.#objects, digest, endLine, signatures: this.#signatures ?? [] };
  }

  #take(bytes: Uint8Array): BaselineObject | undefined {
    this.#line += 1;
    const line = this.#decoded(bytes.subarray(0, -1));
    if (this.#end !== undefined) this.#envelope(line, this.#end.line);
    else if (line.startsWith(END_BEGINS)) this.#finished(line);
    else {
      this.#hash.update(bytes);
      if (this.#header !== undefined) return this.#object(line);
      this.#header = parseHeader(line);
    }
    return undefined;
  }

  #decoded(bytes: Uint8Array): string {
    try {
      return this.#decoder.decode(bytes);
    } catch {
      throw new FormatError('BASELINE-FORM', 'a line is not UTF-8');
    }
  }

  #object(line: string): BaselineObject {
    const object = parseObject(line);
    if (this.#objects > 0 && comparePaths(this.#last, object.path) >= 0) {
      throw new FormatError('BASELINE-FORM', 'paths are not in ascending order');
    }
    if (object.sameAs !== undefined && comparePaths(object.sameAs, object.path) >= 0) {
      throw new FormatError('BASELINE-FORM', 'sameAs names no path before its own');
    }
    this.#last = object.path;
    this.#objects += 1;
    if (this.#objects > MOST_OBJECTS) throw new FormatError('BYTES-LIMIT', `there are over ${MOST_OBJECTS} objects`);
    return object;
  }

  #finished(line: string): void {
    const fields = record(line);
    const objects = whole(fields, 'objects');
    const digest = text(fields, 'digest', FIELDS.digest);
    const computed = `sha256:${toHex(this.#hash.digest())}`;
    if (line !== JSON.stringify({ objects, digest })) {
      throw new FormatError('BASELINE-FORM', 'the end is not in the one form that is written');
    }
    if (objects !== this.#objects || digest !== computed) {
      throw new VerificationError('BASELINE-DIGEST', 'the end of the baseline is that of another content');
    }
    this.#end = { line: utf8(line), digest };
  }

  #envelope(line: string, end: Uint8Array): void {
    if (this.#signatures !== undefined) throw new FormatError('BASELINE-FORM', 'a line follows the signature');
    this.#signatures = parseEnvelope(line, end);
  }

  #placed<T>(work: () => T): T {
    const place = { line: this.#line + 1 };
    try {
      return work();
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      const message = `line ${place.line}: ${error.message}`;
      if (error instanceof FormatError) throw new FormatError(error.code, message, place);
      if (error instanceof VerificationError) throw new VerificationError(error.code, message, place);
      throw error;
    }
  }
}
