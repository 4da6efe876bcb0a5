import type { Finding, FindingAcknowledgement } from '@assay/wire';
import { audit } from '../access/audit.ts';
import type { Principal } from '../access/tokens.ts';
import type { Context } from '../context.ts';
import { transact } from '../news/news.ts';
import { RequestProblem } from '../problem.ts';
import { findingBySeq, findingsBySeq, openFindingsLike, updateFinding } from '../store/findings.ts';
import { lockRounds } from '../store/rounds.ts';
import type { Database, FindingRow } from '../store/schema.ts';

const LONGEST_MILLISECONDS = 366 * 86_400_000;

type Columns = Pick<FindingRow, 'acknowledged_by' | 'acknowledged_at' | 'acknowledged_until' | 'acknowledged_why'>;

export const NOT_ACKNOWLEDGED: Columns = {
  acknowledged_by: null,
  acknowledged_at: null,
  acknowledged_until: null,
  acknowledged_why: null,
};

/** What is known of a finding is known of it in the next boot, too, while it is no worse. @param acknowledged newest first */
export function carriedOver(
  acknowledged: readonly FindingRow[],
  row: Pick<FindingRow, 'code' | 'digest' | 'filename_hint' | 'severity'>,
): Columns {
  const known = acknowledged.find(
    ({ code, digest, filename_hint: path, severity }) =>
      code === row.code &&
      digest === row.digest &&
      path === row.filename_hint &&
      (severity === 'failed' || row.severity === 'warning'),
  );
  if (known === undefined) return NOT_ACKNOWLEDGED;
  const { acknowledged_by, acknowledged_at, acknowledged_until, acknowledged_why } = known;
  return { acknowledged_by, acknowledged_at, acknowledged_until, acknowledged_why };
}

/** Null where nobody knows of it, or not any more. */
export function acknowledgementIn(row: Columns, now: Date): Finding['acknowledgement'] {
  const { acknowledged_by: by, acknowledged_at: at, acknowledged_until: until, acknowledged_why: reason } = row;
  if (by === null || at === null || until === null || reason === null) return null;
  return until > now.toISOString() ? { by, at, until, reason } : null;
}

/**
 * Notes that somebody knows of an open finding. It stays open, and counts for the verdict.
 * @throws RequestProblem REQUEST-NOT-FOUND, REQUEST-INVALID, FINDING-CLOSED
 */
export async function acknowledgeFinding(
  context: Context,
  by: Principal,
  seq: number,
  { reason, until, everywhere = false }: FindingAcknowledgement,
): Promise<FindingRow> {
  const now = context.now();
  const end = new Date(until);
  if (end <= now) throw new RequestProblem('REQUEST-INVALID', 'until: is over already.');
  if (end.getTime() - now.getTime() > LONGEST_MILLISECONDS) {
    throw new RequestProblem('REQUEST-INVALID', 'until: is more than a year from now.');
  }
  const note = {
    acknowledged_by: by.name,
    acknowledged_at: now.toISOString(),
    acknowledged_until: end.toISOString(),
    acknowledged_why: reason,
  };
  return transact(context, async (db) => {
    const [finding, ...others] = everywhere ? await lockCause(db, seq) : [await lockOpenFinding(db, seq)];
    if (finding === undefined) throw new Error('a finding that is locked is missing');
    const changed = [finding, ...others].map((row) => ({ ...row, ...note }));
    for (const row of changed) await updateFinding(db, row);
    const detail = { ...about(finding), findings: changed.length, reason, until: note.acknowledged_until };
    await audit(db, context, { actor: by.name, action: 'finding.acknowledge', subject: `F-${seq}`, detail });
    return { result: { ...finding, ...note }, changes: changed.map((row) => ({ type: 'finding', seq: row.seq })) };
  });
}

/** Takes that back: from now on the finding alerts again. @throws RequestProblem REQUEST-NOT-FOUND, FINDING-CLOSED */
export async function withdrawAcknowledgement(context: Context, by: Principal, seq: number): Promise<FindingRow> {
  return transact(context, async (db) => {
    const finding = await lockOpenFinding(db, seq);
    const changed = { ...finding, ...NOT_ACKNOWLEDGED };
    await updateFinding(db, changed);
    const detail = about(finding);
    await audit(db, context, { actor: by.name, action: 'finding.unacknowledge', subject: `F-${seq}`, detail });
    return { result: changed, changes: [{ type: 'finding', seq }] };
  });
}

/** What the audit log says of a finding, beside its number. */
export function about({ host, code, digest, filename_hint: path }: FindingRow): Readonly<Record<string, unknown>> {
  return { host, code, digest, path };
}

/** No round of its host changes it before this transaction ends. @throws RequestProblem REQUEST-NOT-FOUND, FINDING-CLOSED */
export async function lockOpenFinding(db: Database, seq: number): Promise<FindingRow> {
  const { host } = await openFinding(db, seq);
  await lockRounds(db, [host]);
  return openFinding(db, seq);
}

/** The finding, and then those of the same cause, all locked at once: in one order, whoever does it. */
async function lockCause(db: Database, seq: number): Promise<FindingRow[]> {
  const found = await openFindingsLike(db, await openFinding(db, seq));
  await lockRounds(db, [...new Set(found.map(({ host }) => host))]);
  const finding = await openFinding(db, seq);
  const others = await findingsBySeq(
    db,
    found.map((row) => row.seq),
  );
  return [finding, ...others.filter((row) => row.seq !== seq && row.open === 1)];
}

async function openFinding(db: Database, seq: number): Promise<FindingRow> {
  const finding = await findingBySeq(db, seq);
  if (finding === undefined) throw new RequestProblem('REQUEST-NOT-FOUND', `There is no finding F-${seq}.`);
  if (finding.open === 1) return finding;
  throw new RequestProblem('FINDING-CLOSED', `F-${seq} ended at ${finding.resolved_at ?? finding.last_seen}.`);
}
