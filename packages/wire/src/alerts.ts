import { z } from 'zod';
import { Time } from './scalars.ts';

/** What people are told of: findings with one code that are about one thing, on whichever hosts. */
export const Alert = z.object({
  id: z.string(),
  code: z.string(),
  severity: z.enum(['warning', 'failed']),
  sentence: z.string(),
  digest: z.string().nullable(),
  hosts: z.int(),
  /** Names of some of the hosts. */
  hostNames: z.array(z.string()),
  firstSeen: Time,
  lastSeen: Time,
  openedAt: Time,
  /** Null while it is open. */
  resolvedAt: Time.nullable(),
  /** Somebody knows of each of its findings. */
  acknowledged: z.boolean(),
});
export type Alert = z.infer<typeof Alert>;

export const AlertList = z.object({
  schema: z.literal('assay.alerts.v1'),
  alerts: z.array(Alert),
  next: z.string().nullable(),
});
export type AlertList = z.infer<typeof AlertList>;

/** A message on its way to a sink, or at its end. */
export const Delivery = z.object({
  id: z.string(),
  /** The same for every sink that gets the message. */
  message: z.string(),
  sink: z.string(),
  sentence: z.string(),
  state: z.enum(['waiting', 'delivered', 'given-up']),
  attempts: z.int(),
  /** When it is tried next; null at its end. */
  dueAt: Time.nullable(),
  endedAt: Time.nullable(),
  /** Why the last attempt failed. */
  failure: z.string().nullable(),
});
export type Delivery = z.infer<typeof Delivery>;

export const DeliveryList = z.object({
  schema: z.literal('assay.deliveries.v1'),
  deliveries: z.array(Delivery),
  next: z.string().nullable(),
});
export type DeliveryList = z.infer<typeof DeliveryList>;

/** Where messages go, without what is secret of it. */
export const AlertSink = z.object({
  name: z.string(),
  type: z.enum(['webhook', 'syslog']),
  /** Of a webhook scheme, host and port alone: paths of some receivers are secrets. */
  target: z.string(),
  /** Less grave alerts are not sent to it. */
  minimum: z.enum(['warning', 'failed']),
});
export type AlertSink = z.infer<typeof AlertSink>;

export const AlertSinkList = z.object({ schema: z.literal('assay.alert-sinks.v1'), sinks: z.array(AlertSink) });
export type AlertSinkList = z.infer<typeof AlertSinkList>;

/** What became of a test message. */
export const AlertSinkTest = z.object({
  schema: z.literal('assay.alert-sink-test.v1'),
  sink: z.string(),
  message: z.string(),
  /** Why the sink did not take it; null: it did. */
  failure: z.string().nullable(),
});
export type AlertSinkTest = z.infer<typeof AlertSinkTest>;
