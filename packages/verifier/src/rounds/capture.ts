import { nodeHasher } from '@assay/core/node';
import { buildReference, captureReference, type ReferenceItem, type ReferenceValues } from '@assay/core/reference';
import { judgeEntries } from '@assay/core/verdict';
import type { CaptureReply, CaptureRequest, ServerEvent } from '@assay/wire';
import type { Context } from '../context.ts';
import { quoteFacts, type QuoteFacts } from '../hosts/facts.ts';
import { closeAll, openAll } from '../hosts/findings.ts';
import { summaryOf } from '../hosts/summary.ts';
import { renewVerdict } from '../hosts/verdict.ts';
import { RequestProblem } from '../problem.ts';
import { hostById, updateHost } from '../store/hosts.ts';
import { allMeasurementsOf, setStatuses } from '../store/measurements.ts';
import { addReferenceVersion } from '../store/references.ts';
import type { Database, HostRow, MeasurementRow } from '../store/schema.ts';
import { entriesOf } from './measurements.ts';
import { eventsOf, type Changes } from './changes.ts';

/**
 * Makes what a host measured in its present boot, and what is added, its reference values, active at once; the
 * whole boot is judged again.
 * @throws RequestProblem EVIDENCE-MISSING
 */
export async function captureReferenceValues(
  context: Context,
  target: HostRow,
  request: CaptureRequest,
): Promise<CaptureReply> {
  const { reply, events } = await context.database
    .transaction()
    .execute((db) => capture(db, context, target.id, request));
  context.publish(events);
  return reply;
}

async function capture(
  db: Database,
  context: Context,
  hostId: string,
  request: CaptureRequest,
): Promise<{ reply: CaptureReply; events: ServerEvent[] }> {
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
    reply: { schema: 'assay.reference-capture.v1', host, version, digests: reference.size },
    events: [{ type: 'host', host }, ...(await eventsOf(db, hostId, changes))],
  };
}

interface CurrentList {
  readonly host: HostRow;
  readonly boot: number;
  readonly quote: QuoteFacts;
  readonly rows: readonly MeasurementRow[];
}

async function currentList(db: Database, hostId: string): Promise<CurrentList> {
  const host = await hostById(db, hostId);
  const quote = quoteFacts(host?.quote ?? null);
  if (host === undefined || host.boot === null || quote === null) {
    throw new RequestProblem('EVIDENCE-MISSING', `No evidence of ${host?.name ?? hostId} has verified yet.`);
  }
  return { host, boot: host.boot, quote, rows: await allMeasurementsOf(db, host.boot) };
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

async function judgeAgain(db: Database, list: CurrentList, reference: ReferenceValues): Promise<Changes> {
  const { host, boot, quote, rows } = list;
  const bootPcrs = quote.pcrs;
  const judgements = judgeEntries(entriesOf(rows), { host: host.name, reference, bootPcrs, hasher: nodeHasher });
  const statuses = new Map(judgements.map(({ number, status }) => [number, status]));
  await setStatuses(db, boot, statuses);
  const receivedAt = new Map(rows.map((row) => [row.entry, row.received_at]));
  const sightings = judgements.flatMap(({ number, finding }) =>
    finding === undefined ? [] : [{ draft: finding, seenAt: receivedAt.get(number) ?? '' }],
  );
  const opened = await openAll(db, { host: host.id, boot }, sightings);
  const current = new Set(opened.map((row) => row.seq));
  const closed = await closeAll(db, host.id, (finding) => finding.boot === boot && !current.has(finding.seq));
  const measurements = rows.map((row) => ({ ...row, status: statuses.get(row.entry) ?? row.status }));
  return { measurements, findings: [...closed, ...opened] };
}
