import { nodeHasher } from '@assay/core/node';
import { buildReference, captureReference, type ReferenceItem, type ReferenceValues } from '@assay/core/reference';
import { judgeEntries } from '@assay/core/verdict';
import type { CaptureReply, CaptureRequest } from '@assay/wire';
import { audit } from '../access/audit.ts';
import type { Principal } from '../access/tokens.ts';
import type { Context } from '../context.ts';
import { closeAll, openAll } from '../hosts/findings.ts';
import { keptOf, type Kept } from '../hosts/kept.ts';
import { summaryOf } from '../hosts/summary.ts';
import { renewVerdict } from '../hosts/verdict.ts';
import { transact, type Change } from '../news/news.ts';
import { RequestProblem } from '../problem.ts';
import { hostById, updateHost } from '../store/hosts.ts';
import { listOf, type ListedRow } from '../store/lists.ts';
import { addReferenceVersion } from '../store/references.ts';
import { lockRounds, roundsOf } from '../store/rounds.ts';
import type { Database, HostRow } from '../store/schema.ts';
import { entriesOf } from './measurements.ts';
import { findingChanges } from './changes.ts';

/**
 * Makes what a host measured in its present boot, and what is added, its reference values, active at once; the
 * whole boot is judged again.
 * @throws RequestProblem EVIDENCE-MISSING
 */
export async function captureReferenceValues(
  context: Context,
  by: Principal,
  target: HostRow,
  request: CaptureRequest,
): Promise<CaptureReply> {
  return transact(context, async (db) => {
    const captured = await capture(db, context, target.id, request);
    const { version, digests } = captured.result;
    const detail = { version, digests, note: request.note ?? null };
    await audit(db, context, { actor: by.name, action: 'reference.capture', subject: target.name, detail });
    return captured;
  });
}

async function capture(
  db: Database,
  context: Context,
  hostId: string,
  request: CaptureRequest,
): Promise<{ result: CaptureReply; changes: Change[] }> {
  await lockRounds(db, [hostId]);
  const list = await currentList(db, hostId);
  const items = [...captureReference(entriesOf(list.rows)), ...(request.add ?? [])];
  const reference = buildReference(items);
  const version = (list.host.reference_version ?? 0) + 1;
  await store(db, context, list.host, { version, reference, items, note: request.note });
  const changes = await judgeAgain(db, list, reference);
  const state = await renewVerdict(db, context, hostId);
  const host = summaryOf(state, context.staleAfterSeconds);
  context.log(`${host.name}: reference values version ${version}, ${reference.size} digests`);
  return {
    result: { schema: 'assay.reference-capture.v1', host, version, digests: reference.size },
    changes: [{ type: 'host', host: hostId }, ...changes],
  };
}

interface CurrentList {
  readonly host: HostRow;
  readonly boot: number;
  readonly kept: Kept;
  readonly rows: readonly ListedRow[];
}

async function currentList(db: Database, hostId: string): Promise<CurrentList> {
  const host = await hostById(db, hostId);
  const [round] = await roundsOf(db, [hostId]);
  const kept = round === undefined ? null : keptOf(round);
  if (host === undefined || host.boot === null || kept === null) {
    throw new RequestProblem('EVIDENCE-MISSING', `No evidence of ${host?.name ?? hostId} has verified yet.`);
  }
  return { host, boot: host.boot, kept, rows: await listOf(db, host.boot, 1, kept.state.entries) };
}

interface NewVersion {
  readonly version: number;
  readonly reference: ReferenceValues;
  readonly items: readonly ReferenceItem[];
  readonly note: string | undefined;
}

async function store(db: Database, context: Context, host: HostRow, values: NewVersion): Promise<void> {
  const row = {
    host: host.id,
    version: values.version,
    captured_at: context.now().toISOString(),
    digests: values.reference.size,
    note: values.note ?? null,
  };
  await addReferenceVersion(db, row, values.items);
  await updateHost(db, host.id, { reference_version: values.version });
}

async function judgeAgain(db: Database, list: CurrentList, reference: ReferenceValues): Promise<Change[]> {
  const { host, boot, kept, rows } = list;
  const judging = { host: host.name, reference, bootPcrs: kept.pcrs, hasher: nodeHasher };
  const judgements = judgeEntries(entriesOf(rows), judging);
  const receivedAt = new Map(rows.map((row) => [row.number, row.receivedAt]));
  const sightings = judgements.flatMap(({ number, finding }) =>
    finding === undefined ? [] : [{ draft: finding, seenAt: receivedAt.get(number) ?? '' }],
  );
  const opened = await openAll(db, { host: host.id, boot }, sightings);
  const current = new Set(opened.map((row) => row.seq));
  const closed = await closeAll(db, host.id, (finding) => finding.boot === boot && !current.has(finding.seq));
  const measured = { type: 'measurements', host: host.id, boot, from: 1, to: kept.state.entries } as const;
  return [measured, ...findingChanges([...closed, ...opened])];
}
