import { claimDelivery, dueDeliveries, updateDelivery } from '../store/alerts.ts';
import type { Database, DeliveryRow } from '../store/schema.ts';
import { AlertMessage } from './message.ts';
import { send } from './send.ts';
import type { Sink } from './sinks.ts';

const AT_ONCE = 16;
/** Longer than any sink is waited for: until then no other verifier tries the same. */
const CLAIM_MILLISECONDS = 30_000;
const FIRST_PAUSE_MILLISECONDS = 5000;
const LONGEST_PAUSE_MILLISECONDS = 3_600_000;
/** With these pauses, about a day and a half. */
const MOST_ATTEMPTS = 40;

/** Sends what is due. @returns how many deliveries were tried */
export async function deliverDue(database: Database, sinks: readonly Sink[], now: () => Date): Promise<number> {
  const due = await dueDeliveries(database, now().toISOString(), AT_ONCE);
  await Promise.all(due.map((row) => deliver(database, row, sinks, now)));
  return due.length;
}

async function deliver(db: Database, row: DeliveryRow, sinks: readonly Sink[], now: () => Date): Promise<void> {
  if (!(await claimDelivery(db, row, later(now(), CLAIM_MILLISECONDS)))) return;
  const sink = sinks.find(({ name }) => name === row.sink);
  const failure = sink === undefined ? 'no sink has this name any more' : await send(sink, parsed(row.document), now());
  const attempts = row.attempts + 1;
  const isOver = failure === undefined || sink === undefined || attempts >= MOST_ATTEMPTS;
  await updateDelivery(db, row.seq, {
    attempts,
    failure: failure ?? null,
    ...(isOver ? { ended_at: now().toISOString() } : { due_at: later(now(), pauseAfter(attempts)) }),
  });
}

function parsed(document: string): AlertMessage {
  return AlertMessage.parse(JSON.parse(document));
}

/** Twice as long each time, and never the same for all: receivers that come back are not run over. */
function pauseAfter(attempts: number): number {
  const pause = Math.min(LONGEST_PAUSE_MILLISECONDS, FIRST_PAUSE_MILLISECONDS * 2 ** (attempts - 1));
  return pause * (0.75 + Math.random() / 2);
}

function later(now: Date, milliseconds: number): string {
  return new Date(now.getTime() + milliseconds).toISOString();
}
