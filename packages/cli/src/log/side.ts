import { FormatError, SystemError } from '@assay/core/errors';
import { digestText, entryKind, fieldsOf, filenameHint, type MeasurementEntry } from '@assay/core/measurement';
import { MeasurementList, route, ROUTES, type Measurement } from '@assay/wire';
import { reader, type ConnectOptions } from '../connect.ts';
import { listEntries, withList, type ListOptions } from '../list-file.ts';
import { Progress } from '../output/progress.ts';

/** An entry as it is compared: the digest of a violation is empty. */
export interface Item {
  readonly kind: Comparable;
  readonly name: string;
  readonly digest: string;
}

/** What can be told of an entry that a verifier keeps. */
export type Comparable = 'file' | 'buffer' | 'violation' | 'boot-aggregate';

/** One of two lists that are compared. */
export interface Side {
  readonly source: string;
  readonly entries: number;
  /** Different ones, as often as they occur. */
  readonly items: ReadonlyMap<string, Item>;
}

/** Different entries of one side: they are held in memory. */
const LIMIT = 1_000_000;

class Collected {
  readonly items = new Map<string, Item>();
  readonly #source: string;
  entries = 0;

  constructor(source: string) {
    this.#source = source;
  }

  add(item: Item): void {
    this.entries++;
    if (this.items.size >= LIMIT) {
      throw new FormatError('LIST-DIFFERENT', `${this.#source} has over ${LIMIT} different entries`);
    }
    this.items.set(itemKey(item), item);
  }
}

export function itemKey({ kind, name, digest }: Item): string {
  return `${kind}\0${digest}\0${name}`;
}

const HOST = 'host:';

/** Reads a list file, or with `host:NAME` what a verifier has of a host. @param filesOnly nothing but files */
export async function readSide(
  source: string,
  options: ListOptions & ConnectOptions,
  filesOnly: boolean,
): Promise<Side> {
  const collected = new Collected(source);
  const add: Add = (item) => {
    if (item !== undefined && (!filesOnly || item.kind === 'file')) collected.add(item);
  };
  if (source.startsWith(HOST)) await readHost(source.slice(HOST.length), options, add);
  else await readFile(source, options, add);
  return { source, entries: collected.entries, items: collected.items };
}

/** Takes what can be compared; the engine's records of itself have times in them, so that no two are the same. */
type Add = (item: Item | undefined) => void;

async function readFile(path: string, options: ListOptions, add: Add): Promise<void> {
  await withList(path, options, async (list) => {
    for await (const entries of listEntries(list)) for (const entry of entries) add(itemOfEntry(entry));
  });
}

function itemOfEntry(entry: MeasurementEntry): Item | undefined {
  const name = filenameHint(entry.fields);
  const kind = entryKind(entry);
  if (kind === 'violation') return { kind, name, digest: '' };
  if (kind === 'engine-start' || kind === 'engine-stop' || kind === 'engine-gap') return undefined;
  if (kind === 'engine-mode' || kind === 'engine-rotation') return undefined;
  return { kind, name, digest: digestText(entry.fields.digest) };
}

async function readHost(host: string, options: ConnectOptions, add: Add): Promise<void> {
  for await (const page of hostEntries(host, options)) for (const one of page) add(itemOfMeasurement(one));
}

function itemOfMeasurement({ status, template, filenameHint: name, digest }: Measurement): Item | undefined {
  if (status === 'engine-record') return undefined;
  if (status === 'violation') return { kind: 'violation', name, digest: '' };
  if (status === 'boot-aggregate') return { kind: 'boot-aggregate', name, digest };
  return { kind: fieldsOf(template).includes('buf') ? 'buffer' : 'file', name, digest };
}

const PAGE = '1000';

async function* hostEntries(host: string, options: ConnectOptions): AsyncGenerator<readonly Measurement[]> {
  const client = reader(options);
  const path = route(ROUTES.measurements, host);
  let cursor: string | null = '';
  let read = 0;
  let progress: Progress | undefined;
  try {
    while (cursor !== null) {
      const query: Record<string, string> = { limit: PAGE, order: 'asc', ...(cursor === '' ? {} : { cursor }) };
      const page: MeasurementList = await client.call(path, MeasurementList, { query });
      if (page.measurements.length === 0 && page.next !== null) {
        throw new SystemError('VERIFIER-UNREACHABLE', `verifier at ${client.baseUrl}: an empty page is not the last`);
      }
      progress ??= new Progress('entries', page.total);
      progress.report((read += page.measurements.length), read);
      yield page.measurements;
      cursor = page.next;
    }
  } finally {
    progress?.end();
  }
}
