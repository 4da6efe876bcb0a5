import { ByteReader, printable, toHex } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import type { ListRecord } from './measurement-records.ts';
import type { PublicKeys } from './public-keys.ts';
import { Failure, pathOf, type Run } from './run.ts';
import { verifyImaSignature } from './verify-ima.ts';

const SMALLEST_DIGEST = 20;
const LARGEST_DIGEST = 64;
const LONGEST_PATH = 4096;
const LONGEST_SIGNATURE = 1024;
const NO_BYTES = new Uint8Array(0);

interface Entry {
  /** `sha256:`, or `verity:sha256:`. */
  readonly algorithm: string;
  readonly digest: Uint8Array;
  readonly path: Uint8Array;
  readonly signature: Uint8Array;
  readonly buffer: Uint8Array;
  /** Bytes of further fields. */
  readonly unread: number;
}

/** Shows the entries of a list with -v, and checks the signatures in them; none of that decides the result. */
export class EntryCheck {
  readonly #run: Run;
  readonly #keys: PublicKeys;
  readonly #partlyRead = new Set<string>();

  constructor(run: Run, keys: PublicKeys) {
    this.#run = run;
    this.#keys = keys;
  }

  async check(record: ListRecord): Promise<void> {
    if (record.template === 'ima') {
      this.#showOld(record);
      return;
    }
    try {
      const entry = entryOf(record);
      this.#show(record, entry);
      if (entry.signature.length > 0) await this.#verify(entry);
      if (entry.unread > 0) this.#sayUnread(record.template, entry.unread);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.message !== '') this.#run.say(error.message);
    }
  }

  #showOld({ pcr, digest, template, data }: ListRecord): void {
    const name = data.subarray(SMALLEST_DIGEST);
    const path = printable(name.subarray(0, name.indexOf(0)));
    this.#run.detail(`${pcr} ${toHex(digest)} ${template} ${toHex(data.subarray(0, SMALLEST_DIGEST))} ${path}`);
  }

  #show({ pcr, digest, template }: ListRecord, entry: Entry): void {
    const head = `${pcr} ${toHex(digest)} ${template} ${entry.algorithm}${toHex(entry.digest)}`;
    const rest = [entry.buffer, entry.signature].flatMap((bytes) => (bytes.length === 0 ? [] : [` ${toHex(bytes)}`]));
    this.#run.detail(`${head} ${printable(entry.path)}${rest.join('')}`);
  }

  async #verify({ signature: raw, digest, path }: Entry): Promise<void> {
    const name = printable(path);
    const content = this.#run.settings.verifySignatures ? { digest } : { path: pathOf(Buffer.from(path).toString()) };
    await verifyImaSignature(this.#run, this.#keys, { raw, name, content });
    this.#run.detail(`${name}: verification is OK`);
  }

  #sayUnread(template: string, length: number): void {
    if (this.#partlyRead.has(template)) return;
    this.#partlyRead.add(template);
    this.#run.say(`Template "${template}" contains unprocessed data: ${length} bytes`);
  }
}

/** Digest and name, which most templates begin with, and what follows in those that evmctl knows. @throws Failure */
function entryOf({ template, data }: ListRecord): Entry {
  try {
    const reader = new ByteReader(data, template, { littleEndian: true });
    const { algorithm, digest } = digestField(template, reader.take(reader.u32('length'), 'digest'));
    const path = pathField(template, reader);
    const extra = ['ima-sig', 'ima-sigv2', 'ima-buf'].includes(template)
      ? reader.take(reader.u32('length'), 'third field')
      : NO_BYTES;
    const isBuffer = template === 'ima-buf';
    if (!isBuffer && extra.length > LONGEST_SIGNATURE) throw invalid(template, 'file signature size');
    const [signature, buffer] = isBuffer ? [NO_BYTES, extra] : [extra, NO_BYTES];
    return { algorithm, digest, path, signature, buffer, unread: reader.remaining };
  } catch (error) {
    if (error instanceof FormatError) throw invalid(template, 'template data');
    throw error;
  }
}

function digestField(template: string, field: Uint8Array): Pick<Entry, 'algorithm' | 'digest'> {
  const end = field.indexOf(0) + 1;
  const digest = field.subarray(end);
  const fits = end > 0 && digest.length >= SMALLEST_DIGEST && digest.length <= LARGEST_DIGEST;
  if (!fits) throw invalid(template, 'digest length');
  return { algorithm: printable(field.subarray(0, end - 1)), digest };
}

/** Without the zero at its end. */
function pathField(template: string, reader: ByteReader): Uint8Array {
  const length = reader.u32('length');
  if (length === 0 || length > LONGEST_PATH || length > reader.remaining) throw invalid(template, 'file pathname');
  const field = reader.take(length, 'name');
  const end = field.indexOf(0);
  return end < 0 ? field : field.subarray(0, end);
}

function invalid(template: string, what: string): Failure {
  return new Failure(`Template "${template}" invalid ${what}`);
}
