import { randomUUID } from 'node:crypto';
import {
  alertsToTell,
  deleteAlert,
  forgetAlerts,
  hostNamesOf,
  hostsWith,
  insertAlert,
  insertDelivery,
  openAlerts,
  openCauses,
  staleHosts,
  updateAlert,
  type OpenCause,
} from '../store/alerts.ts';
import { tryLockWork } from '../store/locks.ts';
import type { AlertRow, Database } from '../store/schema.ts';
import { messageOf, type AlertMessage, type Cause } from './message.ts';
import type { Sink } from './sinks.ts';

const MOST_NAMES = 10;
/** What comes in one burst is told at once, and what is over before that is not told at all. */
const SETTLE_MILLISECONDS = 3000;
const KEPT_MILLISECONDS = 30 * 24 * 3600 * 1000;

/**
 * Brings the alerts of a store up to its findings, and puts what the sinks have to know into the outbox: one transaction,
 * so that nothing is told twice and nothing is lost. Of several verifiers one does it.
 */
export async function renewAlerts(database: Database, sinks: readonly Sink[], now: Date): Promise<void> {
  await database.transaction().execute(async (db) => {
    if (!(await tryLockWork(db, 'alerts'))) return;
    const causes = await causesNow(db, now.toISOString());
    const known = new Map((await openAlerts(db)).map((row) => [keyOf(row), row]));
    for (const cause of causes) await keep(db, cause, known.get(keyOf(cause)), now);
    const there = new Set(causes.map(keyOf));
    for (const row of known.values()) if (!there.has(keyOf(row))) await resolve(db, row, now);
    await tell(db, sinks, now);
    await forgetAlerts(db, new Date(now.getTime() - KEPT_MILLISECONDS).toISOString());
  });
}

function keyOf({ code, subject }: Pick<OpenCause, 'code' | 'subject'>): string {
  return `${code}\n${subject}`;
}

async function causesNow(db: Database, now: string): Promise<(OpenCause & { readonly names?: readonly string[] })[]> {
  const stale = await staleHosts(db);
  const [first] = stale;
  if (first === undefined) return openCauses(db, now);
  const since = stale.map((host) => host.since).toSorted();
  const silent = {
    code: 'HOST-STALE',
    subject: '',
    digest: null,
    severity: 'warning',
    hosts: stale.length,
    firstSeen: since[0] ?? first.since,
    lastSeen: since.at(-1) ?? first.since,
    sentence:
      stale.length === 1 ? `${first.name} sends no fresh evidence.` : `${stale.length} hosts send no fresh evidence.`,
    names: stale.map(({ name }) => name).slice(0, MOST_NAMES),
    acknowledged: false,
  } as const;
  return [...(await openCauses(db, now)), silent];
}

async function keep(
  db: Database,
  cause: OpenCause & { readonly names?: readonly string[] },
  known: AlertRow | undefined,
  now: Date,
): Promise<void> {
  const { code, subject, digest, severity, sentence, hosts, firstSeen, lastSeen } = cause;
  const acknowledged = cause.acknowledged ? 1 : 0;
  const isSame = known?.hosts === hosts && known.severity === severity && known.last_seen === lastSeen;
  if (isSame && known.acknowledged === acknowledged) return;
  const names = cause.names ?? (await hostsWith(db, cause, MOST_NAMES));
  const facts = {
    severity,
    sentence,
    hosts,
    host_names: JSON.stringify(names),
    last_seen: lastSeen,
    acknowledged,
  } as const;
  if (known === undefined) {
    // Who knows of it on all hosts needs no message; it becomes an alert when that is over.
    if (cause.acknowledged) return;
    const times = { first_seen: firstSeen, opened_at: now.toISOString(), resolved_at: null };
    await insertAlert(db, { code, subject, digest, ...facts, ...times, told: 'no' });
    return;
  }
  // What got worse is told again, and what is not known of any more.
  const worse = severity === 'failed' && known.severity === 'warning';
  const again = !cause.acknowledged && (worse || known.acknowledged === 1);
  await updateAlert(db, known.seq, { ...facts, ...(again ? { told: 'no' } : {}) });
}

async function resolve(db: Database, { seq, told }: AlertRow, now: Date): Promise<void> {
  if (told === 'no') await deleteAlert(db, seq);
  else await updateAlert(db, seq, { resolved_at: now.toISOString() });
}

async function tell(db: Database, sinks: readonly Sink[], now: Date): Promise<void> {
  const rows = await alertsToTell(db, new Date(now.getTime() - SETTLE_MILLISECONDS).toISOString());
  const bursts = Map.groupBy(rows, ({ code, told }) => `${told} ${code}`);
  for (const burst of bursts.values()) {
    const [{ code, told } = { code: '', told: 'no' }] = burst;
    const kind = told === 'no' ? 'opened' : 'resolved';
    const id = randomUUID();
    await enqueue(db, messageOf(kind, code, burst.map(causeOf), { id, at: now.toISOString() }), sinks);
    for (const { seq } of burst) await updateAlert(db, seq, { told: kind });
  }
}

function causeOf(row: AlertRow): Cause {
  return {
    id: `A-${row.seq}`,
    sentence: row.sentence,
    severity: row.severity,
    digest: row.digest,
    hosts: row.hosts,
    hostNames: hostNamesOf(row),
    firstSeen: row.first_seen,
    lastSeen: row.last_seen,
  };
}

async function enqueue(db: Database, message: AlertMessage, sinks: readonly Sink[]): Promise<void> {
  const document = JSON.stringify(message);
  for (const { name, minimum } of sinks) {
    if (minimum === 'failed' && message.severity === 'warning') continue;
    await insertDelivery(db, { message: message.id, sink: name, document, due_at: message.at });
  }
}
