import type { FindingDraft } from '@assay/core/verdict';
import { Finding } from '@assay/wire';
import { z } from 'zod';
import {
  acknowledgedOf,
  findingOf,
  insertFinding,
  openFindingsOf,
  spreadOf,
  updateFinding,
} from '../store/findings.ts';
import { acknowledgementIn, carriedOver, NOT_ACKNOWLEDGED } from './acknowledge.ts';
import { fleetCauses, fleetCommands } from './in-the-fleet.ts';
import { hostById } from '../store/hosts.ts';
import type { Database, FindingRow } from '../store/schema.ts';

/** Where findings belong: to a boot of the host, or, when evidence was refused, to the host alone. */
export interface FindingScope {
  readonly host: string;
  readonly boot: number | null;
}

/** A finding, and when what it is about came to the verifier. */
export interface Sighting {
  readonly draft: FindingDraft;
  readonly seenAt: string;
}

const OPEN = { open: 1, resolved_at: null, resolved_by: null, resolved_why: null } as const;

/**
 * Opens findings, or sees earlier ones again: one per host, boot, code, digest and path.
 * @returns their rows
 */
export async function openAll(
  db: Database,
  scope: FindingScope,
  sightings: readonly Sighting[],
): Promise<FindingRow[]> {
  const rows = new Map<number, FindingRow>();
  const [first] = sightings;
  const acknowledged = first === undefined ? [] : await acknowledgedOf(db, scope.host, first.seenAt);
  for (const sighting of sightings) {
    const row = await open(db, scope, sighting, acknowledged);
    rows.set(row.seq, row);
  }
  return [...rows.values()];
}

async function open(
  db: Database,
  scope: FindingScope,
  { draft, seenAt }: Sighting,
  acknowledged: readonly FindingRow[],
): Promise<FindingRow> {
  const { code, severity, sentence, evidence } = draft;
  const key = { ...scope, code, digest: evidence.digest, filename_hint: evidence.filenameHint };
  const texts = { explanation: JSON.stringify(draft.explanation), next: JSON.stringify(draft.next) };
  const seen = { severity, sentence, entry: evidence.entry, ...texts, ...OPEN };
  const known = await findingOf(db, key);
  if (known === undefined) {
    const times = { first_seen: seenAt, last_seen: seenAt };
    const row = { ...key, template: evidence.template, ...seen, ...times };
    return insertFinding(db, { ...row, ...carriedOver(acknowledged, row) });
  }
  const worse = severity === 'failed' && known.severity === 'warning';
  const newest = seenAt > known.last_seen ? seenAt : known.last_seen;
  const row = { ...known, ...(worse ? NOT_ACKNOWLEDGED : {}), ...seen, last_seen: newest };
  await updateFinding(db, row);
  return row;
}

/**
 * Closes the open findings of the host that `closes` tells.
 * @param at when that came by which they are over
 * @returns the rows that changed
 */
export async function closeAll(
  db: Database,
  host: string,
  at: string,
  closes: (finding: FindingRow) => boolean,
): Promise<FindingRow[]> {
  const over = { open: 0 as const, resolved_at: at };
  const closed = (await openFindingsOf(db, [host])).filter(closes).map((row) => ({ ...row, ...over }));
  for (const row of closed) await updateFinding(db, row);
  return closed;
}

const Explanation = Finding.shape.explanation;
const Next = z.array(z.string());

/** @param now until when acknowledgements must last to be shown */
export async function findingOnWire(db: Database, row: FindingRow, now: Date): Promise<Finding> {
  const spread = await spreadOf(db, row);
  const host = await hostById(db, row.host);
  return {
    id: `F-${row.seq}`,
    host: { id: row.host, name: host?.name ?? row.host },
    code: row.code,
    severity: row.severity,
    sentence: row.sentence,
    evidence: { entry: row.entry, template: row.template, digest: row.digest, filenameHint: row.filename_hint },
    explanation: [...Explanation.parse(JSON.parse(row.explanation)), ...(await fleetCauses(db, row, spread))],
    blastRadius: {
      hosts: spread.hosts,
      firstSeen: spread.firstSeen ?? row.first_seen,
      lastSeen: spread.lastSeen ?? row.last_seen,
    },
    next: await fleetCommands(db, row, Next.parse(JSON.parse(row.next))),
    open: row.open === 1,
    acknowledgement: acknowledgementIn(row, now),
    resolution:
      row.resolved_at === null ? null : { at: row.resolved_at, by: row.resolved_by, reason: row.resolved_why },
    firstSeen: row.first_seen,
    lastSeen: row.last_seen,
  };
}
