import { readFile } from 'node:fs/promises';
import { toHex } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import type { MeasurementSource } from '@assay/linux/ima';
import { LIST_CHUNK_LIMIT, LIST_TAIL_LIMIT, ListPartReply, ProblemError, ROUTES } from '@assay/wire';
import type { ApiClient, ListPlace } from '@assay/wire';
import { listBank } from './list.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
/** Of a list: boot_aggregate and some entries, among which are what an engine says of its start. */
const HEAD_BYTES = 512;
const UPLOAD_BYTES = 16;

/** Tells the parts of this list from those of another one, of another boot: an agent that starts anew goes on with its own. */
async function uploadOf(source: MeasurementSource): Promise<string> {
  const { fromOffset } = await source.start();
  const head = await source.read(fromOffset, HEAD_BYTES);
  return toHex(nodeHasher.digest('sha256', await readFile(BOOT_ID), head).subarray(0, UPLOAD_BYTES));
}

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
  let upload: string | undefined;
  try {
    for (;;) {
      const bytes = await source.read(place.fromOffset, size + 1);
      if (bytes.length <= size) return place === from ? undefined : place;
      upload ??= await uploadOf(source);
      const next = await pushPart({ source, client, upload }, place, bytes.slice(0, size));
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

interface Upload {
  readonly source: MeasurementSource;
  readonly client: ApiClient;
  readonly upload: string;
}

async function pushPart(
  { source, client, upload }: Upload,
  { fromEntry, fromOffset }: ListPlace,
  part: Uint8Array,
): Promise<ListPlace> {
  const query = {
    bank: listBank(source),
    fromEntry: String(fromEntry),
    fromOffset: String(fromOffset),
    upload,
  };
  const { list } = await client.call(ROUTES.listParts, ListPartReply, { bytes: Uint8Array.from(part), query });
  return list;
}
