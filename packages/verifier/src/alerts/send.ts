import type { AlertMessage } from './message.ts';
import type { Sink } from './sinks.ts';
import { sendSyslog } from './syslog.ts';
import { sendWebhook } from './webhook.ts';

/** @returns why the sink did not take the message; undefined when it did */
export async function send(sink: Sink, message: AlertMessage, now: Date): Promise<string | undefined> {
  try {
    await (sink.type === 'webhook' ? sendWebhook(sink, message, now) : sendSyslog(sink, message));
    return undefined;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return (cause instanceof Error ? cause.message || cause.name : String(cause)).slice(0, 300);
  }
}
