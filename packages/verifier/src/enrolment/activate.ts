import { equalBytes, fromHex } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import type { ActivateReply, ActivateRequest } from '@assay/wire';
import { audit } from '../access/audit.ts';
import type { Context } from '../context.ts';
import { noteEndorsement } from '../hosts/endorsement.ts';
import { renewVerdict } from '../hosts/verdict.ts';
import { transact, type Change } from '../news/news.ts';
import { RequestProblem } from '../problem.ts';
import { issueChallenge } from '../rounds/challenge.ts';
import { takeEnrolment } from '../store/enrolments.ts';
import { lockWork } from '../store/locks.ts';
import { firstRound, saveRounds } from '../store/rounds.ts';
import type { AdmissionRow, Database, EnrolmentRow } from '../store/schema.ts';
import { newToken } from '../tokens.ts';
import { admit, type Admitted } from './admit.ts';
import { closeDisputes } from './disputes.ts';
import { checkPossession, wantsPossession } from './possession.ts';
import { becomeHost } from './become-host.ts';
import { renewed } from './renew.ts';

/**
 * Ends an enrolment, or the renewal of a key: who knows the secret has both keys in one TPM.
 * @throws RequestProblem ENROLMENT-UNKNOWN, ENROLMENT-SECRET, ENROLMENT-WAITS, ENROLMENT-REFUSED
 * @throws as `checkPossession` of a certified attestation key
 */
export async function activate(
  context: Context,
  id: string,
  { secret, possession, token = newToken() }: ActivateRequest,
): Promise<ActivateReply> {
  const enrolment = await answered(context, id, secret);
  if (wantsPossession(context, enrolment)) checkPossession(enrolment, fromHex(secret), possession);
  const renews = enrolment.renews === 1;
  const reply = await transact<ActivateReply | RequestProblem>(context, async (db) => {
    if (renews) return renewed(db, context, enrolment, token);
    // A machine that is no host yet has no row to lock.
    await lockWork(db, 'enrolment');
    const admitting = await admit(db, context, enrolment);
    if (!admitting.admitted) return { result: admitting.problem, changes: admitting.changes };
    return enrolled(db, context, enrolment, { ...admitting, token });
  });
  if (reply instanceof RequestProblem) throw reply;
  context.log(`${enrolment.name} (${enrolment.host}) ${renews ? 'has another attestation key' : 'enrolled'}`);
  return reply;
}

/** The enrolment is taken before the answer is looked at, so that nobody can try twice. */
async function answered(context: Context, id: string, secret: string): Promise<EnrolmentRow> {
  const enrolment = await takeEnrolment(context.database, id, context.now().toISOString());
  if (enrolment === undefined) {
    throw new RequestProblem('ENROLMENT-UNKNOWN', 'No enrolment with this identifier waits for an answer.');
  }
  if (!equalBytes(nodeHasher.digest('sha256', fromHex(secret)), enrolment.secret_digest)) {
    throw new RequestProblem('ENROLMENT-SECRET', 'The answer is not the secret of the credential.');
  }
  return enrolment;
}

/** What changes with an enrolment that waited, or was decided, and is over now. */
async function settlement(db: Database, context: Context, settled: AdmissionRow): Promise<Change[]> {
  return [...(await closeDisputes(db, context, settled)), { type: 'enrolment', seq: settled.seq }];
}

async function enrolled(
  db: Database,
  context: Context,
  enrolment: EnrolmentRow,
  { standing, decided, settled, token }: Admitted & { readonly token: string },
): Promise<{ result: ActivateReply; changes: readonly Change[] }> {
  const { host, name } = enrolment;
  const { replaced } = await becomeHost(db, context, enrolment, { standing, decided, token });
  const findings = await noteEndorsement(db, context, { id: host, name }, standing.endorsing);
  const disputes = settled === undefined ? [] : await settlement(db, context, settled);
  await renewVerdict(db, context, host);
  const { row, challenge } = issueChallenge(context, firstRound(host));
  await saveRounds(db, [row]);
  const machine = standing.certified?.identity;
  const detail = {
    host,
    trust: standing.trust,
    ...(machine === undefined ? {} : { machine }),
    ...(replaced === undefined ? {} : { replaced }),
  };
  await audit(db, context, { actor: enrolment.asked_by, action: 'host.enrol', subject: name, detail });
  const result = { hostId: host, token, challenge };
  return { result, changes: [...findings, ...disputes, { type: 'host', host }] };
}
