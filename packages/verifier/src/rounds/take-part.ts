import { setImmediate as letOthers } from 'node:timers/promises';
import { checkDigests, LIST_START, positionAfter, wholeEntries, type ListPosition } from '@assay/core/evidence';
import type { HashName } from '@assay/core/hash';
import type { MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import type { ListPartQuery, ListPlace } from '@assay/wire';
import type { Context } from '../context.ts';
import { keptOf, type Kept } from '../hosts/kept.ts';
import { RequestProblem } from '../problem.ts';
import { entryIds } from '../store/entries.ts';
import { encodeIds } from '../store/ids.ts';
import { addPart, dropParts } from '../store/list-parts.ts';
import type { Database } from '../store/schema.ts';
import { lockRound } from './lock-round.ts';
import { newEntries } from './measurements.ts';
import { mayContinue, waitingParts } from './sent-before.ts';

/** Of one list: a machine measures a few thousand. */
const ENTRIES_LIMIT = 16 * 1024 * 1024;
/** Entries that are checked before others have their turn. */
const AT_ONCE = 2048;

/**
 * Takes a part of a list that is too long for one message: the whole records of it, as far as they are wanted. Nothing
 * proves them yet, and no kept state or verdict changes. A part that does not fit where the verifier stands is passed over.
 * @returns where the next part shall begin, once this one is on the disk
 * @throws FormatError; VerificationError IMA-TEMPLATE-DIGEST, IMA-TEMPLATE-UNKNOWN, IMA-REPLAY; RequestProblem
 *   REQUEST-TOO-LARGE, REQUEST-UNAUTHENTICATED
 */
export async function takePart(
  context: Context,
  host: string,
  part: ListPartQuery,
  bytes: Uint8Array,
): Promise<ListPlace> {
  return context.database.transaction().execute(async (db) => {
    const kept = keptOf(await lockRound(db, host));
    const start = await placeOf(db, host, part, kept);
    if (start.entries + 1 !== part.fromEntry || start.bytes !== part.fromOffset) return placeAfter(start);
    if (start.entries >= ENTRIES_LIMIT) {
      throw new RequestProblem('REQUEST-TOO-LARGE', `The list has over ${ENTRIES_LIMIT} entries.`);
    }
    return placeAfter(await stored(db, context, { host, part, bytes, start, kept }));
  });
}

/** The whole records of a part, with the digests that their data have. */
async function checkedEntries(bank: HashName, bytes: Uint8Array, start: ListPosition): Promise<MeasurementEntry[]> {
  const entries = wholeEntries({ bank, bytes, start });
  for (let from = 0; from < entries.length; from += AT_ONCE) {
    checkDigests(bank, entries.slice(from, from + AT_ONCE), nodeHasher);
    await letOthers();
  }
  return entries;
}

function placeAfter({ entries, bytes }: ListPosition): ListPlace {
  return { fromEntry: entries + 1, fromOffset: bytes };
}

/** Where the parts of this upload end; those of another are dropped. */
async function placeOf(db: Database, host: string, part: ListPartQuery, kept: Kept | null): Promise<ListPosition> {
  const waiting = await waitingParts(db, host, kept);
  const [first] = waiting?.parts ?? [];
  if (waiting !== null && first?.upload === part.upload && mayContinue(waiting.before, kept)) return waiting.before.end;
  await dropParts(db, host);
  return kept === null || (part.fromEntry === 1 && part.fromOffset === 0) ? LIST_START : kept.state;
}

interface Taken {
  readonly host: string;
  readonly part: ListPartQuery;
  readonly bytes: Uint8Array;
  readonly start: ListPosition;
  readonly kept: Kept | null;
}

async function stored(db: Database, context: Context, taken: Taken): Promise<ListPosition> {
  const { host, part, bytes, start, kept } = taken;
  const whole = await checkedEntries(part.bank, bytes, start);
  // A part ends where what is kept does, so that its value can be compared.
  const wanted = (kept?.state.entries ?? 0) - start.entries;
  const entries = wanted > 0 ? whole.slice(0, wanted) : whole;
  if (entries.length === 0) return start;
  const end = positionAfter(start, part.bank, entries, nodeHasher);
  const ids = await entryIds(db, newEntries(entries));
  const place = {
    host,
    first: start.entries + 1,
    byte_offset: start.bytes,
    upload: part.upload,
    start_pcr: start.pcr,
    end_pcr: end.pcr,
    count: entries.length,
    bytes: end.bytes - start.bytes,
    violations: entries.filter((entry) => entry.violation).length,
    received_at: context.now().toISOString(),
  };
  await addPart(db, { ...place, ids: encodeIds(ids) });
  context.recentParts.add(place, part.bank, bytes);
  return end;
}
