import { printable, utf8 } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import { bootAggregate, ENGINE_RECORDS, type EntryFields } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import manifest from '../package.json' with { type: 'json' };
import type { EngineTpm } from './engine-tpm.ts';

/** PCR of IMA's entries (CONFIG_IMA_MEASURE_PCR_IDX, default). */
export const IMA_PCR = 10;

/** An entry before it has its digests and its place in the list. */
export interface EntryDraft {
  /** Name, or the format of a custom template. */
  readonly template: string;
  readonly fields: EntryFields;
  /** Left out: {@link IMA_PCR}. */
  readonly pcr?: number;
  /** Recorded as zeros and extended as 0xff bytes. */
  readonly violation?: boolean;
}

/** First entry of a boot; of the bank that the kernel would choose (ima_crypto.c, ima_calc_boot_aggregate). */
export async function bootAggregateDraft(tpm: EngineTpm, banks: readonly HashName[]): Promise<EntryDraft> {
  const algorithm = banks.find((bank) => bank === 'sha256') ?? banks.find((bank) => bank === 'sha1') ?? firstOf(banks);
  const values = await tpm.readPcrs(algorithm, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const value = bootAggregate(nodeHasher, algorithm, values);
  return { template: 'ima-ng', fields: { digest: { algorithm, value }, name: utf8('boot_aggregate') } };
}

export function fileDraft(path: Uint8Array, sha256: Uint8Array): EntryDraft {
  return { template: 'ima-ng', fields: { digest: { algorithm: 'sha256', value: sha256 }, name: kernelName(path) } };
}

/** As the kernel writes names: blanks become `_`, all other bytes stay (ima_template_lib.c, ima_write_template_field_data). */
export function kernelName(path: Uint8Array): Uint8Array {
  return path.map((byte) => (byte === 0x20 ? 0x5f : byte));
}

type RecordValue = string | number | Uint8Array;

/**
 * What the engine says of itself in the list: `ima-buf`, whose buffer is `key=value;` for each pair. In values `;`, `%`,
 * and all but printable ASCII are percent-encoded. Version and time (RFC 3339, UTC) come first.
 */
export function recordDraft(
  kind: keyof typeof ENGINE_RECORDS,
  pairs: readonly (readonly [string, RecordValue])[],
): EntryDraft {
  const all = [['version', manifest.version], ['time', new Date().toISOString()], ...pairs] as const;
  const buffer = encodePairs(all);
  const digest = { algorithm: 'sha256', value: nodeHasher.digest('sha256', buffer) } as const;
  return { template: 'ima-buf', fields: { digest, name: utf8(ENGINE_RECORDS[kind]), buffer } };
}

/** `key=value;` for each pair. */
export function encodePairs(pairs: readonly (readonly [string, RecordValue])[]): Uint8Array {
  return utf8(pairs.map(([key, value]) => `${key}=${encodeValue(value)};`).join(''));
}

function encodeValue(value: RecordValue): string {
  const text = value instanceof Uint8Array ? printable(value) : String(value);
  return text.toWellFormed().replace(/[^\x20-\x7e]|[;%]/gu, encodeURIComponent);
}

function firstOf(banks: readonly HashName[]): HashName {
  const [first] = banks;
  if (first === undefined) throw new RangeError('no bank');
  return first;
}
