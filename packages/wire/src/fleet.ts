import { z } from 'zod';
import { ListSource, TpmKind, TrustTier, Verdict } from './hosts.ts';
import { HostId, HostName, Time } from './scalars.ts';

/** A host in one line, as a table of thousands shows it. */
export const HostLine = z.object({
  id: HostId,
  name: HostName,
  verdict: Verdict,
  verdictSince: Time,
  /** When the newest verified evidence came; null while pending. */
  evidenceAt: Time.nullable(),
  tpm: z.object({ kind: TpmKind, trust: TrustTier }),
  source: ListSource,
  kernel: z.string(),
  /** Number of the boot whose list is current; null before the first evidence. */
  boot: z.int().nullable(),
  entries: z.int(),
  violations: z.int(),
  /** What it is compared with: the name of a policy, or null for values captured from the host itself. */
  reference: z.object({ policy: z.string().nullable(), version: z.int() }).nullable(),
  /** Open findings; `code` is that of the gravest. */
  findings: z.object({ failed: z.int(), warning: z.int(), code: z.string().nullable() }),
});
export type HostLine = z.infer<typeof HostLine>;

/** Most hosts in one page of lines. */
export const HOST_LINES_MOST = 10_000;

export const HostLines = z.object({
  schema: z.literal('assay.host-lines.v1'),
  /** Seconds after which evidence counts as stale. */
  staleAfterSeconds: z.int(),
  hosts: z.array(HostLine),
  next: z.string().nullable(),
});
export type HostLines = z.infer<typeof HostLines>;
