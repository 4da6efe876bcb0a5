import { randomUUID } from 'node:crypto';
import type { AlertSink, AlertSinkTest } from '@assay/wire';
import { audit } from '../access/audit.ts';
import type { Principal } from '../access/tokens.ts';
import type { Context } from '../context.ts';
import { testMessage } from './message.ts';
import { send } from './send.ts';
import type { Sink } from './sinks.ts';

/** Sends a test message at once, and once: nothing of it is tried again. */
export async function trySink({ database, now }: Context, by: Principal, sink: Sink): Promise<AlertSinkTest> {
  const at = now();
  const message = testMessage(randomUUID(), at.toISOString());
  const failure = (await send(sink, message, at)) ?? null;
  const act = { actor: by.name, action: 'alert.test', subject: sink.name, detail: { failure } };
  await database.transaction().execute((db) => audit(db, { now }, act));
  return { schema: 'assay.alert-sink-test.v1', sink: sink.name, message: message.id, failure };
}

/** What may be known of a sink by everybody who may read. */
export function sinkOnWire(sink: Sink): AlertSink {
  const { name, type, minimum } = sink;
  const target = sink.type === 'webhook' ? new URL(sink.url).origin : `${sink.transport}://${sink.host}:${sink.port}`;
  return { name, type, minimum, target };
}
