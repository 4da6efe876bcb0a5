import { buildReference, captureReference, type ReferenceItem, type ReferenceValues } from '@assay/core/reference';
import type { CaptureReply, CaptureRequest } from '@assay/wire';
import { audit } from '../access/audit.ts';
import type { Principal } from '../access/tokens.ts';
import type { Context } from '../context.ts';
import { summaryOf } from '../hosts/summary.ts';
import { renewVerdict } from '../hosts/verdict.ts';
import { transact, type Change } from '../news/news.ts';
import { RequestProblem } from '../problem.ts';
import { updateHost } from '../store/hosts.ts';
import { policyInForceFor } from '../store/policies.ts';
import { addReferenceVersion } from '../store/references.ts';
import { lockRounds } from '../store/rounds.ts';
import type { Database, HostRow } from '../store/schema.ts';
import { entriesOf } from './measurements.ts';
import { currentList, judgeAgain } from './judge-again.ts';

/**
 * Makes what a host measured in its present boot, and what is added, its reference values, active at once; the
 * whole boot is judged again.
 * @throws RequestProblem EVIDENCE-MISSING, POLICY-ASSIGNED
 */
export async function captureReferenceValues(
  context: Context,
  by: Principal,
  target: HostRow,
  request: CaptureRequest,
): Promise<CaptureReply> {
  return transact(context, async (db) => {
    const captured = await capture(db, context, by, target.id, request);
    const { version, digests } = captured.result;
    const detail = { version, digests, note: request.note ?? null };
    await audit(db, context, { actor: by.name, action: 'reference.capture', subject: target.name, detail });
    return captured;
  });
}

async function capture(
  db: Database,
  context: Context,
  by: Principal,
  hostId: string,
  request: CaptureRequest,
): Promise<{ result: CaptureReply; changes: Change[] }> {
  await lockRounds(db, [hostId]);
  await refusePolicy(db, hostId);
  const list = await currentList(db, hostId);
  const items = [...captureReference(entriesOf(list.rows)), ...(request.add ?? [])];
  const reference = buildReference(items);
  const version = (list.host.reference_version ?? 0) + 1;
  await store(db, context, list.host, { version, reference, items, by: by.name, note: request.note });
  const changes = await judgeAgain(db, context, list, reference);
  const state = await renewVerdict(db, context, hostId);
  const host = summaryOf(state, context.staleAfterSeconds);
  context.log(`${host.name}: reference values version ${version}, ${reference.size} digests`);
  return {
    result: { schema: 'assay.reference-capture.v1', host, version, digests: reference.size },
    changes: [{ type: 'host', host: hostId }, ...changes],
  };
}

/** Who captures would undo what others have signed. */
async function refusePolicy(db: Database, hostId: string): Promise<void> {
  const policy = await policyInForceFor(db, hostId);
  if (policy === undefined) return;
  throw new RequestProblem('POLICY-ASSIGNED', `The host is judged by ${policy.name} version ${policy.version}.`);
}

interface NewVersion {
  readonly version: number;
  readonly reference: ReferenceValues;
  readonly items: readonly ReferenceItem[];
  readonly by: string;
  readonly note: string | undefined;
}

async function store(db: Database, context: Context, host: HostRow, values: NewVersion): Promise<void> {
  const row = {
    host: host.id,
    version: values.version,
    captured_at: context.now().toISOString(),
    captured_by: values.by,
    digests: values.reference.size,
    note: values.note ?? null,
  };
  await addReferenceVersion(db, row, values.items);
  await updateHost(db, host.id, { reference_version: values.version });
}
