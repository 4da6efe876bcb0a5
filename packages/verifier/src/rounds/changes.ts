import type { FleetEvent, ServerEvent } from '@assay/wire';
import type { Context } from '../context.ts';
import { enrolmentId, enrolmentOnWire } from '../enrolment/on-wire.ts';
import { statesOf } from '../hosts/facts.ts';
import { findingOnWire } from '../hosts/findings.ts';
import { summaryOf } from '../hosts/summary.ts';
import type { Change } from '../news/news.ts';
import { admissionBySeq } from '../store/admissions.ts';
import { bootsByIds } from '../store/boots.ts';
import { findingsBySeq, hostsOfFindings } from '../store/findings.ts';
import { hostLinesOf } from '../store/host-lines.ts';
import { hostsByIds } from '../store/hosts.ts';
import { roundsOf } from '../store/rounds.ts';
import type { FindingRow } from '../store/schema.ts';
import { measurements, presentList } from './measurements.ts';

/** Most measurements of one arrival, and most findings at once, that are sent to listeners; the newest. They read the rest. */
const EVENTS_LIMIT = 200;

export function findingChanges(rows: readonly FindingRow[]): Change[] {
  return rows.slice(-EVENTS_LIMIT).map(({ seq }) => ({ type: 'finding', seq }));
}

/** What listeners are told of changes, read from the store as it is now. */
export async function eventsOf(context: Context, changes: readonly Change[]): Promise<ServerEvent[]> {
  const events = await hostEvents(context, changes);
  for (const change of changes) {
    if (change.type === 'measurements') events.push(...(await measurementEvents(context, change)));
  }
  const seqs = changes.flatMap((change) => (change.type === 'finding' ? [change.seq] : []));
  for (const row of await findingsBySeq(context.database, [...new Set(seqs)])) {
    events.push({ type: 'finding', finding: await findingOnWire(context.database, row, context.now()) });
  }
  for (const seq of enrolmentsIn(changes)) events.push(await enrolmentEvent(context, seq));
  return events;
}

function enrolmentsIn(changes: readonly Change[]): number[] {
  return changes.flatMap((change) => (change.type === 'enrolment' ? [change.seq] : []));
}

async function enrolmentEvent({ database }: Context, seq: number): Promise<ServerEvent> {
  const row = await admissionBySeq(database, seq);
  return { type: 'enrolment', id: enrolmentId(seq), enrolment: row === undefined ? null : enrolmentOnWire(row) };
}

/** The same for pages that show many hosts: only what changed, and how it looks in one line. */
export async function linesOf({ database }: Context, changes: readonly Change[]): Promise<FleetEvent[]> {
  const changed = new Set(changes.flatMap((change) => ('host' in change ? [change.host] : [])));
  const seqs = changes.flatMap((change) => (change.type === 'finding' ? [change.seq] : []));
  const findingsOf = await hostsOfFindings(database, seqs);
  const hosts = await hostLinesOf(database, [...changed]);
  const there = new Set(hosts.map(({ id }) => id));
  const gone = [...changed].filter((id) => !there.has(id));
  return [{ type: 'fleet', hosts, gone, findingsOf, enrolments: enrolmentsIn(changes).map(enrolmentId) }];
}

async function hostEvents(context: Context, changes: readonly Change[]): Promise<ServerEvent[]> {
  const ids = changes.flatMap((change) => (change.type === 'host' ? [change.host] : []));
  const states = await statesOf(context.database, await hostsByIds(context.database, [...new Set(ids)]));
  return states.map((state) => ({ type: 'host', host: summaryOf(state, context.staleAfterSeconds) }));
}

async function measurementEvents(
  context: Context,
  change: Extract<Change, { type: 'measurements' }>,
): Promise<ServerEvent[]> {
  const { database } = context;
  const [[host], [round]] = [await hostsByIds(database, [change.host]), await roundsOf(database, [change.host])];
  const [boot] = await bootsByIds(database, [change.boot]);
  if (host === undefined || round === undefined || boot === undefined) return [];
  const part = { from: Math.max(change.from, change.to - EVENTS_LIMIT + 1), to: change.to };
  const list = await presentList(database, context, { host, boot, round });
  const shown = list === null ? [] : await measurements(database, list, part);
  return shown.length === 0 ? [] : [{ type: 'measurements', hostId: host.id, measurements: shown }];
}
