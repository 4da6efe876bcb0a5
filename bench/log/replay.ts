// The replay of a binary list in two steps: template digests, which any core can compute, and the chain of the PCRs.
import type { HashName, InPlaceHash } from '@assay/core/hash';

const PCRS = 24;
/** pcr, template digest, length of the name, length of the data */
const SMALLEST_RECORD = 4 + 20 + 4 + 4;
const NAME_LIMIT = 255;
const DATA_LIMIT = 512 * 1024;

/** The bank in which the list records its template digests comes first. */
export type Banks = readonly { readonly name: HashName; readonly hash: InPlaceHash }[];

export interface Replayed {
  readonly entries: number;
  /** PCR 10 by bank, in hex. */
  readonly pcrs: Readonly<Record<string, string>>;
}

/** What bench/log/program.ts prints. */
export interface Outcome extends Replayed {
  /** The replay without the start of Node; the start of a worker is in it. */
  readonly milliseconds: number;
  /** How long entries took that came after the replay. */
  readonly moreMilliseconds?: number;
}

/** Bytes that `extendValues` writes for one entry: the PCR, and what is extended in each bank. */
export function stride(banks: Banks): number {
  return banks.reduce((sum, { hash }) => sum + hash.size, 4);
}

/** How many entries fit into `bytes` of a list at most. */
export function mostEntries(bytes: number): number {
  return Math.floor(bytes / SMALLEST_RECORD);
}

/**
 * Length of the record at `at`, with the SHA-1 digests of a list without a suffix; 0 when it is not whole.
 * @throws RangeError over a limit
 */
export function recordLength(list: DataView, at: number, end: number): number {
  if (at + SMALLEST_RECORD > end) return 0;
  const name = list.getUint32(at + 24, true);
  if (name > NAME_LIMIT) throw new RangeError(`a template name of ${name} bytes`);
  const afterName = at + 28 + name;
  if (afterName + 4 > end) return 0;
  const data = list.getUint32(afterName, true);
  if (data > DATA_LIMIT) throw new RangeError(`template data of ${data} bytes`);
  return afterName + 4 + data > end ? 0 : 32 + name + data;
}

/**
 * Recomputes the template digests of the whole records in `list[0, end)` and compares those that the list records.
 * Writes for each entry its PCR and what is extended: the digest in each bank, or 0xff bytes for a violation.
 */
export function extendValues(
  list: DataView,
  end: number,
  banks: Banks,
  out: DataView,
): { entries: number; consumed: number } {
  let at = 0;
  let to = 0;
  let entries = 0;
  for (let length = recordLength(list, at, end); length > 0; length = recordLength(list, at, end)) {
    const pcr = list.getUint32(at, true);
    if (pcr >= PCRS) throw new RangeError(`PCR ${pcr}`);
    out.setUint32(to, pcr);
    to = entryValues(list, at, length, banks, out, to + 4);
    at += length;
    entries++;
  }
  return { entries, consumed: at };
}

function entryValues(list: DataView, at: number, length: number, banks: Banks, out: DataView, first: number): number {
  const violation = isZero(list, at + 4);
  const data = at + 32 + list.getUint32(at + 24, true);
  let to = first;
  for (const { hash } of banks) {
    if (violation) for (let index = 0; index < hash.size; index++) out.setUint8(to + index, 0xff);
    else hash.into(list, data, at + length, out, to);
    to += hash.size;
  }
  if (!violation && !isSame(list, at + 4, out, first)) throw new Error('a template digest is not that of its data');
  return to;
}

function isZero(list: DataView, at: number): boolean {
  for (let index = 0; index < 20; index += 4) if (list.getUint32(at + index) !== 0) return false;
  return true;
}

function isSame(list: DataView, at: number, out: DataView, to: number): boolean {
  for (let index = 0; index < 20; index += 4) {
    if (list.getUint32(at + index) !== out.getUint32(to + index)) return false;
  }
  return true;
}

/** The PCRs of some banks, from zero on. */
export class PcrChain {
  readonly #banks: readonly { readonly name: HashName; readonly hash: InPlaceHash; readonly values: DataView }[];

  constructor(banks: Banks) {
    this.#banks = banks.map(({ name, hash }) => {
      return { name, hash, values: new DataView(new ArrayBuffer(PCRS * hash.size)) };
    });
  }

  /** Extends what `extendValues` wrote. */
  extend(by: DataView, entries: number): void {
    let from = 0;
    for (let entry = 0; entry < entries; entry++) {
      const pcr = by.getUint32(from);
      from += 4;
      for (const { hash, values } of this.#banks) {
        hash.extend(values, pcr * hash.size, by, from);
        from += hash.size;
      }
    }
  }

  /** PCR values by bank, in hex. */
  values(pcr: number): Record<string, string> {
    return Object.fromEntries(
      this.#banks.map(({ name, hash, values }) => {
        return [name, Buffer.from(values.buffer, pcr * hash.size, hash.size).toString('hex')];
      }),
    );
  }
}
