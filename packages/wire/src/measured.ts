import { z } from 'zod';
import { Digest, HostName, Time } from './scalars.ts';

/** A file or buffer that hosts measured in their present boots. */
export const FleetMeasurement = z.object({
  digest: Digest,
  /** Escaped; a hint only. */
  path: z.string(),
  template: z.string(),
  /** Number of hosts whose present boot has it, and the names of some of them. */
  hosts: z.int(),
  hostNames: z.array(HostName),
  /** When it came first in one of these boots. */
  firstSeen: Time,
  /** Hosts that have an open finding about it. */
  findings: z.int(),
});
export type FleetMeasurement = z.infer<typeof FleetMeasurement>;

export const FleetMeasurementList = z.object({
  schema: z.literal('assay.fleet-measurements.v1'),
  /** What was counted, and when: the present boots of hosts, and how many different entries they have. */
  counted: z.object({ hosts: z.int(), entries: z.int(), at: Time }),
  measurements: z.array(FleetMeasurement),
  /** A page that was searched may be short, or empty, although others follow. */
  next: z.string().nullable(),
});
export type FleetMeasurementList = z.infer<typeof FleetMeasurementList>;
