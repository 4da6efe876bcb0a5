import type { Enrolment, EnrolmentDecision } from '@assay/wire';
import { audit } from '../access/audit.ts';
import type { Principal } from '../access/tokens.ts';
import type { Context } from '../context.ts';
import { transact } from '../news/news.ts';
import { RequestProblem } from '../problem.ts';
import { lockAdmissionBySeq, updateAdmission } from '../store/admissions.ts';
import type { AdmissionRow, Database } from '../store/schema.ts';
import { closeDisputes } from './disputes.ts';
import { enrolmentId, enrolmentOnWire } from './on-wire.ts';

/**
 * Approves or refuses an enrolment; until the machine became a host, the newest decision counts.
 * @throws RequestProblem REQUEST-NOT-FOUND, ENROLMENT-OVER
 */
export async function decide(
  context: Context,
  by: Principal,
  seq: number,
  state: 'approved' | 'refused',
  { note }: EnrolmentDecision,
): Promise<Enrolment> {
  const row = await transact(context, async (db) => {
    const before = await undecided(db, seq);
    const decision = { state, decided_at: context.now().toISOString(), decided_by: by.name, note: note ?? null };
    const decided = await updateAdmission(db, seq, decision);
    const changes = await closeDisputes(db, context, decided);
    const detail = {
      name: before.name,
      host: before.host,
      before: before.state,
      ...(note === undefined ? {} : { note }),
    };
    const action = state === 'approved' ? 'enrolment.approve' : 'enrolment.refuse';
    await audit(db, context, { actor: by.name, action, subject: enrolmentId(seq), detail });
    return { result: decided, changes: [...changes, { type: 'enrolment', seq }] };
  });
  context.log(`${enrolmentId(seq)}, ${row.name} (${row.host}), ${state} by ${by.name}`);
  return enrolmentOnWire(row);
}

async function undecided(db: Database, seq: number): Promise<AdmissionRow> {
  const row = await lockAdmissionBySeq(db, seq);
  if (row === undefined) throw new RequestProblem('REQUEST-NOT-FOUND', `No enrolment has the id ${enrolmentId(seq)}.`);
  if (row.enrolled_at === null) return row;
  throw new RequestProblem('ENROLMENT-OVER', `${row.name} is a host since ${row.enrolled_at}.`);
}
