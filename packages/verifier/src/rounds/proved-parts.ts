import type { VerifiedEvidence } from '@assay/core/evidence';
import type { MeasurementEntry } from '@assay/core/measurement';
import type { Judgement } from '@assay/core/verdict';
import type { Context } from '../context.ts';
import type { Sighting } from '../hosts/findings.ts';
import { dropParts, partIds, type PartPlace } from '../store/list-parts.ts';
import { appendToList, listOf } from '../store/lists.ts';
import type { BootRow, Database, HostRow } from '../store/schema.ts';
import { entriesOf, judged } from './measurements.ts';
import type { Waiting } from './sent-before.ts';

/** Entries that are read from the store at one time. */
const AT_ONCE = 4096;

export interface Proved {
  readonly sightings: readonly Sighting[];
  readonly violations: number;
}

export const NONE_PROVED: Proved = { sightings: [], violations: 0 };

interface Proving {
  readonly host: HostRow;
  readonly boot: BootRow;
  readonly evidence: VerifiedEvidence;
  readonly waiting: Waiting;
}

/** Parts of a list that the evidence proves become part of the list of its boot, and are judged. */
export async function storeParts(db: Database, context: Context, proving: Proving): Promise<Proved> {
  const { host, boot, waiting } = proving;
  const sightings: Sighting[] = [];
  let violations = 0;
  for (const part of waiting.parts) {
    // What comes before was proved in an earlier round of this boot.
    if (part.first <= boot.entries) continue;
    const ids = await partIds(db, part);
    await appendToList(db, { boot: boot.id, first: part.first, ids, receivedAt: part.received_at });
    violations += part.violations;
    sightings.push(...(await judgedPart(db, context, proving, part)));
  }
  await dropParts(db, host.id);
  return { sightings, violations };
}

async function judgedPart(
  db: Database,
  context: Context,
  { host, boot, evidence }: Proving,
  part: PartPlace,
): Promise<Sighting[]> {
  const sightings: Sighting[] = [];
  for await (const entries of entriesOfPart(db, context, boot, part)) {
    sightings.push(...sightingsOf(await judged(db, context, host, evidence.pcrs, entries), part.received_at));
  }
  return sightings;
}

async function* entriesOfPart(
  db: Database,
  { recentParts }: Context,
  boot: BootRow,
  part: PartPlace,
): AsyncGenerator<MeasurementEntry[], void> {
  const recent = recentParts.take(part);
  if (recent !== undefined) {
    yield recent;
    return;
  }
  const { first, count } = part;
  for (let from = first; from < first + count; from += AT_ONCE) {
    yield entriesOf(await listOf(db, boot.id, from, Math.min(from + AT_ONCE, first + count) - 1));
  }
}

export function sightingsOf(judgements: readonly Judgement[], seenAt: string): Sighting[] {
  return judgements.flatMap(({ finding }) => (finding === undefined ? [] : [{ draft: finding, seenAt }]));
}
