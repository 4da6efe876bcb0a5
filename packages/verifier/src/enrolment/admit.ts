import type { Context } from '../context.ts';
import type { Change } from '../news/news.ts';
import { RequestProblem } from '../problem.ts';
import {
  countPending,
  deleteAdmission,
  lockAdmission,
  updateAdmission,
  waitForAdmission,
} from '../store/admissions.ts';
import type { AdmissionRow, Database, EnrolmentRow } from '../store/schema.ts';
import { openDisputes } from './disputes.ts';
import { enrolmentId } from './on-wire.ts';
import { covers, reasonsIn, standingOf, type Asking, type Standing } from './reasons.ts';

/** Most machines that wait for a decision. */
const PENDING_LIMIT = 1000;

export interface Admitted {
  readonly admitted: true;
  readonly standing: Standing;
  /** Where somebody approved the machine. */
  readonly decided: AdmissionRow | undefined;
  /** The request that waited or was decided, and is over now. */
  readonly settled: AdmissionRow | undefined;
}

export type Admitting =
  | Admitted
  | { readonly admitted: false; readonly problem: RequestProblem; readonly changes: readonly Change[] };

/** Lets a machine in that proved that its TPM holds both keys, or has it wait, or refuses it as somebody decided. */
export async function admit(db: Database, context: Context, enrolment: EnrolmentRow): Promise<Admitting> {
  const known = await lockAdmission(db, enrolment.host, enrolment.name);
  const standing = await standingOf(db, context, enrolment);
  if (known?.state === 'refused') return { admitted: false, problem: refused(known), changes: [] };
  const settled = known?.state === 'approved' && covers(reasonsIn(known), standing.reasons);
  if (standing.reasons.length === 0 || settled) return admitted(db, context, standing, known);
  if (known?.state !== 'pending' && (await countPending(db)) >= PENDING_LIMIT) {
    const detail = `${PENDING_LIMIT} enrolments wait for a decision; no more are taken.`;
    return { admitted: false, problem: new RequestProblem('REQUEST-TOO-MANY', detail), changes: [] };
  }
  const row = await waitForAdmission(db, askedBy(enrolment, standing, context.now()));
  const changes = await openDisputes(db, context, row);
  if (known?.state !== 'pending')
    context.log(`${row.name} (${row.host}) waits for a decision: ${enrolmentId(row.seq)}`);
  return { admitted: false, problem: waits(row), changes: [...changes, { type: 'enrolment', seq: row.seq }] };
}

async function admitted(
  db: Database,
  context: Context,
  standing: Standing,
  known: AdmissionRow | undefined,
): Promise<Admitting> {
  if (known === undefined) return { admitted: true, standing, decided: undefined, settled: undefined };
  if (known.state === 'pending') {
    await deleteAdmission(db, known.seq); // What stood against it is gone.
    return { admitted: true, standing, decided: undefined, settled: known };
  }
  const decided = await updateAdmission(db, known.seq, {
    enrolled_at: known.enrolled_at ?? context.now().toISOString(),
  });
  return { admitted: true, standing, decided, settled: decided };
}

function askedBy(enrolment: EnrolmentRow, standing: Standing, now: Date) {
  const { host, name, ek_public, ak_public, facts, ek_certificates } = enrolment;
  const { trust } = standing;
  const asked = { host, name, ek_public, ak_public, facts, ek_certificates, trust };
  return { ...asked, reasons: JSON.stringify(standing.reasons), last_asked_at: now.toISOString() };
}

/**
 * Spares the machine that waits, or was refused, the proof that it gave before.
 * @throws RequestProblem ENROLMENT-WAITS, ENROLMENT-REFUSED
 */
export async function turnAway(context: Context, asking: Asking): Promise<void> {
  const problem = await context.database.transaction().execute(async (db) => {
    const known = await lockAdmission(db, asking.host, asking.name);
    if (known?.state === 'refused') return refused(known);
    if (known?.state !== 'pending') return undefined;
    const { reasons } = await standingOf(db, context, asking);
    if (reasons.length === 0 || !covers(reasonsIn(known), reasons)) return undefined;
    await updateAdmission(db, known.seq, { last_asked_at: context.now().toISOString() });
    return waits(known);
  });
  if (problem !== undefined) throw problem;
}

function waits(row: AdmissionRow): RequestProblem {
  const sentences = reasonsIn(row).map(({ sentence }) => sentence);
  return new RequestProblem('ENROLMENT-WAITS', `${enrolmentId(row.seq)} waits for a decision. ${sentences.join(' ')}`);
}

function refused({ seq, decided_by: by, decided_at: at, note }: AdmissionRow): RequestProblem {
  const why = note === null ? '' : `: ${note}`;
  return new RequestProblem(
    'ENROLMENT-REFUSED',
    `${enrolmentId(seq)} was refused by ${by ?? 'nobody'} at ${at ?? 'no time'}${why}`,
  );
}
