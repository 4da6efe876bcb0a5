import { digestText, entryKind, filenameHint, parseBinaryList } from '@assay/core/measurement';
import type { FleetMeasurement } from '@assay/wire';
import { entriesById } from '../store/entries.ts';
import { openFindingsAbout } from '../store/present.ts';
import type { Database, EntryRow } from '../store/schema.ts';
import type { Counted, EntryCount } from './prevalence.ts';

export interface MeasuredQuery {
  readonly limit: number;
  /** What the page before ended with. */
  readonly after: MeasuredCursor | undefined;
  /** A part of the path or of the digest, in lower case. */
  readonly text: string;
  /** No more hosts than these. */
  readonly most: number;
  readonly order: 'rare' | 'common';
}

export interface MeasuredCursor {
  readonly hosts: number;
  readonly entry: number;
}

interface Page {
  readonly measurements: FleetMeasurement[];
  readonly next: MeasuredCursor | null;
}

const BATCH = 500;
/** Entries that one request looks at: who searches for what is rare asks again. */
const LOOKED_MOST = 20_000;

/** A page of what runs in the fleet: files and buffers, each once with the number of hosts that have it. */
export async function measuredPage(db: Database, counted: Counted, query: MeasuredQuery): Promise<Page> {
  const wanted = orderedFrom(counted.rareFirst, query);
  const found: FleetMeasurement[] = [];
  let last: EntryCount | undefined;
  let looked = 0;
  while (found.length < query.limit && looked < Math.min(wanted.length, LOOKED_MOST)) {
    const batch = wanted.slice(looked, looked + BATCH);
    const rows = await entriesById(
      db,
      batch.map(({ entry }) => entry),
    );
    for (const count of batch) {
      if (found.length === query.limit) break;
      looked += 1;
      last = count;
      const measured = measuredOf(rows.get(count.entry), count);
      if (measured !== undefined && matches(measured, query.text)) found.push(measured);
    }
  }
  const next = last !== undefined && looked < wanted.length ? { hosts: last.hosts, entry: last.entry } : null;
  return { measurements: await withFindings(db, found), next };
}

function orderedFrom(rareFirst: readonly EntryCount[], { after, most, order }: MeasuredQuery): readonly EntryCount[] {
  const some = most === Infinity ? rareFirst : rareFirst.filter(({ hosts }) => hosts <= most);
  const ordered = order === 'rare' ? some : some.toReversed();
  if (after === undefined) return ordered;
  const sign = order === 'rare' ? 1 : -1;
  const isAfter = (count: EntryCount): boolean => sign * (count.hosts - after.hosts || after.entry - count.entry) > 0;
  const start = ordered.findIndex(isAfter);
  return start < 0 ? [] : ordered.slice(start);
}

/** Undefined for what is no file or buffer: boot_aggregate, the engine's records, violations. */
function measuredOf(row: EntryRow | undefined, count: EntryCount): FleetMeasurement | undefined {
  const [entry] = row === undefined ? [] : parseBinaryList(row.record, { bank: 'sha256' }).entries;
  if (entry === undefined) return undefined;
  const kind = entryKind(entry);
  if (kind !== 'file' && kind !== 'buffer') return undefined;
  return {
    digest: digestText(entry.fields.digest),
    path: filenameHint(entry.fields),
    template: entry.template,
    hosts: count.hosts,
    hostNames: [...count.some],
    firstSeen: new Date(count.firstSeen).toISOString(),
    findings: 0,
  };
}

function matches({ path, digest }: FleetMeasurement, text: string): boolean {
  return text === '' || path.toLowerCase().includes(text) || digest.includes(text);
}

async function withFindings(db: Database, measurements: readonly FleetMeasurement[]): Promise<FleetMeasurement[]> {
  const open = await openFindingsAbout(db, [...new Set(measurements.map(({ digest }) => digest))]);
  return measurements.map((each) => ({ ...each, findings: open.get(`${each.digest} ${each.path}`) ?? 0 }));
}
