import { createHmac } from 'node:crypto';
import type { AlertMessage } from './message.ts';
import { cloudEvent, ecs, ocsf } from './payloads.ts';
import type { WebhookSink } from './sinks.ts';

const PATIENCE_MILLISECONDS = 10_000;

const DATA = { assay: (message: AlertMessage) => message, ocsf, ecs } as const;

/**
 * What proves to the receiver who wrote a message, and when (standardwebhooks.com): HMAC-SHA256 over id, time and body.
 * @param secret `whsec_` and base64
 * @param time seconds since 1970
 */
export function webhookSignature(secret: string, id: string, time: number, body: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${time}.${body}`).digest('base64')}`;
}

/** @throws Error with the reason, when the receiver did not take it */
export async function sendWebhook(sink: WebhookSink, message: AlertMessage, now: Date): Promise<void> {
  const body = JSON.stringify(cloudEvent(message, DATA[sink.payload](message)));
  const time = Math.floor(now.getTime() / 1000);
  const response = await fetch(sink.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'webhook-id': message.id,
      'webhook-timestamp': String(time),
      'webhook-signature': webhookSignature(sink.secret, message.id, time, body),
    },
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(PATIENCE_MILLISECONDS),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the receiver answered ${response.status}`);
}
