import { existsSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError, VerificationError } from '@assay/core/errors';
import {
  entryStream,
  parseBinaryList,
  rotationOf,
  type MeasurementEntry,
  type Rotation,
} from '@assay/core/measurement';
import { archiveBefore, ARCHIVE_LINK, checkSegments, type Segment } from '@assay/linux/lists';
import { digestedEntry, recordedKey, type Banks, type DigestedEntry } from './digested.ts';
import { binaryListName } from './list-files.ts';
import { extendedPcrs, foreignPcr, samePcrs, type PcrValues } from './pcr.ts';

/** What an engine finds of a list that goes on. */
export interface Resumption {
  /** What is before the entries, in the archive. */
  readonly before: Rotation | undefined;
  readonly entries: readonly DigestedEntry[];
  /** How many of the entries the PCRs hold; those after them were written and not extended. */
  readonly extended: number;
  /** The PCRs with those. */
  readonly values: PcrValues;
  /** What is in the archive, by `listedKey`. */
  readonly archived: ReadonlySet<string>;
  /** Why that is not all. */
  readonly problem?: string;
}

/**
 * Compares the list in a directory with the PCRs. A torn last record is left out: what is extended was written whole. What a
 * rotation left over that did not come to its end goes, if the archive has it.
 * @param base values before the first entry of the boot
 * @param found values of the TPM now
 * @throws SystemError PCR-FOREIGN where the list does not explain them
 */
export async function resumption(
  directory: string,
  banks: Banks,
  base: PcrValues,
  found: PcrValues,
): Promise<Resumption> {
  const { entries, before, isFirst } = await leftInFile(directory, storedEntries(directory, banks));
  // What the record says of the PCRs proves itself: only the right values lead on to those of now.
  const start = new Map([...base, ...(before?.values ?? [])]);
  const digested = entries.map((entry) => digestedEntry(banks, entry));
  const reached = furthest(digested, start, found);
  if (reached === undefined) {
    const what = isFirst ? '' : ` after entry ${before?.entries}`;
    throw foreignPcr(`the ${entries.length} entries in ${directory}${what} do not replay to it`);
  }
  return { before, entries: digested, ...reached, ...(await archivedKeys(directory, banks, before)) };
}

/** The longest prefix of the entries that the PCRs hold. */
function furthest(
  entries: readonly DigestedEntry[],
  start: PcrValues,
  found: PcrValues,
): Pick<Resumption, 'extended' | 'values'> | undefined {
  let values = start;
  let last: Pick<Resumption, 'extended' | 'values'> | undefined;
  for (let extended = 0; ; extended++) {
    if (samePcrs(values, found)) last = { extended, values };
    const entry = entries[extended];
    if (entry === undefined) return last;
    values = extendedPcrs(values, entry);
  }
}

interface Left {
  readonly entries: readonly MeasurementEntry[];
  readonly before: Rotation | undefined;
  readonly isFirst: boolean;
}

/** The file from the newest record of a rotation on whose segment is there; else from its beginning. */
async function leftInFile(directory: string, entries: readonly MeasurementEntry[]): Promise<Left> {
  const records = entries.flatMap((entry, index) => {
    const rotation = rotationOf(entry);
    return rotation === undefined ? [] : [{ rotation, index }];
  });
  for (const { rotation, index } of records.toReversed()) {
    if (index === 0 || (await isInArchive(directory, rotation)))
      return { entries: entries.slice(index), before: rotation, isFirst: false };
  }
  return { entries, before: undefined, isFirst: true };
}

async function isInArchive(directory: string, rotation: Rotation): Promise<boolean> {
  try {
    const { segments } = await archiveBefore(join(directory, ARCHIVE_LINK), rotation);
    const newest = segments.slice(-1);
    await checkSegments(newest);
    return newest.length > 0;
  } catch (error) {
    if (error instanceof VerificationError) return false;
    throw error;
  }
}

function storedEntries(directory: string, banks: Banks): readonly MeasurementEntry[] {
  const path = join(directory, binaryListName(banks[0]));
  if (!existsSync(path)) throw foreignPcr(`there is no list ${path}`);
  try {
    const { entries } = parseBinaryList(readFileSync(path), { bank: banks[0], incompleteTail: 'leave' });
    for (const entry of entries) rotationOf(entry);
    return entries;
  } catch (error) {
    if (error instanceof FormatError) throw foreignPcr(`the list ${path} is damaged (${error.message})`);
    throw error;
  }
}

/** What the archive lacks is measured again when it is opened; the list is as good as before. */
async function archivedKeys(
  directory: string,
  banks: Banks,
  before: Rotation | undefined,
): Promise<Pick<Resumption, 'archived' | 'problem'>> {
  const archived = new Set<string>();
  try {
    const { segments, missing } = await archiveBefore(join(directory, ARCHIVE_LINK), before);
    await checkSegments(segments);
    for (const segment of segments) await addKeys(segment, banks, archived);
    return missing === undefined
      ? { archived }
      : { archived, problem: `no entry before ${missing.entries + 1} is there` };
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    return { archived, problem: error.message };
  }
}

const CHUNK = 256 * 1024;

async function addKeys({ path, receipt }: Segment, banks: Banks, keys: Set<string>): Promise<void> {
  const stream = entryStream({ format: 'binary', bank: receipt.bank });
  const file = await open(path, 'r');
  try {
    const chunk = Buffer.allocUnsafe(CHUNK);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK);
      if (bytesRead === 0) return;
      for (const entry of stream.push(chunk.subarray(0, bytesRead))) {
        const key = recordedKey(banks, receipt.bank, entry);
        if (key !== undefined) keys.add(key);
      }
    }
  } finally {
    await file.close();
  }
}
