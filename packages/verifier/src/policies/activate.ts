import { admitReference, nextEnd, parseReference, type ReferenceDocument } from '@assay/core/reference';
import { nodeHasher } from '@assay/core/node';
import type { PolicyActivation } from '@assay/wire';
import { audit } from '../access/audit.ts';
import type { Principal } from '../access/tokens.ts';
import type { Context } from '../context.ts';
import { renewVerdict } from '../hosts/verdict.ts';
import { transact, type Change } from '../news/news.ts';
import { RequestProblem } from '../problem.ts';
import { currentList, judgeAgain } from '../rounds/judge-again.ts';
import { allHostIds, hostById, hostByIdOrName } from '../store/hosts.ts';
import {
  assignPolicy,
  hostsToJudge,
  lockPolicyInForce,
  policyInForceFor,
  policyOf,
  putInForce,
  setJudged,
} from '../store/policies.ts';
import { lockRounds } from '../store/rounds.ts';
import type { Database, PolicyInForceRow, PolicyRow } from '../store/schema.ts';
import { noteExpiry } from './ends.ts';
import { requireSigners, type PolicyTrust } from './signers.ts';

/** Hosts whose boots are judged again before others may go on. */
const BATCH = 50;

/**
 * Brings a version into force, for the hosts that the policy is for and those that are named. Who pushed it cannot do it,
 * but for the one who set the verifier up.
 * @throws RequestProblem REQUEST-NOT-FOUND, REQUEST-FORBIDDEN, POLICY-UNSIGNED; VerificationError POLICY-ROLLBACK, POLICY-EXPIRED
 */
export async function activatePolicy(
  context: Context,
  by: Principal,
  name: string,
  activation: PolicyActivation,
  trust: PolicyTrust,
): Promise<PolicyRow> {
  const row = await context.database.transaction().execute(async (db) => {
    const { policy, document } = await admitted(db, context, by, { name, version: activation.version }, trust);
    const since = context.now().toISOString();
    await putInForce(db, {
      name,
      version: policy.version,
      since,
      activated_by: by.name,
      ...endsOf(document, context.now()),
    });
    // Locked, and without those that are being removed.
    const hosts = (await lockRounds(db, await hostsNamed(db, activation.hosts ?? []))).map(({ host }) => host);
    await assignPolicy(db, hosts, name);
    const subject = `${name}@${policy.version}`;
    await audit(db, context, { actor: by.name, action: 'policy.activate', subject, detail: { hosts: hosts.length } });
    return policy;
  });
  context.log(`policy ${name}: version ${row.version} is in force`);
  await judgeOutdated(context);
  return row;
}

async function admitted(
  db: Database,
  context: Context,
  by: Principal,
  { name, version }: { readonly name: string; readonly version: number },
  trust: PolicyTrust,
): Promise<{ readonly policy: PolicyRow; readonly document: ReferenceDocument }> {
  const policy = await policyOf(db, name, version);
  if (policy === undefined) throw new RequestProblem('REQUEST-NOT-FOUND', `${name} has no version ${version}.`);
  requireSigners(policy, trust);
  if (policy.pushed_by === by.name && by.role !== 'admin') {
    throw new RequestProblem('REQUEST-FORBIDDEN', `${by.name} pushed this version; somebody else has to activate it.`);
  }
  const inForce = await lockPolicyInForce(db, name);
  const before = inForce === undefined ? undefined : await policyOf(db, name, inForce.version);
  const reference = parseReference(policy.document);
  admitReference(reference, context.now(), before, nodeHasher);
  return { policy, document: reference.document };
}

function endsOf(document: ReferenceDocument, now: Date): Pick<PolicyInForceRow, 'valid_until' | 'ends_at'> {
  return { valid_until: document.validUntil ?? null, ends_at: nextEnd(document, now) };
}

async function hostsNamed(db: Database, hosts: PolicyActivation['hosts']): Promise<string[]> {
  if (hosts === 'all') return allHostIds(db);
  const ids: string[] = [];
  for (const name of hosts ?? []) {
    const host = await hostByIdOrName(db, name);
    if (host === undefined) throw new RequestProblem('REQUEST-NOT-FOUND', `No host has the id or name ${name}.`);
    ids.push(host.id);
  }
  return ids;
}

/**
 * Judges the boots again that were judged by another version than the one in force. It is done host by host, so that none
 * waits for all; what a crash leaves is done when it is called the next time.
 */
export async function judgeOutdated(context: Context): Promise<void> {
  for (let hosts = await hostsToJudge(context.database, BATCH); hosts.length > 0; ) {
    for (const host of hosts)
      await transact(context, async (db) => ({ result: undefined, changes: await judgeHost(db, context, host) }));
    hosts = await hostsToJudge(context.database, BATCH);
  }
}

async function judgeHost(db: Database, context: Context, id: string): Promise<Change[]> {
  const [round] = await lockRounds(db, [id]);
  const policy = await policyInForceFor(db, id);
  const host = await hostById(db, id);
  if (policy === undefined || host === undefined) return [];
  await setJudged(db, id, policy.version);
  const isEmpty = host.boot === null || round === undefined || round.evidence_at === null;
  const changes = isEmpty
    ? []
    : await judgeAgain(
        db,
        context,
        await currentList(db, id),
        await context.references.policy(db, policy.name, policy.version),
      );
  const expiry = await noteExpiry(db, context, id, policy);
  await renewVerdict(db, context, id);
  return [{ type: 'host', host: id }, ...changes, ...expiry];
}
