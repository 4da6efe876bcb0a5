import type { FindingDraft } from '@assay/core/verdict';
import { Finding } from '@assay/wire';
import { z } from 'zod';
import { findingOf, insertFinding, openFindingsOf, spreadOf, updateFinding } from '../store/findings.ts';
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
  for (const sighting of sightings) {
    const row = await open(db, scope, sighting);
    rows.set(row.seq, row);
  }
  return [...rows.values()];
}

async function open(db: Database, scope: FindingScope, { draft, seenAt }: Sighting): Promise<FindingRow> {
  const { code, severity, sentence, evidence } = draft;
  const key = { ...scope, code, digest: evidence.digest, filename_hint: evidence.filenameHint };
  const texts = { explanation: JSON.stringify(draft.explanation), next: JSON.stringify(draft.next) };
  const seen = { severity, sentence, entry: evidence.entry, ...texts, open: 1 } as const;
  const known = await findingOf(db, key);
  if (known === undefined) {
    const times = { first_seen: seenAt, last_seen: seenAt };
    return insertFinding(db, { ...key, template: evidence.template, ...seen, ...times });
  }
  const row = { ...known, ...seen, last_seen: seenAt > known.last_seen ? seenAt : known.last_seen };
  await updateFinding(db, row);
  return row;
}

/** Closes the open findings of the host that `closes` tells. @returns the rows that changed */
export async function closeAll(
  db: Database,
  host: string,
  closes: (finding: FindingRow) => boolean,
): Promise<FindingRow[]> {
  const closed = (await openFindingsOf(db, [host])).filter(closes).map((row) => ({ ...row, open: 0 as const }));
  for (const row of closed) await updateFinding(db, row);
  return closed;
}

const Explanation = Finding.shape.explanation;
const Next = z.array(z.string());

export async function findingOnWire(db: Database, row: FindingRow): Promise<Finding> {
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
    firstSeen: row.first_seen,
    lastSeen: row.last_seen,
  };
}
