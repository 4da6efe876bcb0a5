import { randomBytes } from 'node:crypto';
import { toHex } from '@assay/core/bytes';
import type { MeasurementSource } from '@assay/linux/ima';
import { LIST_CHUNK_LIMIT, LIST_TAIL_LIMIT, ListPartReply, ProblemError, ROUTES } from '@assay/wire';
import type { ApiClient, ListPlace } from '@assay/wire';
import { listBank } from './list.ts';

/** Tells the parts of this process from those of another, which may have been of another boot. */
const UPLOAD = toHex(randomBytes(16));

/**
 * Sends what is too long for the message with the quote in parts before it. What is behind a part was in the list when it was
 * sent, so all of the part is in the PCR: entries are extended one after the other.
 * @param tail most bytes that are left for that message
 * @returns where the list goes on, or undefined where nothing was sent. Where the verifier refuses a part, the evidence
 *   begins with it, so that all are told why
 */
export async function pushParts(
  source: MeasurementSource,
  client: ApiClient,
  from: ListPlace,
  tail: number = LIST_TAIL_LIMIT,
): Promise<ListPlace | undefined> {
  // What is lost nobody asks for in vain: the evidence alone shows it.
  if (from.fromOffset < (await source.start()).fromOffset) return undefined;
  let place = from;
  let size = tail;
  try {
    for (;;) {
      const bytes = await source.read(place.fromOffset, size + 1);
      if (bytes.length <= size) return place === from ? undefined : place;
      const next = await pushPart(source, client, place, bytes.slice(0, size));
      size = next.fromOffset === place.fromOffset ? larger(size) : tail;
      place = next;
    }
  } catch (error) {
    if (!(error instanceof ProblemError) || error.problem.status >= 500) throw error;
    if (place !== from) return place;
    // A list of another boot does not go on from there.
    return from.fromOffset > 0 ? pushParts(source, client, { fromEntry: 1, fromOffset: 0 }, tail) : undefined;
  }
}

/** For a record that is longer than a part. */
function larger(size: number): number {
  if (size >= LIST_CHUNK_LIMIT) throw new Error('a record of the list is longer than a message may be');
  return Math.min(2 * size, LIST_CHUNK_LIMIT);
}

async function pushPart(
  source: MeasurementSource,
  client: ApiClient,
  { fromEntry, fromOffset }: ListPlace,
  part: Uint8Array,
): Promise<ListPlace> {
  const query = {
    bank: listBank(source),
    fromEntry: String(fromEntry),
    fromOffset: String(fromOffset),
    upload: UPLOAD,
  };
  const { list } = await client.call(ROUTES.listParts, ListPartReply, { bytes: Uint8Array.from(part), query });
  return list;
}
