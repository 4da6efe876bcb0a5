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
