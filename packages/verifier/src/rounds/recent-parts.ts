import { equalBytes } from '@assay/core/bytes';
import { parseBinaryList, type MeasurementEntry } from '@assay/core/measurement';
import type { ListPartQuery } from '@assay/wire';
import type { PartPlace } from '../store/list-parts.ts';

/** Of all hosts together. */
const BYTES_LIMIT = 64 * 1024 * 1024;

interface RecentPart {
  readonly place: PartPlace;
  readonly bank: ListPartQuery['bank'];
  readonly bytes: Uint8Array;
}

/**
 * Parts of lists as they came, until the quote that proves them: their entries are read from the store where another process
 * took them, or too many came since, which takes several times as long.
 */
export class RecentParts {
  readonly #parts = new Map<string, RecentPart>();
  readonly #limit: number;
  #bytes = 0;

  /** @param limit bytes that are kept */
  constructor(limit = BYTES_LIMIT) {
    this.#limit = limit;
  }

  /** @param bytes the whole records of the part, and what came after them */
  add(place: PartPlace, bank: RecentPart['bank'], bytes: Uint8Array): void {
    const key = keyOf(place);
    this.#remove(key);
    this.#parts.set(key, { place, bank, bytes: new Uint8Array(bytes.subarray(0, place.bytes)) });
    this.#bytes += place.bytes;
    for (const oldest of this.#parts.keys()) {
      if (this.#bytes <= this.#limit) return;
      this.#remove(oldest);
    }
  }

  /** The entries of a part that the store has, each at its place; undefined where they are not here. They are given once. */
  take(place: PartPlace): MeasurementEntry[] | undefined {
    const key = keyOf(place);
    const part = this.#parts.get(key);
    this.#remove(key);
    if (part === undefined || !isSame(part.place, place)) return undefined;
    const { bank, bytes } = part;
    return parseBinaryList(bytes, { bank, firstEntry: place.first, firstOffset: place.byte_offset }).entries;
  }

  #remove(key: string): void {
    this.#bytes -= this.#parts.get(key)?.bytes.length ?? 0;
    this.#parts.delete(key);
  }
}

function keyOf({ host, first }: PartPlace): string {
  return `${host} ${first}`;
}

/** The values of the PCR tell the content, but for what violations say; the time tells one part from another. */
function isSame(one: PartPlace, other: PartPlace): boolean {
  const samePcrs = equalBytes(one.start_pcr, other.start_pcr) && equalBytes(one.end_pcr, other.end_pcr);
  return samePcrs && one.upload === other.upload && one.received_at === other.received_at;
}
