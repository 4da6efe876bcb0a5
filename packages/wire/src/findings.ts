import { z } from 'zod';
import { Time } from './scalars.ts';

/** A line that says why, for the record. */
export const Reason = z
  .string()
  .max(500)
  .regex(/^(?=.*\S)[^\p{C}\p{Zl}\p{Zp}]+$/u, 'takes one line that says why');

/** That somebody knows of a finding, and why it may stay until a time, at most a year from now. */
export const FindingAcknowledgement = z.strictObject({
  reason: Reason,
  until: Time,
  /** Each open finding with the same code, digest and path, too, on whichever host. */
  everywhere: z.boolean().default(false),
});
export type FindingAcknowledgement = z.input<typeof FindingAcknowledgement>;

/** That a finding is over which the evidence shows no more. */
export const FindingResolution = z.strictObject({ reason: Reason });
export type FindingResolution = z.infer<typeof FindingResolution>;
