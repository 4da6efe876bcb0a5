import { equalBytes } from '@assay/core/bytes';
import type { SentBefore } from '@assay/core/evidence';
import type { Kept } from '../hosts/kept.ts';
import { partsOf, type PartPlace } from '../store/list-parts.ts';
import type { Database } from '../store/schema.ts';

/** The parts of a list that wait for their quote, one after the other. */
export interface Waiting {
  readonly parts: readonly PartPlace[];
  readonly before: SentBefore;
}

export async function waitingParts(db: Database, host: string, kept: Kept | null): Promise<Waiting | null> {
  const parts = await partsOf(db, host);
  const [first, last] = [parts[0], parts.at(-1)];
  if (first === undefined || last === undefined) return null;
  const start = { entries: first.first - 1, bytes: first.byte_offset, pcr: first.start_pcr };
  const end = { entries: last.first - 1 + last.count, bytes: last.byte_offset + last.bytes, pcr: last.end_pcr };
  const atKept = parts.find((part) => part.first - 1 + part.count === kept?.state.entries)?.end_pcr;
  return { parts, before: { start, end, ...(atKept === undefined ? {} : { atKept }) } };
}

/** Whether the parts begin where the list of this host may go on: at its start, or where what is kept ends. */
export function mayContinue({ start }: SentBefore, kept: Kept | null): boolean {
  if (start.entries === 0) return true;
  return kept !== null && kept.state.entries === start.entries && equalBytes(kept.state.pcr, start.pcr);
}
