import { concat, toHex } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import {
  digestText,
  encodeBinaryEntries,
  filenameHint,
  parseBinaryList,
  templateDigest,
  type MeasurementEntry,
} from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { judgeEntries, type JudgeContext, type Judgement } from '@assay/core/verdict';
import type { Measurement } from '@assay/wire';
import type { Context } from '../context.ts';
import type { HostState } from '../hosts/facts.ts';
import { keptOf, type Kept } from '../hosts/kept.ts';
import { entryKeys } from '../store/entry-key.ts';
import type { NewEntry } from '../store/intern.ts';
import { listOf, type ListedRow } from '../store/lists.ts';
import type { Database, HostRow } from '../store/schema.ts';

/** Records are stored in the bank that is quoted, whatever bank the host listed them in. */
const BANK: HashName = 'sha256';

/** What is stored of entries that were verified: their recorded digests were compared with their data. */
export function newEntries(entries: readonly MeasurementEntry[]): NewEntry[] {
  const stored = entries.map((entry) => {
    const digest = quotedDigest(entry);
    return digest === entry.templateDigest ? entry : { ...entry, templateDigest: digest };
  });
  const keys = entryKeys(nodeHasher, stored);
  const batches = Array.from(
    { length: Math.ceil(stored.length / BATCH) },
    (_, index) => new Records(stored.slice(index * BATCH, (index + 1) * BATCH)),
  );
  return keys.map((key, index) => new StoredEntry(key, batches[Math.floor(index / BATCH)] ?? NONE, index % BATCH));
}

/** Records that are made together, in one piece of memory. */
const BATCH = 1024;

/** Made when the first of them is stored: most entries of most lists are known. */
class Records {
  readonly #entries: readonly MeasurementEntry[];
  #records: readonly Uint8Array[] | undefined;

  constructor(entries: readonly MeasurementEntry[]) {
    this.#entries = entries;
  }

  at(index: number): Uint8Array {
    this.#records ??= encodeBinaryEntries(this.#entries);
    const record = this.#records[index];
    if (record === undefined) throw new RangeError(`there is no entry ${index}`);
    return record;
  }
}

const NONE = new Records([]);

class StoredEntry implements NewEntry {
  readonly key: Uint8Array;
  readonly #records: Records;
  readonly #index: number;

  constructor(key: Uint8Array, records: Records, index: number) {
    this.key = key;
    this.#records = records;
    this.#index = index;
  }

  get record(): Uint8Array {
    return this.#records.at(this.#index);
  }
}

function quotedDigest(entry: MeasurementEntry): Uint8Array {
  if (entry.violation) return new Uint8Array(32);
  return entry.templateDigest.length === 32 ? entry.templateDigest : templateDigest(nodeHasher, BANK, entry);
}

/** The entries of stored rows, each at its place. */
export function entriesOf(rows: readonly ListedRow[]): MeasurementEntry[] {
  const [first] = rows;
  if (first === undefined) return [];
  return parseBinaryList(concat(rows.map((row) => row.record)), { bank: BANK, firstEntry: first.number }).entries;
}

/** Judged as the host's active reference values and its newest quote say. */
export async function judged(
  db: Database,
  context: Pick<Context, 'references' | 'now'>,
  host: HostRow,
  bootPcrs: Kept['pcrs'],
  entries: readonly MeasurementEntry[],
): Promise<Judgement[]> {
  if (entries.length === 0) return [];
  const reference = await context.references.of(db, host);
  return judgeEntries(entries, { host: host.name, reference, bootPcrs, hasher: nodeHasher, at: context.now() });
}

/** The list of a boot, or its beginning, and what its entries are judged by. */
export interface JudgedList extends Omit<JudgeContext, 'hasher'> {
  readonly boot: number;
  /** Entries that it has. */
  readonly total: number;
}

/** The list of the present boot of a host, judged by what is in force now; null before its first evidence. */
export async function presentList(
  db: Database,
  context: Pick<Context, 'references' | 'now'>,
  { host, boot, round }: Pick<HostState, 'host' | 'boot' | 'round'>,
): Promise<JudgedList | null> {
  if (boot === null) return null;
  return {
    host: host.name,
    boot: boot.id,
    total: boot.entries,
    reference: await context.references.of(db, host),
    bootPcrs: keptOf(round)?.pcrs ?? new Map(),
    at: context.now(),
  };
}

/** A part of a list, as it is shown. @param from place of its first entry, `to` of its last */
export async function measurements(
  db: Database,
  { boot, ...judging }: JudgedList,
  part: { readonly from: number; readonly to: number },
): Promise<Measurement[]> {
  const rows = await listOf(db, boot, part.from, part.to);
  const entries = entriesOf(rows);
  const judgements = judgeEntries(entries, { ...judging, hasher: nodeHasher });
  return entries.map((entry, index) =>
    measurementOf(entry, judgements[index]?.status ?? 'unjudged', rows[index]?.receivedAt ?? ''),
  );
}

function measurementOf(entry: MeasurementEntry, status: Measurement['status'], receivedAt: string): Measurement {
  return {
    entry: entry.number,
    pcr: entry.pcr,
    template: entry.template,
    templateDigest: `${BANK}:${toHex(entry.templateDigest)}`,
    digest: digestText(entry.fields.digest),
    filenameHint: filenameHint(entry.fields),
    status,
    receivedAt,
  };
}
