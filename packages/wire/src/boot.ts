import { z } from 'zod';
import { MissingLog } from './agent.ts';
import { Digest, Hex, HostId, HostName, Time } from './scalars.ts';

/** Most events in one answer; the evidence of the host has the whole log. */
export const BOOT_EVENTS_MOST = 2000;

/** A register of the SHA-256 bank: what was quoted, and whether the log explains it. */
export const BootPcr = z.object({
  pcr: z.int(),
  /** Quoted; null where it is not known. */
  value: Hex.nullable(),
  /** Records of the log that extended it. */
  events: z.int(),
  /**
   * `agrees`: the log leads to the quoted value; `differs`: it does not; `extended-later`: the running system extends it, so
   * that the records of the boot are not proved; `not-logged`: the log has no record of it; `no-log`: there is no log.
   */
  state: z.enum(['agrees', 'differs', 'extended-later', 'not-logged', 'no-log']),
  /** The known fault of firmware that the agreement rests on. */
  quirk: z.string().nullable(),
});
export type BootPcr = z.infer<typeof BootPcr>;

export const BootEvent = z.object({
  /** Place in the log, from 1. */
  event: z.int(),
  pcr: z.int(),
  /** Name of the specification; a claim. */
  type: z.string(),
  digest: Digest.nullable(),
  /** Whether the quoted PCR proves the digest, and what of the text that proves: see `assay eventlog show`. */
  proved: z.boolean(),
  covers: z.enum(['all', 'part', 'nothing', 'unmeasured', 'contradicted']),
  /** What it says, in one escaped line. */
  text: z.string(),
});
export type BootEvent = z.infer<typeof BootEvent>;

/** What is known of how a host started, from its boot event log. */
export const HostBoot = z.object({
  schema: z.literal('assay.host-boot.v1'),
  host: z.object({ id: HostId, name: HostName }),
  boot: z.object({ id: z.int(), resetCount: z.int(), restartCount: z.int(), since: Time }).nullable(),
  log: z.object({
    /** `proved`: it leads to the quoted PCRs; `refused`: it does not, or cannot be read; `missing`: the host has none; `not-sent`. */
    state: z.enum(['proved', 'refused', 'missing', 'not-sent']),
    /** In one sentence. */
    sentence: z.string(),
    missing: MissingLog.nullable(),
    receivedAt: Time.nullable(),
    bytes: z.int().nullable(),
    /** Of what is said here. */
    bank: z.string().nullable(),
  }),
  /** null where no log is proved. */
  secureBoot: z
    .object({
      state: z.enum(['on', 'off', 'unknown']),
      /** Why it is unknown. */
      reasons: z.array(z.string()),
      notes: z.array(z.string()),
      /** Variables that vouched for what was started. */
      authorities: z.array(z.string()),
      /** Certificates and digests that dbx revokes. */
      revoked: z.int(),
    })
    .nullable(),
  /** null where no log is proved. */
  commandLine: z.union([
    z.object({ state: z.literal('measured'), text: z.string(), pcr: z.int(), event: z.int() }),
    z.object({ state: z.literal('unknown'), reason: z.string() }),
    z.null(),
  ]),
  /** The first entry of the measurement list beside the log: null where one of them is not there. */
  bootAggregate: z
    .object({
      digest: Digest,
      /** Whether the PCRs to which the log leads make it, and up to which PCR. */
      agrees: z.boolean(),
      lastPcr: z.int().nullable(),
    })
    .nullable(),
  pcrs: z.array(BootPcr),
  events: z.array(BootEvent),
  /** Of the log; more than are here where it is long. */
  eventsTotal: z.int(),
});
export type HostBoot = z.infer<typeof HostBoot>;
