import { z } from 'zod';
import { Enrolment, EnrolmentId } from './enrolments.ts';
import { HostLine } from './fleet.ts';
import { Finding, HostSummary, Measurement } from './hosts.ts';
import { HostId } from './scalars.ts';

/** What `/v1/events` sends; the SSE event name is `type`. */
export const ServerEvent = z.discriminatedUnion('type', [
  /** A host was enrolled, or its verdict, list or reference values changed. */
  z.object({ type: z.literal('host'), host: HostSummary }),
  z.object({ type: z.literal('measurements'), hostId: HostId, measurements: z.array(Measurement) }),
  z.object({ type: z.literal('finding'), finding: Finding }),
  /** A machine waits for a decision, was decided about, or became a host; null where its enrolment is no more. */
  z.object({ type: z.literal('enrolment'), id: EnrolmentId, enrolment: Enrolment.nullable() }),
]);
export type ServerEvent = z.infer<typeof ServerEvent>;

/**
 * What `/v1/events?form=lines` sends instead, at most once a second, for pages that show many hosts: the lines of the hosts
 * that something changed of, those that are not there any more, those whose findings changed, and enrolments that did.
 */
export const FleetEvent = z.object({
  type: z.literal('fleet'),
  hosts: z.array(HostLine),
  gone: z.array(HostId),
  findingsOf: z.array(HostId),
  enrolments: z.array(EnrolmentId),
});
export type FleetEvent = z.infer<typeof FleetEvent>;
