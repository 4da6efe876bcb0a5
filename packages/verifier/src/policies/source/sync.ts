import { AssayError } from '@assay/core/errors';
import { LIMITS } from '@assay/core/reference';
import type { Principal } from '../../access/tokens.ts';
import type { Context } from '../../context.ts';
import { RequestProblem } from '../../problem.ts';
import { hostByIdOrName } from '../../store/hosts.ts';
import { managedPolicies, policySourceRow, saveManagedPolicies, savePolicySource } from '../../store/policy-source.ts';
import type { PolicySourceRow } from '../../store/schema.ts';
import { activatePolicy } from '../activate.ts';
import { readPushed, storeVersion, type Pushed } from '../push.ts';
import type { PolicyTrust } from '../signers.ts';
import { driftOf, type Drift } from './drift.ts';
import { MANIFEST, MANIFEST_LIMIT, readManifest, type ManagedPolicy } from './manifest.ts';
import type { PolicySource, Snapshot } from './source.ts';

/** Who acts in the audit log. */
const REPOSITORY: Principal = { name: 'policy-source', role: 'admin' };
const ROW = 1;

interface Wanted {
  readonly policy: ManagedPolicy;
  readonly pushed: Pushed;
}

/**
 * Brings the policies of the verifier to what the source has. All of it is read and verified before anything changes; what
 * is wrong with it is noted, and what is in force stays.
 */
export async function syncPolicies(
  context: Context,
  source: PolicySource,
  trust: PolicyTrust,
  stop: AbortSignal,
): Promise<void> {
  const { database } = context;
  const before = await policySourceRow(database);
  const known = before?.origin === source.origin && before.branch === source.branch ? before : undefined;
  const checked = { id: ROW, origin: source.origin, branch: source.branch, checked_at: context.now().toISOString() };
  try {
    const snapshot = await source.snapshot(stop);
    const changed = await apply(context, snapshot, trust, known);
    const applied = { commit_id: snapshot.commit, signer: snapshot.signer, ...NO_ERROR };
    const at = changed ? checked.checked_at : (known?.applied_at ?? checked.checked_at);
    await savePolicySource(database, { ...checked, ...applied, applied_at: at });
  } catch (error) {
    if (stop.aborted) return;
    const { code, message } = reasonOf(error);
    if (known?.error !== message) context.log(`policies of ${source.origin}: ${code}: ${message}`);
    const failure = { error_code: code, error: message, failing_since: known?.failing_since ?? checked.checked_at };
    await savePolicySource(database, { ...NOTHING_APPLIED, ...known, ...checked, ...failure });
  }
}

const NO_ERROR = { error_code: null, error: null, failing_since: null };
const NOTHING_APPLIED = { commit_id: null, signer: null, applied_at: null };

function reasonOf(error: unknown): { code: string; message: string } {
  if (error instanceof AssayError || error instanceof RequestProblem) {
    return { code: error.code, message: error.message };
  }
  return { code: 'VERIFIER-ERROR', message: String(error) };
}

/** @returns whether there was anything to do */
async function apply(
  context: Context,
  snapshot: Snapshot,
  trust: PolicyTrust,
  known: PolicySourceRow | undefined,
): Promise<boolean> {
  const { database } = context;
  const isNew = known?.commit_id !== snapshot.commit || known.error !== null;
  const drifts = isNew ? [] : (await driftOf(database)).filter(({ drift }) => drift !== null);
  if (!isNew && drifts.length === 0) return false;
  for (const { name, drift } of drifts) context.log(`policy ${name} is not as its source has it: ${drift}`);
  const wanted = await wantedOf(snapshot, trust);
  for (const { pushed } of wanted) {
    await database
      .transaction()
      .execute((db) => storeVersion(db, context, REPOSITORY, { ...pushed, commit: snapshot.commit }));
  }
  const rows = wanted.map(({ policy, pushed }) => ({
    name: policy.name,
    version: pushed.reference.document.version,
    file: policy.file,
    hosts: JSON.stringify(policy.hosts),
    commit_id: snapshot.commit,
  }));
  const before = new Set((await managedPolicies(database)).map(({ name }) => name));
  for (const { name } of rows) before.delete(name);
  for (const name of before) context.log(`policy ${name} is no longer in its source: the API may change it`);
  await database.transaction().execute((db) => saveManagedPolicies(db, rows));
  for (const each of await driftOf(database)) await bringIntoForce(context, each, trust);
  return true;
}

/** All of it, before anything of it has an effect. */
async function wantedOf(snapshot: Snapshot, trust: PolicyTrust): Promise<Wanted[]> {
  const wanted: Wanted[] = [];
  for (const policy of readManifest(await snapshot.read(MANIFEST, MANIFEST_LIMIT))) {
    const bytes = await snapshot.read(policy.file, LIMITS.bytes);
    const pushed = readPushed(new TextDecoder('utf-8', { fatal: false }).decode(bytes), trust);
    const { name } = pushed.reference.document;
    if (name !== policy.name) {
      throw new RequestProblem('REQUEST-INVALID', `${policy.file} is of the policy ${name}, not of ${policy.name}.`);
    }
    wanted.push({ policy, pushed });
  }
  return wanted;
}

async function bringIntoForce(context: Context, { name, version, drift, missing }: Drift, trust: PolicyTrust) {
  if (drift === null) return;
  const hosts: string[] = [];
  for (const host of missing) {
    const row = await hostByIdOrName(context.database, host);
    if (row !== undefined) hosts.push(row.id);
  }
  await activatePolicy(context, REPOSITORY, name, { version, hosts }, trust);
}
