import { concat, toHex } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import {
  digestText,
  encodeBinaryEntry,
  filenameHint,
  parseBinaryList,
  templateDigest,
  type MeasurementEntry,
} from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import type { Judgement } from '@assay/core/verdict';
import type { MeasurementRow } from '../store/schema.ts';

/** Records are stored in the bank that is quoted, whatever bank the host listed them in. */
const BANK: HashName = 'sha256';

/** Rows of entries that were verified: their recorded digests were compared with their data. */
export function rowsOf(
  entries: readonly MeasurementEntry[],
  judgements: readonly Judgement[],
  place: { boot: number; receivedAt: string },
): MeasurementRow[] {
  const statuses = new Map(judgements.map(({ number, status }) => [number, status]));
  return entries.map((entry) => {
    const digest = recordedDigest(entry);
    return {
      boot: place.boot,
      entry: entry.number,
      pcr: entry.pcr,
      template: entry.template,
      template_digest: `${BANK}:${toHex(digest)}`,
      digest: digestText(entry.fields.digest),
      filename_hint: filenameHint(entry.fields),
      status: statuses.get(entry.number) ?? 'unjudged',
      record: encodeBinaryEntry({ ...entry, templateDigest: digest }),
      received_at: place.receivedAt,
    };
  });
}

function recordedDigest(entry: MeasurementEntry): Uint8Array {
  return entry.violation ? new Uint8Array(32) : templateDigest(nodeHasher, BANK, entry);
}

/** The entries of stored rows of one boot, from its first. */
export function entriesOf(rows: readonly MeasurementRow[]): MeasurementEntry[] {
  return parseBinaryList(concat(rows.map((row) => row.record)), { bank: BANK }).entries;
}
