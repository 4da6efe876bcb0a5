import { equalBytes, fromHex } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { HostFacts, type ActivateReply } from '@assay/wire';
import { audit } from '../access/audit.ts';
import type { Principal } from '../access/tokens.ts';
import type { Context } from '../context.ts';
import { endorse } from '../hosts/ek-certificate.ts';
import { noteEndorsement } from '../hosts/endorsement.ts';
import { renewVerdict } from '../hosts/verdict.ts';
import { transact } from '../news/news.ts';
import { RequestProblem } from '../problem.ts';
import { issueChallenge } from '../rounds/challenge.ts';
import { takeEnrolment } from '../store/enrolments.ts';
import { hostById, insertHost, updateHost } from '../store/hosts.ts';
import { firstRound, lockRounds, saveRounds } from '../store/rounds.ts';
import type { Database, EnrolmentRow } from '../store/schema.ts';
import { newToken, tokenDigest } from '../tokens.ts';
import { refuseDuplicate } from './duplicates.ts';

/**
 * Ends an enrolment: who knows the secret has both keys in one TPM.
 * @param secret hexadecimal
 * @throws RequestProblem ENROLMENT-UNKNOWN, ENROLMENT-SECRET, HOST-DUPLICATE
 */
export async function activate(context: Context, by: Principal, id: string, secret: string): Promise<ActivateReply> {
  const enrolment = await answered(context, id, secret);
  const token = newToken();
  const reply = await transact(context, async (db) => {
    await refuseDuplicate(db, enrolment.host, enrolment.name);
    await register(db, context, enrolment, token);
    const endorsing = endorse(context.ekAuthorities, enrolment, context.now());
    const findings = await noteEndorsement(db, context, { id: enrolment.host, name: enrolment.name }, endorsing);
    await renewVerdict(db, context, enrolment.host);
    const { row, challenge } = issueChallenge(context, firstRound(enrolment.host));
    await saveRounds(db, [row]);
    const detail = { host: enrolment.host, trust: endorsing.endorsement === null ? 'first-use' : 'ek-certificate' };
    await audit(db, context, { actor: by.name, action: 'host.enrol', subject: enrolment.name, detail });
    const result = { hostId: enrolment.host, token, challenge };
    return { result, changes: [...findings, { type: 'host', host: enrolment.host }] };
  });
  context.log(`${enrolment.name} (${enrolment.host}) enrolled`);
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

/**
 * A host that enrols again may come with a new attestation key, so what the old one proved is no ground to go on
 * from: the next evidence brings the whole list.
 */
async function register(db: Database, context: Context, enrolment: EnrolmentRow, token: string): Promise<void> {
  const facts = HostFacts.parse(JSON.parse(enrolment.facts));
  const now = context.now().toISOString();
  const identity = {
    ak_public: enrolment.ak_public,
    token_digest: tokenDigest(token),
    tpm_kind: facts.tpmKind,
    list_source: facts.listSource,
    kernel: facts.kernel,
    ek_certificates: enrolment.ek_certificates,
  };
  if ((await hostById(db, enrolment.host)) !== undefined) {
    await lockRounds(db, [enrolment.host]);
    await saveRounds(db, [firstRound(enrolment.host)]);
    await updateHost(db, enrolment.host, identity);
    return;
  }
  await insertHost(db, {
    ...identity,
    id: enrolment.host,
    name: enrolment.name,
    ek_public: enrolment.ek_public,
    enrolled_at: now,
    verdict: 'pending',
    sentence: '',
    verdict_since: now,
    boot: null,
    reference_version: null,
  });
}
