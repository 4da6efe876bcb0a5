import { concat, fromHex } from '@assay/core/bytes';
import { parseBinaryList } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import type { SQLOutputValue } from 'node:sqlite';
import { z } from 'zod';
import { entryKeys } from '../entry-key.ts';
import { encodeIds } from '../ids.ts';

type SqlFunction = (...values: SQLOutputValue[]) => Uint8Array | null;

const OldQuote = z.object({ pcrs: z.record(z.string(), z.string()) });

/** What the steps that move data call. */
export const MIGRATION_FUNCTIONS: Readonly<Record<string, SqlFunction>> = {
  /** The key of the entry of one record of the binary list, in the SHA-256 bank. */
  entry_key: (record) => {
    if (!(record instanceof Uint8Array)) throw new TypeError('a record is no bytes');
    const [key] = entryKeys(nodeHasher, parseBinaryList(record, { bank: 'sha256' }).entries);
    if (key === undefined) throw new TypeError('a record is empty');
    return key;
  },
  encoded_id: (id) => encodeIds([Number(id)]),
  /** The values of PCR 0 to 10, one after the other. */
  quoted_pcrs: (quote) => {
    if (typeof quote !== 'string') return null;
    const { pcrs } = OldQuote.parse(JSON.parse(quote));
    const order = Object.entries(pcrs).toSorted(([a], [b]) => Number(a) - Number(b));
    return concat(order.map(([, value]) => fromHex(value)));
  },
};
